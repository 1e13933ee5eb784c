"""Errors and notes on stderr: one line each, with the user's own traceback only if asked for."""

from __future__ import annotations

import sys

from skiplint.linting.finding import Severity
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.report import Report
from skiplint.settings.settings import ExitCode


class UsageError(Exception):
    """The command cannot be carried out as typed; ``str()`` is one line that says why."""


def complain(message: str, detail: str = "") -> None:
    """Print an error, with indented details below."""
    print(f"skiplint: error: {message}", file=sys.stderr)
    if detail:
        print("\n".join(f"    {line}" for line in detail.rstrip().splitlines()), file=sys.stderr)


def complain_of(report: Report, *, verbose: bool, rules: bool) -> None:
    """Print what failed according to the report, and its notes.

    Args:
        report: the report.
        verbose: show the user's tracebacks.
        rules: also name rules that failed, for commands whose output does not show them.
    """
    hidden = False
    models = [model for model in report.models if model.status == "failed"]
    failed = [(model.target, model.reason or "", model.detail) for model in models]
    if rules:
        broken = [finding for finding in report.findings if finding.code == RuleFailed.code]
        failed += [(finding.model or "", finding.message, finding.detail) for finding in broken]
    for target, reason, detail in failed:
        # Most reasons name the file already.
        named = not target or target in reason
        complain(reason if named else f"{target}: {reason}", detail if verbose else "")
        hidden = hidden or bool(detail and not verbose)
    if hidden:
        print("skiplint: run again with --verbose for the traceback", file=sys.stderr)
    partly = [model for model in report.models if model.status == "traced" and model.reason]
    notes = [f"{model.target}: {model.reason}" for model in partly]
    for note in (*notes, *report.notes):
        remark(note)


def remark(note: str) -> None:
    """Print a note that is no error."""
    print(f"skiplint: note: {note}", file=sys.stderr)


def exit_code(report: Report, fail_on: Severity, *, exit_zero: bool = False) -> ExitCode:
    """The exit code for a report: 2 if something failed, 1 for findings at or above ``fail_on``, else 0."""
    if report.broken:
        return ExitCode.ERROR
    worst = report.worst()
    if worst is None or exit_zero or not worst.at_least(fail_on):
        return ExitCode.OK
    return ExitCode.FINDINGS
