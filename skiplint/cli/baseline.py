"""``--baseline`` and ``--write-baseline``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from skiplint.cli.failures import UsageError
from skiplint.cli.output import emit
from skiplint.linting.registry import Registry
from skiplint.reporting.baseline import (
    Baseline,
    BaselineError,
    apply_baseline,
    baseline_of,
    read_baseline,
    render_baseline,
)
from skiplint.reporting.report import Report
from skiplint.settings.settings import Settings, shown_path


@dataclass(frozen=True)
class Known:
    """The baseline of a run: read from ``path``, or to be written there."""

    path: Path | None = None
    baseline: Baseline | None = None
    """None where it is to be written."""
    ran: frozenset[str] = frozenset()
    """Codes of the rules that run."""

    @classmethod
    def find(cls, settings: Settings, registry: Registry, read: Path | None, write: Path | None) -> Known:
        """The baseline that the flags or the settings name; a file to be written sets the others aside.

        Raises:
            UsageError: it cannot be read, or there is no folder to write it to.
        """
        ran = frozenset(rule.code for rule in registry.rules if settings.selection.includes(rule))
        if write is not None:
            if not write.absolute().parent.is_dir():
                raise UsageError(f"cannot write {write}: there is no folder {write.parent}")
            return cls(write, None, ran)
        path = read
        if path is None and settings.baseline is not None:
            path = Path(shown_path(Path(settings.baseline)))
        if path is None:
            return cls()
        try:
            return cls(path, read_baseline(path), ran)
        except BaselineError as error:
            raise UsageError(str(error)) from None

    def lint(self, check: Callable[..., Report], **more: Any) -> Report:
        """The report of ``check(**more)`` without what is known."""
        report = check(**more)
        if self.path is None or self.baseline is None:
            return report
        return apply_baseline(report, self.baseline, self.path, self.ran)

    def written(self, report: Report) -> Report:
        """With ``--write-baseline`` write all findings and report none of them; else ``report``."""
        if self.path is None or self.baseline is not None:
            return report
        baseline = baseline_of(report, self.path.parent)
        emit(render_baseline(baseline), self.path)
        count = sum(entry.count for entry in baseline.findings)
        said = f"wrote {count} finding{'' if count == 1 else 's'} to {self.path}"
        rest = apply_baseline(report, baseline, self.path, self.ran).findings
        return msgspec.structs.replace(report, findings=rest, notes=(*report.notes, said))
