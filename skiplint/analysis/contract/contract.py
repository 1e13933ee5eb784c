"""The sizes that a model accepts, as figures."""

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
    """A size that the model refuses, and where."""

    point: tuple[int, ...]
    """A size for each axis of the contract."""
    inputs: tuple[Shape, ...]
    """The shapes of the inputs there."""
    kind: FailureKind
    """``join``: two data tensors that cannot combine; ``layer`` and ``shape``: another call that does not
    take its operands; ``check``: the model's own ``assert`` or ``raise``; ``other``: any other error."""
    message: str
    """What the error says, on one line."""
    location: Location | None = None
    node: str | None = None
    """The operation that fails, None where the error comes from outside of one."""
    operands: tuple[Shape, ...] = ()
    """What it gets there."""
    alone: bool = False
    """No call fails there but joins, so that the model would run if they did."""


@dataclass(frozen=True, slots=True)
class AxisContract:
    """What one size may be, the others being as in the example."""

    axis: Axis
    sizes: Sizes


@dataclass(frozen=True, slots=True)
class Contract:
    """What the sizes of a model's inputs may be."""

    axes: tuple[AxisContract, ...] = ()
    equal: tuple[int, ...] = ()
    """The sizes, by their numbers in :attr:`axes`, that have to be the same; what that may be then stands at
    each of them."""
    ones: bool = False
    """A size of 1 stands beside any other all the same: it is broadcast to it."""
    together: tuple[int | None, ...] = ()
    """At least one of the sizes is as large as this; None for one that is of no help however large."""
    independent: bool = True
    """All points are accepted or refused as the rest says, as far as was tried; else it holds for one size
    at a time, the others being as in the example."""
    batch: Sizes = Sizes()  # noqa: RUF009 - frozen
    failures: tuple[Failure, ...] = ()
    """The refused sizes nearest to the example, one for each way in which sizes are refused."""
    probes: int = 0
    """Forwards that were run to find and confirm this."""

    @property
    def free(self) -> bool:
        """Whether every size is accepted."""
        bound = self.equal or self.together or not self.independent
        return not bound and all(each.sizes.free for each in self.axes)

    def accepts(self, point: Sequence[int]) -> bool:
        """Whether the model runs at these sizes, one for each axis."""
        if not all(each.sizes.accepts(size) for each, size in zip(self.axes, point, strict=True)):
            return False
        if len({point[number] for number in self.equal} - ({1} if self.ones else set())) > 1:
            return False
        reached = [
            bound is not None and size >= bound for size, bound in zip(point, self.together, strict=False)
        ]
        return any(reached) or not reached
