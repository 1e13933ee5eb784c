"""Errors and notes on stderr: one line each, with the user's own traceback only if asked for."""

from __future__ import annotations

import sys

from skiplint.cli import signals
from skiplint.display.facts import counted
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


def hint_at_verbose() -> None:
    """Say that there is a traceback to see."""
    print("skiplint: run again with --verbose for the traceback", file=sys.stderr)


def complain_of(report: Report, *, verbose: bool, rules: bool) -> None:
    """Print what failed according to the report, and its notes.

    Args:
        report: the report.
        verbose: show the user's tracebacks.
        rules: also name rules that failed, and an interruption, for commands whose output does not show them.
    """
    if rules and report.interruption is not None:
        complain(f"{report.interruption}; the report is partial")
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
        hint_at_verbose()
    partly = [model for model in report.models if model.status == "traced" and model.reason]
    notes = [f"{model.target}: {model.reason}" for model in partly]
    for note in (*notes, *report.notes):
        remark(note)


def complain_of_skipped(report: Report, *, strict: bool) -> None:
    """Say that models were skipped if that makes the run fail, and loudly if nothing was linted at all.

    Args:
        report: the report.
        strict: whether a skipped model makes the run fail.
    """
    skipped = sum(model.status == "skipped" for model in report.models)
    if skipped and strict:
        were = "was" if skipped == 1 else "were"
        said = f"{counted(skipped, 'model')} {were} skipped, and --strict is on"
        complain(f"{said}; `skiplint init` writes the entries to fill in")
        return
    if report.interruption is not None or any(model.status != "skipped" for model in report.models):
        return  # Something was linted, or failed, which is an error of its own.
    if skipped:
        them = "it" if skipped == 1 else "them"
        why = (
            f"{counted(skipped, 'model')} found, and nothing says how to build {them}; `skiplint init` "
            "writes the entries to fill in, and --strict makes this an error"
        )
    else:
        why = "no model was found; name a model or a function that makes one, as in file.py:Net"
    print(f"skiplint: warning: nothing was linted: {why}", file=sys.stderr)


def remark(note: str) -> None:
    """Print a note that is no error."""
    print(f"skiplint: note: {note}", file=sys.stderr)


def exit_code(report: Report, fail_on: Severity, *, exit_zero: bool = False, strict: bool = False) -> int:
    """The exit code for a report: 2 if something failed, 1 for findings at or above ``fail_on``, else 0.

    Args:
        report: the report; where it was interrupted, the code is that of the signal, such as 130.
        fail_on: the least severity that counts.
        exit_zero: findings do not count.
        strict: a skipped model counts as a failed one.
    """
    if report.interruption is not None:
        return signals.exit_code_of(report.interruption.signal)
    if report.broken or (strict and any(model.status == "skipped" for model in report.models)):
        return ExitCode.ERROR
    worst = report.worst()
    if worst is None or exit_zero or not worst.at_least(fail_on):
        return ExitCode.OK
    return ExitCode.FINDINGS
