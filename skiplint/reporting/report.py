"""The result of a run: the models that were linted, what is inside them, and what was found.

:meth:`Report.to_dict` is the machine-readable report. It is the encoding of :class:`Document`, from which
docs/report.schema.json is generated too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from skiplint.display.facts import counted, fact_lines
from skiplint.linting.finding import Finding, Severity
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.facts import model_facts, model_place, totals
from skiplint.reporting.finding_report import FindingReport, finding_report
from skiplint.reporting.grouping import group_findings
from skiplint.reporting.model_report import (
    InputReport,
    ModelEntry,
    ModelReport,
    SkipReport,
    Source,
    Status,
    TraceReport,
)
from skiplint.reporting.notebook import report_html
from skiplint.reporting.record import Record

__all__ = [
    "Document",
    "InputReport",
    "Interruption",
    "ModelReport",
    "Report",
    "SkipReport",
    "Source",
    "Status",
    "TraceReport",
]
SCHEMA_VERSION: Final = 1
_SHOWN = 10
"""Models, and findings, in a report's text."""


class Tool(Record, frozen=True, kw_only=True):
    """The program that wrote the report."""

    name: Literal["skiplint"] = "skiplint"
    version: str


class Interruption(msgspec.Struct, frozen=True):
    """How far a run had come when it was ended from outside."""

    signal: int
    """The number of the signal that ended it."""
    done: int
    total: int
    noun: Literal["file", "target", "model"]
    """What is counted."""

    def __str__(self) -> str:
        if not self.total:
            return "interrupted before the first model"
        return f"interrupted after {self.done} of {counted(self.total, self.noun)}"


class Document(Record, frozen=True, kw_only=True):
    """What `skiplint check --output-format json` prints.

    Keys never change meaning inside a schema_version; new ones may be added.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    tool: Tool
    models: tuple[ModelEntry, ...]
    findings: tuple[FindingReport, ...]
    partial: bool = False
    """The run was interrupted, so models and findings are missing."""


class Report(msgspec.Struct, frozen=True):
    """Everything that a run found, in the order of the targets and of the places in the source."""

    version: str
    models: tuple[ModelReport, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    """Remarks for people, such as a file without a model; not in the machine-readable report."""
    interruption: Interruption | None = None
    """Set where the run was ended from outside, so that the report is partial."""

    @property
    def broken(self) -> bool:
        """Whether something that was asked for could not be done: a failed model or a failed rule."""
        failed = any(model.status == "failed" for model in self.models)
        return failed or any(finding.code == RuleFailed.code for finding in self.findings)

    def worst(self) -> Severity | None:
        """The highest severity among the findings, None if there are none."""
        return max((finding.severity for finding in self.findings), key=lambda s: s.rank, default=None)

    def to_dict(self) -> dict[str, Any]:
        """The machine-readable report: plain dicts, lists, strings and numbers."""
        # Through the json module, which accepts strings that are no valid Unicode, such as odd file names.
        plain: dict[str, Any] = json.loads(json.dumps(msgspec.to_builtins(self.document())))
        return plain

    def document(self) -> Document:
        """The report as it is written, without notes and tracebacks."""
        return Document(
            tool=Tool(version=self.version),
            models=tuple(model.entry() for model in self.models),
            findings=tuple(finding_report(finding) for finding in self.findings),
            partial=self.interruption is not None,
        )

    def __repr__(self) -> str:
        return f"Report({counted(len(self.models), 'model')}, {counted(len(self.findings), 'finding')})"

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _repr_html_(self) -> str:
        """The report in a notebook."""
        return report_html(self.models, self.findings, self.notes)

    def _lines(self) -> Iterator[str]:
        for model in self.models[:_SHOWN]:
            yield f"{model.name}  {model_place(model)}".rstrip()
            if model.status == "traced":
                yield from fact_lines(model_facts(model))
            else:
                yield f"  {model.status}: {model.reason}" if model.reason else f"  {model.status}"
        if len(self.models) > _SHOWN:
            yield f"… and {counted(len(self.models) - _SHOWN, 'more model')}"
        groups = group_findings(self.findings)
        for finding in (group.first for group in groups[:_SHOWN]):
            place = finding.location
            where = f"{place.path}:{place.line}: " if place else ""
            yield f"{where}{finding.severity.value}[{finding.code} {finding.name}] {finding.message}"
        if len(groups) > _SHOWN:
            yield f"… and {counted(len(groups) - _SHOWN, 'more finding')}"
        yield from self.notes
        last = totals(self.models, self.findings)
        yield last if self.interruption is None else f"{last}; partial: {self.interruption}"
