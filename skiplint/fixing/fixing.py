"""Choose the fixes to make: each is tried on the real model first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from skiplint.analysis.faults.remedy import Edit
from skiplint.fixing.edits import EditError, apply_edits
from skiplint.fixing.sources import read_source
from skiplint.linting.finding import Finding, Severity
from skiplint.reporting.report import Report

Try = Callable[[Mapping[str, str]], Report]
"""Lints with the texts of some files replaced."""

Key = tuple[str, str | None, str | None]
_ROUNDS = 8


@dataclass(frozen=True)
class Fixed:
    """The result of trying fixes; nothing is written yet."""

    texts: Mapping[str, tuple[str, str]]
    """By path: the old text and the new one."""
    made: tuple[Finding, ...]
    refused: tuple[tuple[Finding, str], ...]
    """Findings with a fix that was not made, and why."""
    report: Report
    """The report after the fixes."""


def fix(report: Report, tries: Try, *, unsafe: bool = False) -> Fixed:
    """Make every fix of ``report`` that works: linted again, the model no longer has the finding.

    All are tried together first, then one by one if that fails. A fix that makes another model fail or causes
    a new error is not made. Findings that only appear after a fix are fixed in a further round.

    Args:
        report: the findings.
        tries: lints again with the texts of some files replaced.
        unsafe: also make fixes that may change what was meant.
    """
    state = _State(report, unsafe, {}, [], {})
    for _ in range(_ROUNDS):
        waiting = [finding for finding in state.fixable() if _key(finding) not in state.refused]
        if not waiting:
            break
        if len(waiting) == 1 or not state.attempt(waiting, tries):
            for finding in waiting:
                # An earlier fix of this round may have mended it.
                if _key(finding) in map(_key, state.report.findings):
                    state.attempt([finding], tries)
    originals = {path: read_source(path) for path in state.texts}
    return Fixed(
        {path: (originals[path], text) for path, text in state.texts.items()},
        tuple(state.made),
        tuple(state.refused.values()),
        state.report,
    )


@dataclass
class _State:
    report: Report
    unsafe: bool
    texts: dict[str, str]
    made: list[Finding]
    refused: dict[Key, tuple[Finding, str]]

    def fixable(self) -> list[Finding]:
        fixes = ((finding, finding.fix) for finding in self.report.findings)
        return [finding for finding, fix in fixes if fix and fix.edits and (fix.safe or self.unsafe)]

    def attempt(self, findings: Sequence[Finding], tries: Try) -> bool:
        """Make the fixes of ``findings`` together; keep them if all of these findings are gone."""
        texts, why = self._edited(findings)
        if why is None:
            trial = tries(texts)
            why = self._harm(findings, trial)
            if why is None:
                self.report, self.texts = trial, texts
                self.made.extend(findings)
                return True
        if len(findings) == 1:
            self.refused[_key(findings[0])] = (findings[0], why or "")
        return False

    def _edited(self, findings: Sequence[Finding]) -> tuple[dict[str, str], str | None]:
        by_path: dict[str, list[Edit]] = {}
        for finding in findings:
            assert finding.fix is not None
            for edit in finding.fix.edits:
                edits = by_path.setdefault(edit.location.path, [])
                if edit not in edits:
                    edits.append(edit)
        texts = dict(self.texts)
        for path, edits in by_path.items():
            try:
                text = texts[path] if path in texts else read_source(path)
                edited = apply_edits(text, edits, computed=self.unsafe)
            except EditError as error:
                return texts, f"{path} {error}"
            except (OSError, SyntaxError, UnicodeError) as error:
                return texts, f"{path} cannot be read: {error}"
            if edited.refused:
                return texts, next(iter(edited.refused.values()))
            texts[path] = edited.text
        return texts, None

    def _harm(self, findings: Sequence[Finding], trial: Report) -> str | None:
        before, after = set(map(_key, self.report.findings)), set(map(_key, trial.findings))
        if any(_key(finding) in after for finding in findings):
            return "the finding is still there after it"
        traced = {model.target for model in self.report.models if model.status == "traced"}
        lost = traced - {model.target for model in trial.models if model.status == "traced"}
        if lost:
            return f"{min(lost)} does not run after it"
        new = [
            finding
            for finding in trial.findings
            if finding.severity is Severity.ERROR and _key(finding) not in before
        ]
        return f"{new[0].code} comes up after it" if new else None


def _key(finding: Finding) -> Key:
    return finding.code, finding.model, finding.node
