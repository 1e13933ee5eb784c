"""The input contract: the sizes that a model accepts, and what fails at other sizes."""

from __future__ import annotations

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.contract import AxisContract, Contract, Failure
from skiplint.analysis.contract.find import InputContract, SizeDependence
from skiplint.analysis.contract.sizes import Sizes

__all__ = [
    "Axis",
    "AxisContract",
    "Contract",
    "Failure",
    "InputContract",
    "SizeDependence",
    "Sizes",
]
