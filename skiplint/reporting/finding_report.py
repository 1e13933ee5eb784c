"""A finding as it is written in the machine-readable report."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from skiplint.analysis.faults.remedy import ArgumentEdit, Edit, Remedy, RemedyKind, ResampleEdit
from skiplint.linting.finding import Finding, Severity
from skiplint.reporting.record import LocationReport, Positive, Record, Shape, location_report

Filled = Annotated[str, Meta(extra_json_schema={"minLength": 1})]
Code = Annotated[str, Meta(extra_json_schema={"pattern": "^[A-Z]{2,6}[0-9]{3}$"})]
RuleName = Annotated[str, Meta(extra_json_schema={"pattern": "^[a-z][a-z0-9]*(-[a-z0-9]+)*$"})]


class EditPlace(Record, frozen=True, kw_only=True, tag_field="kind"):
    """A change of the call that starts at a place."""

    path: Filled
    line: Positive
    column: Positive | None


class ArgumentEditReport(EditPlace, frozen=True, kw_only=True, tag="argument"):
    """An argument of the call is set."""

    argument: str
    """Keyword of the argument that is set."""
    value: str
    """Its new value as Python source."""


class WrapEditReport(EditPlace, frozen=True, kw_only=True, tag="wrap"):
    """An operand of the call, or the call, is wrapped in an expression."""

    operand: str
    """Which operand of the call is wrapped, such as 0 or 0[1]; empty for the call itself."""
    expression: str
    """What it becomes; {} stands for it."""


class ResampleEditReport(EditPlace, frozen=True, kw_only=True, tag="resample"):
    """An operand of the call is brought to the size of another."""

    operand: str
    """Which operand of the call is resampled."""
    reference: str
    """Which operand has the size."""


class RemedyReport(Record, frozen=True, kw_only=True):
    """A suggestion as one mechanical change."""

    kind: RemedyKind
    """module-argument: the module at path target is built with another argument; call-argument: the call with
    id target gets another argument; wrap-operand: an operand of that call becomes the expression new, in
    which {} stands for it; wrap-result: the result of the call becomes new, and argument is empty;
    insert-module: an operand goes through a new module."""
    target: str
    """Path of a module or id of an operation."""
    argument: str
    """Name of the argument, or the operand's place in the call."""
    old: Any
    """What is there now, null for nothing."""
    new: Any
    """What is to be there."""
    description: Filled
    safe: bool
    """Made by --fix; others need --unsafe-fixes too."""
    edits: tuple[ArgumentEditReport | WrapEditReport | ResampleEditReport, ...]
    """The change as edits of the source; empty where its place is not known."""


class FindingReport(Record, frozen=True, kw_only=True):
    """One thing that is wrong at one place of one model."""

    code: Code
    name: RuleName
    severity: Severity
    message: Filled
    location: LocationReport | None
    model: str | None
    """Target of the model, null for the run itself."""
    node: str | None
    """Id of the operation."""
    expected: str | None
    actual: str | None
    shapes: tuple[Shape, ...]
    """Shapes of the operands that meet there."""
    suggestion: str | None
    fix: RemedyReport | None
    """The suggestion as one mechanical change."""
    url: str | None


def finding_report(finding: Finding) -> FindingReport:
    """``finding`` as it is written."""
    return FindingReport(
        code=finding.code,
        name=finding.name,
        severity=finding.severity,
        message=finding.message,
        location=location_report(finding.location),
        model=finding.model,
        node=finding.node,
        expected=finding.expected,
        actual=finding.actual,
        shapes=finding.shapes,
        suggestion=finding.suggestion,
        fix=None if finding.fix is None else _remedy(finding.fix),
        url=finding.url,
    )


def _remedy(remedy: Remedy) -> RemedyReport:
    return RemedyReport(
        kind=remedy.kind,
        target=remedy.target,
        argument=remedy.argument,
        old=remedy.old,
        new=remedy.new,
        description=remedy.description,
        safe=remedy.safe,
        edits=tuple(_edit(edit) for edit in remedy.edits),
    )


def _edit(edit: Edit) -> ArgumentEditReport | WrapEditReport | ResampleEditReport:
    path, line, column = edit.location.path, edit.location.line, edit.location.column
    if isinstance(edit, ArgumentEdit):
        return ArgumentEditReport(
            path=path, line=line, column=column, argument=edit.argument, value=edit.value
        )
    if isinstance(edit, ResampleEdit):
        return ResampleEditReport(
            path=path, line=line, column=column, operand=edit.operand, reference=edit.reference
        )
    return WrapEditReport(
        path=path, line=line, column=column, operand=edit.operand, expression=edit.expression
    )
