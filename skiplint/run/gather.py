"""Put together one report of the outcomes of many models.

Suppression comments and the order of findings concern the run as a whole: a class may be a part of two
models, and a comment is unused only if no model needed it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from skiplint.analysis.faults.remedy import Remedy
from skiplint.graph import Location
from skiplint.linting.engine import load_findings
from skiplint.linting.finding import Finding
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule
from skiplint.linting.selection import choose_rules
from skiplint.linting.suppressions import Coverage, apply_suppressions, read_suppressions
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.record import location_report
from skiplint.reporting.report import Interruption, ModelReport, Report, SkipReport
from skiplint.run.outcome import Outcome
from skiplint.settings.settings import Settings
from skiplint.sources.paths import absolute, shown, shown_place
from skiplint.version import __version__


class Gathering:
    """A report under construction; paths are absolute until :meth:`report` makes them readable."""

    def __init__(self, registry: Registry, settings: Settings) -> None:
        """Begin a report of the rules that ``settings`` choose among those of ``registry``.

        Raises:
            SelectionError: a rule or an option that does not exist.
        """
        self.registry = registry
        """The rules there are."""
        self.rules: tuple[Rule, ...] = choose_rules(registry, settings.selection, settings.rules)
        """The rules that run, set up."""
        self._selection = settings.selection
        self._models: list[ModelReport] = []
        self._findings: list[Finding] = load_findings(registry.failures)
        self._parts: set[str] = set()
        """The targets of models that are there as parts of others."""
        self._notes: list[str] = []
        self._interruption: Interruption | None = None
        self._whole_files: set[str] = set()
        self._lines: set[tuple[str, int]] = set()

    def add(self, outcome: Outcome) -> Sequence[ModelReport]:
        """Take in what came of one model and of its parts.

        Returns:
            What is new in the report: several models may have the same parts.
        """
        added: list[ModelReport] = []
        for each in (outcome, *outcome.parts):
            target = each.report.target
            if target in self._parts or (
                each is not outcome and any(m.target == target for m in self._models)
            ):
                continue
            if each is not outcome:
                self._parts.add(target)
            self._models.append(each.report)
            self._findings.extend(each.findings)
            self._lines.update((path, line) for path, lines in each.lines.items() for line in lines)
            added.append(each.report)
        return added

    def note(self, text: str) -> None:
        """Take in a remark for people."""
        self._notes.append(text)

    def interrupt(self, how_far: Interruption) -> None:
        """Say that the run was ended before it was done."""
        self._interruption = how_far

    def complete_file(self, path: str) -> None:
        """Say that every model of a file has been added, so that unused comments anywhere in it show."""
        self._whole_files.add(absolute(path))

    def report(self) -> Report:
        """The report: findings without suppressed ones, in the order of the source, with paths as shown."""
        unfinished = {model.path for model in self._models if model.status != "traced"}
        suppressions = [comment for path in self._paths() for comment in read_suppressions(path)]
        kept = apply_suppressions(
            self._findings,
            suppressions,
            registry=self.registry,
            ran=self.rules,
            coverage=Coverage(frozenset(self._whole_files - unfinished), frozenset(self._lines)),
        )
        findings = [
            dataclasses.replace(
                finding, location=shown_place(finding.location), fix=_shown_fix(finding.fix), anchors=()
            )
            for finding in kept
        ]
        wanted = [finding for finding in findings if not self._ignored(finding)]
        return Report(
            version=__version__,
            models=tuple(as_shown(model) for model in self._models),
            findings=tuple(sorted(wanted, key=lambda finding: finding.sort_key)),
            notes=tuple(self._notes),
            interruption=self._interruption,
        )

    def _paths(self) -> list[str]:
        """Every file in which a suppression comment may count."""
        paths = {model.path for model in self._models if model.path}
        for finding in self._findings:
            places = (finding.location, *finding.anchors)
            paths.update(place.path for place in places if place is not None)
        return sorted(paths)

    def _ignored(self, finding: Finding) -> bool:
        rule = self.registry.find(finding.code)
        if rule is None or rule is RuleFailed or finding.location is None:
            return False
        return self._selection.ignored_in(rule, finding.location.path)


def _shown_fix(fix: Remedy | None) -> Remedy | None:
    if fix is None:
        return None
    edits = [
        msgspec.structs.replace(edit, location=shown_place(edit.location) or edit.location)
        for edit in fix.edits
    ]
    return dataclasses.replace(fix, edits=tuple(edits))


def as_shown(report: ModelReport) -> ModelReport:
    """``report`` with paths as people read them."""
    return msgspec.structs.replace(
        report,
        path=shown(report.path) if report.path else None,
        skips=tuple(_with_shown_place(skip) for skip in report.skips),
    )


def _with_shown_place(skip: SkipReport) -> SkipReport:
    if skip.location is None:
        return skip
    place = Location(**msgspec.structs.asdict(skip.location))
    return msgspec.structs.replace(skip, location=location_report(shown_place(place)))
