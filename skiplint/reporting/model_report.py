"""One model of a report as typed data: how it was traced, its inputs and its skips."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from skiplint.analysis.skips import ShortcutKind, SkipKind
from skiplint.analysis.skips.joins import ScaleKind
from skiplint.graph import Backend
from skiplint.reporting.record import LocationReport, Positive, Record, Shape, Size
from skiplint.reporting.sections import (
    AblationReport,
    ContractReport,
    MemoryReport,
    PathsReport,
)
from skiplint.targets.records import ArgumentsSource

Status = Literal["traced", "skipped", "failed"]
Source = Literal["config", "annotation", "module", "demo", "inferred", "given"]


class TraceReport(Record, frozen=True):
    """How the model was traced."""

    backend: Backend
    operations: Size


class InputReport(Record, frozen=True):
    """One tensor that the model was run with."""

    name: str
    shape: Shape
    dtype: str
    source: Source
    """Where the input came from: the configuration, annotations, the module's own conventions, a call in the
    file, what the first layers take, or the caller of skiplint.lint."""
    why: str | None = None
    """Why this input, in words; for people."""


class BuiltWithReport(Record, frozen=True, kw_only=True):
    """The arguments that the model was constructed with."""

    args: tuple[Any, ...] = ()
    """Positional arguments: as JSON where they are JSON, else as Python writes them."""
    kwargs: dict[str, Any] = msgspec.field(default_factory=dict)
    """Keyword arguments, likewise."""
    source: ArgumentsSource = "defaults"
    """Where they come from: the constructor's own defaults, the user's configuration, a call in the model's
    file, a call elsewhere in the project, a configuration file of the project, or a guess of skiplint."""
    place: str = ""
    """Where they stand, such as ``train.py:12``; empty where that says no more than the source."""


class SkipReport(Record, frozen=True, kw_only=True):
    """One join and the shortcuts that end in it."""

    kind: SkipKind
    shortcut: ShortcutKind
    fork: str
    """Path of the module that made the tensor of the nearest fork; its operation id where that is the model
    itself."""
    join: str
    """Path of the module whose forward joins; the operation id where that is the model itself."""
    join_op: str
    span: Size
    long: bool
    scale: ScaleKind | None
    connections: Positive
    """How many operands of the join are shortcuts."""
    location: LocationReport | None
    shapes: tuple[Shape, ...]
    """Shapes of the operands."""
    bytes: Size
    """Bytes of the tensors that the shortcuts bring to the join, each counted once."""
    carries: tuple[str, ...]
    """Names of the operations on the nearest shortcut, from fork to join."""
    fork_node: str
    join_node: str
    fork_index: Size
    """Position of the fork among all operations, in execution order."""
    join_index: Size
    """Position of the join among all operations, in execution order."""
    gate_node: str | None = None
    """The operation that multiplies by the gate, for gated skips."""


class ModelEntry(Record, frozen=True, kw_only=True):
    """One model as it is written: traced, skipped because nothing says how to build or run it, or failed."""

    target: str
    """What to pass to get this model again."""
    name: str
    path: str | None = None
    line: Positive | None = None
    status: Status
    reason: str | None = None
    """Why it was skipped or failed, or is traced in part, in one line."""
    built_with: BuiltWithReport | None = None
    """Null where the model was not traced, or was given as an object."""
    notes: tuple[str, ...] = ()
    """What the reader should know of how the model was built and run, such as weights that were left out."""
    trace: TraceReport | None = None
    inputs: tuple[InputReport, ...] = ()
    parameters: Size | None = None
    skips: tuple[SkipReport, ...] = ()
    """One entry a join, in execution order."""
    memory: MemoryReport | None = None
    """Null where the graph came without the functions that it calls."""
    paths: PathsReport | None = None
    """Null where the exact numbers would take too long to work out."""
    input_contract: ContractReport | None = None
    """Null where it is not known, and in formats other than JSON where no rule asked for it."""
    ablation: AblationReport | UnsetType = UNSET
    """What `skiplint ablate` adds."""


class ModelReport(ModelEntry, frozen=True, kw_only=True):
    """One model, with what only people are shown."""

    detail: str = ""
    """The user's traceback of a failure, for ``--verbose``; not in the machine-readable report."""
    configuration: str = ""
    """Lines of TOML, the entry that may make a skipped model run; not in the machine-readable report."""

    def entry(self) -> ModelEntry:
        """The part of it that is written."""
        return ModelEntry(**{name: getattr(self, name) for name in ModelEntry.__struct_fields__})
