"""The sizes that a model accepts, as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from skiplint.analysis.contract.axes import Axis
from skiplint.analysis.contract.sizes import Sizes
from skiplint.graph import Location

Shape = tuple[int, ...]
FailureKind = Literal["join", "layer", "shape", "check", "other"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A size that the model refuses, and the operation that fails there."""

    point: tuple[int, ...]
    """The size of each axis of the contract."""
    inputs: tuple[Shape, ...]
    """The shapes of the inputs at that size."""
    kind: FailureKind
    """``join``: two data tensors that do not combine; ``layer`` and ``shape``: another call that refuses its
    operands; ``check``: an ``assert`` or ``raise`` of the model itself; ``other``: any other error."""
    message: str
    """The error on one line."""
    location: Location | None = None
    node: str | None = None
    """The id of the operation that fails; None if no operation does."""
    operands: tuple[Shape, ...] = ()
    """The shapes of its operands."""
    alone: bool = False
    """Whether only joins fail there, so that the model would run if they did."""


@dataclass(frozen=True, slots=True)
class AxisContract:
    """The sizes that one axis may have while the others are as in the example."""

    axis: Axis
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Contract:
    """The sizes that the inputs of a model may have."""

    axes: tuple[AxisContract, ...] = ()
    equal: tuple[int, ...] = ()
    """The positions in :attr:`axes` of the sizes that have to be equal; each of them then has the sizes that
    all may have."""
    ones: bool = False
    """Whether one of the equal sizes may also be 1, which is broadcast to the others."""
    together: tuple[int | None, ...] = ()
    """At least one of the sizes has to reach its bound here; None for one that never helps."""
    independent: bool = True
    """Whether the contract holds for all combinations of sizes that were tried. If not, it holds for one size
    at a time while the others are as in the example."""
    batch: Sizes = Sizes()  # noqa: RUF009 - frozen
    failures: tuple[Failure, ...] = ()
    """The refused sizes nearest to the example, one for each bound or rule that they break."""
    probes: int = 0
    """The number of forwards that were run to find and confirm the contract."""

    @property
    def free(self) -> bool:
        """Whether the model accepts every size."""
        bound = self.equal or self.together or not self.independent
        return not bound and all(each.sizes.free for each in self.axes)

    def accepts(self, point: Sequence[int]) -> bool:
        """Return whether the model runs at these sizes, one for each axis."""
        if not all(each.sizes.accepts(size) for each, size in zip(self.axes, point, strict=True)):
            return False
        if len({point[number] for number in self.equal} - ({1} if self.ones else set())) > 1:
            return False
        reached = [
            bound is not None and size >= bound for size, bound in zip(point, self.together, strict=False)
        ]
        return any(reached) or not reached
