"""What is known of one function of torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol

from skiplint.operators.families import Family


class Call(Protocol):
    """A call of a torch function, as recorded or as it runs."""

    @property
    def op(self) -> Op:
        """What is known of the function."""

    @property
    def args(self) -> Sequence[Any]:
        """Positional arguments."""

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """Keyword arguments."""


class Role(Enum):
    """What an operand has to do with the values of the result."""

    VALUES = "its values go into the result"
    STEERS = "says where values come from: an index, coordinates, a probability"
    LENDS = "gives a shape, a type or a device, no values"


@dataclass(frozen=True, slots=True)
class Setting:
    """An argument that is not data: where it stands in a call."""

    position: int | None
    """Place among the positional arguments; None for what can only be given by keyword or not at all."""
    keywords: tuple[str, ...]
    default: Any = None

    def of(self, call: Call) -> Any:
        """The value in ``call``, the default where it was not given."""
        for keyword in self.keywords:
            if keyword in call.kwargs:
                return call.kwargs[keyword]
        given = self.position is not None and self.position < len(call.args)
        return call.args[self.position] if given else self.default  # type: ignore[index]

    def put(
        self, value: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments of a call with ``value`` for this one, where it was given before.

        Where it was not given, it becomes a keyword argument.
        """
        keyword = next((each for each in self.keywords if each in kwargs), self.keywords[0])
        at = self.position
        if keyword in kwargs or at is None or at >= len(args):
            return tuple(args), {**kwargs, keyword: value}
        return (*args[:at], value, *args[at + 1 :]), dict(kwargs)


@dataclass(frozen=True, slots=True)
class Built:
    """The class of torch.nn that makes such a call, and the arguments that set its widths."""

    part: str
    """The submodule of ``torch.nn.modules`` that holds it."""
    inputs: str = ""
    """The constructor's argument for the width of the input; empty if there is none."""
    outputs: str = ""
    """The constructor's argument for the width of the result; empty if there is none."""


@dataclass(frozen=True, eq=False)
class Op:
    """One function of torch. All spellings of one function share one object."""

    name: str
    """The canonical name, without the in-place mark. For messages; ask the families for decisions."""
    families: frozenset[Family] = frozenset()
    spellings: tuple[str, ...] = ()
    """The names under which a trace records it, the canonical one first, without the in-place mark."""
    roles: tuple[Role, ...] = (Role.VALUES,)
    """The role of each tensor operand in the order of the call; the last one holds for all that follow."""
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    bounds: tuple[float, float] | None = None
    """The range of the result with default arguments, where both ends are finite."""
    feature_axis: int | None = None
    """The axis of operand 0 that a layer contracts or normalises by its weights (in (N, C, ...) or last)."""
    space: int | None = None
    """The number of spatial axes that a convolution, pooling or resampling is made for; None if any."""
    first_factor: int = 0
    """The operand that is the first factor of a contraction."""
    built: Built | None = None
    operator: str = ""
    """The Python operator that is another way to write it, such as ``+``."""
    gates: int = 1
    """Rows of a recurrent layer's weight for each hidden feature."""
    states: tuple[str, ...] = ()
    """Of a recurrent layer: where its states stand. A gated cell carries the last one past its weights."""

    def is_a(self, *families: Family) -> bool:
        """Whether it belongs to one of ``families``."""
        return not self.families.isdisjoint(families)

    def setting(self, call: Call, name: str) -> Any:
        """The value of setting ``name`` in ``call``; None where the function has no such setting."""
        known = self.settings.get(name)
        return None if known is None else known.of(call)

    def role(self, position: int) -> Role:
        """The role of tensor operand ``position``."""
        return self.roles[min(position, len(self.roles) - 1)]

    @property
    def takes_weights(self) -> bool:
        """Whether it mixes data with weights that have an operand of their own."""
        return self.is_a(
            Family.CONVOLUTION, Family.LINEAR, Family.BILINEAR, Family.EMBEDDING, Family.RECURRENT
        )

    @property
    def is_unchanged(self) -> bool:
        """Whether it gives values of its first operand as they are: a view, copy, cast, part or dropout."""
        return self.is_a(*_UNCHANGED)


_UNCHANGED = (
    Family.RESHAPE,
    Family.AXIS_MOVE,
    Family.EXPANSION,
    Family.COPY,
    Family.DETACHED,
    Family.CAST,
    Family.DROPOUT,
    Family.SELECTION,
    Family.UPDATE,
)
