"""The input contract: the sizes that a model accepts, and what fails at other sizes."""

from __future__ import annotations

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.contract import AxisContract, Contract, Failure
from skiplint.analysis.contract.find import find_contract, size_dependence
from skiplint.analysis.contract.sizes import Sizes

__all__ = ["Axis", "AxisContract", "Contract", "Failure", "Sizes", "find_contract", "size_dependence"]
