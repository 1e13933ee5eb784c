"""One run over any number of models, from which a :class:`Report` is made at the end.

Suppression comments and the order of findings concern the run as a whole: a class may be a part of two
models, and a comment is idle only if no model needed it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from skiplint.analysis.faults.remedy import Remedy
from skiplint.graph import Location
from skiplint.linting.engine import load_findings
from skiplint.linting.finding import Finding
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule
from skiplint.linting.selection import Selection, choose_rules
from skiplint.linting.suppressions import Coverage, apply_suppressions, read_suppressions
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.record import location_report
from skiplint.reporting.report import ModelReport, Report, SkipReport
from skiplint.run.outcome import Outcome, examine, untraced
from skiplint.run.request import Measuring
from skiplint.sources.paths import absolute, shown, shown_place

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


class Session:
    """Gathers models and findings; paths are absolute inside and made readable in :meth:`finish`."""

    def __init__(
        self,
        registry: Registry,
        selection: Selection = Selection(),  # noqa: B008 - frozen
        tables: Mapping[str, Mapping[str, Any]] | None = None,
        *,
        measuring: Measuring = Measuring(),  # noqa: B008 - frozen
    ) -> None:
        """Set up the rules that ``selection`` chooses, with the options in ``tables``.

        ``measuring`` says what else to find out about each model.

        Raises:
            SelectionError: a rule or an option that does not exist.
        """
        self._registry = registry
        self._selection = selection
        self._rules = choose_rules(registry, selection, tables)
        self._measuring = measuring
        self._models: list[ModelReport] = []
        self._findings: list[Finding] = load_findings(registry.failures)
        self._notes: list[str] = []
        self._whole_files: set[str] = set()
        self._lines: set[tuple[str, int]] = set()

    @property
    def registry(self) -> Registry:
        """The rules there are."""
        return self._registry

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules that run, set up."""
        return self._rules

    def add(self, analysis: Analysis, report: ModelReport) -> None:
        """Complete the report of one traced model and run the rules on it."""
        self.keep(self.examine(analysis, report))

    def examine(self, analysis: Analysis, report: ModelReport) -> Outcome:
        """What the rules of this session make of one traced model, without keeping it."""
        return examine(analysis, report, self._rules, self._measuring)

    def add_untraced(self, report: ModelReport) -> None:
        """Keep the report of a model that was skipped or that failed."""
        self.keep(untraced(report))

    def keep(self, outcome: Outcome) -> None:
        """Keep what was made of a model, here or in another process."""
        self._models.append(outcome.report)
        self._findings.extend(outcome.findings)
        for path, lines in outcome.lines.items():
            self._lines.update((path, line) for line in lines)

    def note(self, text: str) -> None:
        """Keep a remark for people."""
        self._notes.append(text)

    def whole_file(self, path: str) -> None:
        """Say that every model of a file has been added, so that idle comments anywhere in it show."""
        self._whole_files.add(absolute(path))

    def finish(self, version: str) -> Report:
        """Suppress, sort, and show paths as people would write them."""
        unfinished = {model.path for model in self._models if model.status != "traced"}
        suppressions = [comment for path in self._paths() for comment in read_suppressions(path)]
        kept = apply_suppressions(
            self._findings,
            suppressions,
            registry=self._registry,
            ran=self._rules,
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
            version=version,
            models=tuple(_with_shown_paths(model) for model in self._models),
            findings=tuple(sorted(wanted, key=lambda finding: finding.sort_key)),
            notes=tuple(self._notes),
        )

    def _paths(self) -> list[str]:
        """Every file whose comments matter."""
        paths = {model.path for model in self._models if model.path}
        for finding in self._findings:
            places = (finding.location, *finding.anchors)
            paths.update(place.path for place in places if place is not None)
        return sorted(paths)

    def _ignored(self, finding: Finding) -> bool:
        rule = self._registry.find(finding.code)
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


def _with_shown_paths(report: ModelReport) -> ModelReport:
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
