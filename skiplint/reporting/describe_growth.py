"""How a model's memory grows and whether it fits, in the terms of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.budget import Budget, Optimizer, judge
from skiplint.analysis.memory.scaling import Scaling, find_scalings
from skiplint.analysis.memory.sizes import SizeError

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis

_LARGEST = 10


def describe_growth(analysis: Analysis) -> dict[str, Any]:
    """For each dimension of the inputs the sizes that were traced, the bytes, and the fits."""
    return {scaling.dimension: _scaling(scaling) for scaling in find_scalings(analysis)}


def _scaling(scaling: Scaling) -> dict[str, Any]:
    growth = scaling.growth
    if growth is None:
        return {"sizes": [], "bytes": {}, "exponents": {}, "reason": scaling.reason}
    laws = {name: law for name, law in growth.fits.items() if law is not None}
    return {
        "sizes": list(growth.sizes),
        "bytes": {name: list(values) for name, values in growth.bytes.items()},
        "exponents": {name: round(law.exponent, 4) for name, law in laws.items()},
        "fit_error": {name: round(law.error, 6) for name, law in laws.items()},
        "checked_at": scaling.checked_at,
        "check_error": {name: round(error, 6) for name, error in scaling.errors.items()},
        "reason": None,
    }


def describe_budget(analysis: Analysis, nbytes: int, optimizer: Optimizer) -> dict[str, Any]:
    """Whether a training step at the batch of the inputs fits into ``nbytes``."""
    try:
        verdict = judge(analysis, Budget(nbytes, None, optimizer))
    except SizeError as error:
        return {"budget_bytes": nbytes, "reason": str(error)}
    step = verdict.step
    return {
        "budget_bytes": nbytes,
        "batch": step.batch,
        "fits": verdict.fits,
        "total_bytes": step.total,
        "over_bytes": max(0, verdict.over),
        "largest_batch": verdict.largest,
        "optimizer": optimizer,
        "weight_bytes": step.weights,
        "gradient_bytes": step.gradients,
        "optimizer_bytes": step.optimizer,
        "activation_bytes": step.activations,
        "input_bytes": step.inputs,
        "joins": [{"node": each.operation.id, "bytes": each.nbytes} for each in verdict.joins[:_LARGEST]],
        "reason": None,
    }
