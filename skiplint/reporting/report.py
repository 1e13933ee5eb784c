"""The result of a run: what was linted, what it is like inside, and what was found.

``Report.to_dict()`` is the machine-readable report; docs/report.schema.json describes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from skiplint.graph import Location
from skiplint.linting.finding import Finding, Severity, Shape, location_dict
from skiplint.linting.tool_rules import RuleFailed

SCHEMA_VERSION = 1
Status = Literal["traced", "skipped", "failed"]


@dataclass(frozen=True, slots=True)
class TraceReport:
    """How the model was traced."""

    backend: str
    operations: int
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {"backend": self.backend, "operations": self.operations, "seconds": round(self.seconds, 4)}


@dataclass(frozen=True, slots=True)
class InputReport:
    """One tensor that the model was run with."""

    name: str
    shape: Shape
    dtype: str
    source: str
    why: str = ""
    """Why this input, in words; for people."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "source": self.source,
            "why": self.why or None,
        }


@dataclass(frozen=True, slots=True)
class SkipReport:
    """One join and the shortcuts that end in it."""

    kind: str
    shortcut: str
    fork: str
    """Path of the module that made the fork's tensor, or its operation id where that is the model itself."""
    join: str
    """Path of the module whose forward joins, or the operation id where that is the model itself."""
    join_op: str
    span: int
    long: bool
    scale: str | None
    connections: int
    location: Location | None
    shapes: tuple[Shape, ...]
    bytes: int
    """Bytes of the tensors that the shortcuts bring to the join, each counted once."""
    carries: tuple[str, ...]
    fork_node: str
    join_node: str
    fork_index: int
    """Position of the fork among all operations, in execution order."""
    join_index: int
    gate_node: str | None = None
    """The operation that multiplies by the gate, for gated skips."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "kind": self.kind,
            "shortcut": self.shortcut,
            "fork": self.fork,
            "join": self.join,
            "join_op": self.join_op,
            "span": self.span,
            "long": self.long,
            "scale": self.scale,
            "connections": self.connections,
            "location": location_dict(self.location),
            "shapes": [list(shape) for shape in self.shapes],
            "bytes": self.bytes,
            "carries": list(self.carries),
            "fork_node": self.fork_node,
            "join_node": self.join_node,
            "fork_index": self.fork_index,
            "join_index": self.join_index,
            "gate_node": self.gate_node,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReport:
    """One model: traced, skipped because nothing says how to build or run it, or failed."""

    target: str
    name: str
    path: str | None = None
    line: int | None = None
    status: Status
    reason: str | None = None
    trace: TraceReport | None = None
    inputs: tuple[InputReport, ...] = ()
    parameters: int | None = None
    skips: tuple[SkipReport, ...] = ()
    memory: Mapping[str, Any] | None = None
    paths: Mapping[str, Any] | None = None
    input_contract: Mapping[str, Any] | None = None
    """Which sizes of the inputs the model takes; None where that is not known or was not asked."""
    ablation: Mapping[str, Any] | None = None
    """What removing skips does; only where that was asked for."""
    detail: str = ""
    """The user's traceback of a failure, for ``--verbose``; not in the report."""

    def to_dict(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "target": self.target,
            "name": self.name,
            "path": self.path,
            "line": self.line,
            "status": self.status,
            "reason": self.reason,
            "trace": self.trace.to_dict() if self.trace else None,
            "inputs": [item.to_dict() for item in self.inputs],
            "parameters": self.parameters,
            "skips": [skip.to_dict() for skip in self.skips],
            "memory": dict(self.memory) if self.memory is not None else None,
            "paths": dict(self.paths) if self.paths is not None else None,
            "input_contract": dict(self.input_contract) if self.input_contract is not None else None,
            **({"ablation": dict(self.ablation)} if self.ablation is not None else {}),
        }


@dataclass(frozen=True)
class Report:
    """Everything a run has to say, in the order of the targets and of the places in the source."""

    version: str
    models: tuple[ModelReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = field(default=(), compare=False)
    """Remarks for people, such as a file without a model; not in the machine-readable report."""

    @property
    def broken(self) -> bool:
        """Whether something that was asked for could not be done: a failed model or a failed rule."""
        failed = any(model.status == "failed" for model in self.models)
        return failed or any(finding.code == RuleFailed.code for finding in self.findings)

    def _repr_html_(self) -> str:
        """The report in a notebook."""
        # Against the stream of imports, as pyproject says: notebooks ask the object itself.
        from skiplint.reporting.formats.notebook import report_html

        return report_html(self)

    def worst(self) -> Severity | None:
        """The highest severity among the findings."""
        return max((finding.severity for finding in self.findings), key=lambda s: s.rank, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The machine-readable report: plain dicts, lists, strings and numbers."""
        return {
            "schema_version": SCHEMA_VERSION,
            "tool": {"name": "skiplint", "version": self.version},
            "models": [model.to_dict() for model in self.models],
            "findings": [finding.to_dict() for finding in self.findings],
        }
