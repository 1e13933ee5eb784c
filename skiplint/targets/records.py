"""The types that pass between this package and its callers."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from torch import nn

InputSource = Literal["config", "annotation", "module", "demo", "inferred"]
Device = Literal["meta", "cpu"]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]
ArgumentsSource = Literal["defaults", "configuration", "file", "project", "config file", "guessed"]


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of ``[[tool.skiplint.models]]``: a model, and how to build and run it."""

    target: str
    """What to lint, such as ``nets/unet.py:UNet`` or ``package.module:build``."""
    args: list[Any] = msgspec.field(default_factory=list)
    """Positional arguments to build the model with."""
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    """Keyword arguments to build the model with."""
    inputs: list[Any] | dict[str, Any] | None = None
    """Inputs of forward in order, or by name: each a shape such as ``["B", 3, "H", "W"]``, or a table with
    ``shape`` and any of ``dtype``, ``low`` and ``high``, or with ``value`` (passed as it is) or ``list`` (a
    list of such inputs). A single flat shape is one input."""
    sizes: dict[str, int] = msgspec.field(default_factory=dict)
    """What the names in shapes stand for, such as ``{ B = 2, H = 128 }``."""


@dataclass(frozen=True)
class DemoCall:
    """One call found in the project; ``evaluate`` gives arguments to try, best first."""

    label: str
    """Where it is."""
    of: str
    """The class, factory or object that is called or whose model is called; "" in other files."""
    line: int
    evaluate: Callable[[], list[Arguments]] = field(compare=False, repr=False)
    passes: frozenset[str] = frozenset()
    """Names that the arguments use."""


@dataclass(frozen=True)
class BuiltWith:
    """The arguments that a model is constructed with, and where they come from."""

    source: ArgumentsSource = "defaults"
    place: str = ""
    """Where they stand, such as ``train.py:12``."""
    arguments: Callable[[], Arguments] = field(default=lambda: ((), {}), compare=False, repr=False)
    """Evaluates them, on the device where the model is built."""

    @property
    def meant(self) -> bool:
        """Whether the model's author or the user means this model with these arguments."""
        return self.source in ("defaults", "configuration", "file")


@dataclass(frozen=True)
class Way:
    """One way to construct a model."""

    make: Callable[[], Any] = field(compare=False, repr=False)
    built_with: BuiltWith
    demos: tuple[DemoCall, ...] = field(default=(), compare=False, repr=False)
    """Calls of the model that is constructed where the arguments stand."""


@dataclass(frozen=True)
class Constructor:
    """A class or factory of a file, for whoever looks for its arguments."""

    name: str
    """Its name in the file, which may be dotted."""
    value: Callable[..., Any] = field(compare=False, repr=False)
    path: Path
    """The file, resolved."""
    namespace: Mapping[str, Any] = field(compare=False, repr=False)
    """The names of the imported file."""

    def way(self, built_with: BuiltWith) -> Way:
        """The way that calls it with the arguments of ``built_with``, evaluated anew for each model."""

        def make() -> Any:
            args, kwargs = built_with.arguments()
            return self.value(*args, **kwargs)

        return Way(make, built_with)


Ways = Generator[Way, Exception | None, None]
"""Ways to construct one model. Each is given back what came of it: the exception that ended its construction
or its forward; None where it works and another, different one is wanted."""


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
    """Calls of the model that its file makes itself; those beside the arguments of its constructor first."""
    fed_elsewhere: Callable[[], Iterable[DemoCall]] = field(default=tuple, compare=False, repr=False)
    """Looks for the calls of the model in the rest of its project."""
    example: Callable[[], Arguments] | None = field(default=None, compare=False, repr=False)
    """The inputs that a saved program carries."""
    environment: Callable[[], AbstractContextManager[Any]] = field(
        default=nullcontext, compare=False, repr=False
    )
    """The import environment of the user's file, for whatever runs the user's code."""
    built_with: BuiltWith = field(default=BuiltWith(), compare=False, repr=False)
    """What :attr:`build` passes to the constructor."""
    constructor: Constructor | None = field(default=None, compare=False, repr=False)
    """For other ways to construct it (:func:`skiplint.targets.constructions`)."""
    named: bool = field(default=False, compare=False)
    """Whether the user asked for this model by name, so that it counts whatever it is."""
    unbuilt: SkippedTarget | None = field(default=None, compare=False, repr=False)
    """Set where arguments are missing: what is reported if there is no way to construct it."""
    notes: tuple[str, ...] = field(default=(), compare=False)
    """What the reader of the report should know, such as that it stands for a larger model."""


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
    notes: tuple[str, ...] = ()
    """What the reader of the report should know of how it was built, such as weights that were left out."""


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
    notes: tuple[str, ...] = ()
    """What the reader of the report should know of them, such as that a call in the file fails."""
    broken: ExampleInputs | None = None
    """The inputs of a call in the model's own file on which forward fails; ``why`` says where and how."""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """Why a forward did not run on the inputs that were tried."""

    error: Exception
    needs_values: bool
    """It stopped because tensors have no values on the meta device: the inputs may be right."""


Runs = Callable[[tuple[Any, ...], dict[str, Any]], "FailedRun | None"]
"""Tries one forward on positional and keyword inputs; None if it ran."""


class TargetError(Exception):
    """A target cannot be used. The message is one line: the file, the thing, and the way out.

    ``verbose`` holds the traceback of the user's own code, or None where there is none. ``attempt`` holds
    the inputs that got furthest, where a model was found and no inputs run on it.
    """

    attempt: ExampleInputs | None = None

    def __init__(self, message: str, *, verbose: str | None = None) -> None:
        super().__init__(message)
        self.verbose = verbose

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only state survives the way through another process.
        return (_rebuild, (str(self), self.verbose))


class NotAModelError(TargetError):
    """What a target calls gives no model, whatever its arguments."""


def _rebuild(message: str, verbose: str | None) -> TargetError:
    return TargetError(message, verbose=verbose)
