"""How a model's memory grows with its batch, its resolution and the length of its sequence.

The model is traced again at several sizes, a power law is fitted, and the fit is checked against one more
trace at a size between them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from skiplint.analysis.memory.growth import Growth, figures, growth_of
from skiplint.analysis.memory.resizing import Resizing
from skiplint.analysis.memory.sizes import SizeError, analysis_at
from skiplint.analysis.memory.totals import Memory
from skiplint.analysis.provider import TracedModel

if TYPE_CHECKING:
    from skiplint.graph import TensorSpec

Dimension = Literal["batch", "side", "length"]
_FACTORS = (1, 2, 4)
"""Sizes of the fit, as multiples of the traced one."""
_CHECK = 3
"""The size at which the fit is checked, as such a multiple."""


@dataclass(frozen=True, slots=True)
class Scaling:
    """The growth with one dimension of the inputs, or why it is not known."""

    dimension: Dimension
    """``side``: every side of the image together; ``length``: of a sequence."""
    growth: Growth | None
    checked_at: int
    """A size that took no part in the fit."""
    errors: Mapping[str, float]
    """The relative error of each fit at that size; no entry for a figure without a fit."""
    reason: str = ""
    """Why there is no growth: the error of the model at another size."""


def find_scalings(analysis: TracedModel) -> tuple[Scaling, ...]:
    """The growth with the batch and with the side or length of the first input."""
    inputs = analysis.graph.inputs
    return tuple(_dimensions(analysis, inputs[0].spec)) if inputs and inputs[0].spec.shape else ()


def _dimensions(analysis: TracedModel, spec: TensorSpec) -> list[Scaling]:
    shape = spec.shape
    found = [_scaling(analysis, "batch", shape[0], lambda factor: Resizing(shape[0] * factor))]
    if len(shape) >= 4:
        sides = shape[2:]
        found.append(
            _scaling(analysis, "side", sides[0], lambda by: Resizing(size=tuple(s * by for s in sides)))
        )
    elif len(shape) == 2 and not spec.floating:
        found.append(_scaling(analysis, "length", shape[1], lambda by: Resizing(size=(shape[1] * by,))))
    elif len(shape) == 3:
        # Either of the two may be the features, at which no other size runs.
        first = _scaling(analysis, "length", shape[1], lambda by: Resizing(size=(shape[1] * by, shape[2])))
        last = _scaling(analysis, "length", shape[2], lambda by: Resizing(size=(shape[2] * by,)))
        found.append(last if first.growth is None and last.growth is not None else first)
    return found


def _scaling(
    analysis: TracedModel, dimension: Dimension, base: int, resized: Callable[[int], Resizing]
) -> Scaling:
    try:
        measured = [
            figures((analysis if factor == 1 else analysis_at(analysis, resized(factor))).of(Memory))
            for factor in (*_FACTORS, _CHECK)
        ]
    except SizeError as error:
        return Scaling(dimension, None, base * _CHECK, {}, str(error))
    growth = growth_of(measured[:-1], [base * factor for factor in _FACTORS])
    errors = {
        name: law.at(base * _CHECK) / measured[-1][name] - 1
        for name, law in growth.fits.items()
        if law is not None and measured[-1][name]
    }
    return Scaling(dimension, growth, base * _CHECK, errors)
