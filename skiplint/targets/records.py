"""The types that pass between this package and its callers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from skiplint.targets.failures import TargetError

if TYPE_CHECKING:
    from torch import nn

    from skiplint.targets.demo import DemoCall

InputSource = Literal["config", "annotation", "module", "demo", "inferred"]
Device = Literal["meta", "cpu"]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of ``[[tool.skiplint.models]]``.

    ``inputs`` lists the inputs of forward in order, or names them: each is a shape such as
    ``["B", 3, "H", "W"]`` or a table with ``shape`` and any of ``dtype``, ``low`` and ``high``, or with
    ``value`` (passed as it is) or ``list`` (a list of such inputs). A single flat shape is one input.
    ``sizes`` gives the symbolic names a value.
    """

    target: str
    args: list[Any] = msgspec.field(default_factory=list)
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    inputs: list[Any] | dict[str, Any] | None = None
    sizes: dict[str, int] = msgspec.field(default_factory=dict)


@dataclass(frozen=True)
class ModelTarget:
    """A model that can be built."""

    target: str
    """What to type to get this model again, such as ``model.py:UNet``."""
    name: str
    path: str | None
    line: int | None
    build: Callable[[], nn.Module] = field(compare=False, repr=False)
    """Calls the user's constructor; :func:`skiplint.targets.build` chooses the device around it."""
    config: ModelConfig | None = field(default=None, compare=False)
    """The configuration entry that this target comes from."""
    demos: tuple[DemoCall, ...] = field(default=(), compare=False, repr=False)
    """Calls of the model that its file makes itself."""
    example: Callable[[], Arguments] | None = field(default=None, compare=False, repr=False)
    """The inputs that a saved program carries."""
    environment: Callable[[], AbstractContextManager[Any]] = field(
        default=nullcontext, compare=False, repr=False
    )
    """The import environment of the user's file, for whatever runs the user's code."""


@dataclass(frozen=True)
class SkippedTarget:
    """Something that looks like a model and that cannot be built as it stands."""

    target: str
    name: str
    path: str | None
    line: int | None
    reason: str
    """One line that contains the configuration to add."""
    snippet: str = ""
    """The same configuration as lines of TOML."""
    error: TargetError | None = field(default=None, compare=False)
    """Set where a file of a folder could not be read or imported: a failure, not a choice."""


@dataclass(frozen=True)
class BuiltModel:
    """A model, and where its parameters are."""

    model: nn.Module
    device: Device


@dataclass(frozen=True)
class ExampleInputs:
    """Inputs on which a model runs."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    source: InputSource
    why: str
    """One line for the report."""
    verified: bool = True
    """False where the trial forward had to stop at an operation that needs real values."""
