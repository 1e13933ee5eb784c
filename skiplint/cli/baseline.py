"""``--baseline`` and ``--write-baseline``."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from skiplint.cli.failures import UsageError
from skiplint.cli.output import emit
from skiplint.config import Settings, shown_path
from skiplint.linting.baseline import (
    Baseline,
    BaselineError,
    apply_baseline,
    baseline_of,
    read_baseline,
    render_baseline,
)
from skiplint.linting.registry import Registry
from skiplint.linting.report import Report


@dataclass(frozen=True)
class Known:
    """The baseline of a run: read from ``path``, or to be written there."""

    path: Path | None = None
    baseline: Baseline | None = None
    """None where it is to be written."""

    @classmethod
    def find(cls, settings: Settings, read: Path | None, write: Path | None) -> Known:
        """The baseline that the flags or the settings name; a file to be written sets the others aside.

        Raises:
            UsageError: it cannot be read, or there is no folder to write it to.
        """
        if write is not None:
            if not write.absolute().parent.is_dir():
                raise UsageError(f"cannot write {write}: there is no folder {write.parent}")
            return cls(write)
        path = read
        if path is None and settings.baseline is not None:
            path = Path(shown_path(Path(settings.baseline)))
        if path is None:
            return cls()
        try:
            return cls(path, read_baseline(path))
        except BaselineError as error:
            raise UsageError(str(error)) from None

    def taken_from(self, report: Report, registry: Registry, settings: Settings) -> Report:
        """``report`` without what is known; with ``--write-baseline`` that is everything."""
        if self.path is None:
            return report
        ran = {rule.code for rule in registry.rules if settings.selection.includes(rule)}
        if self.baseline is not None:
            return apply_baseline(report, self.baseline, self.path, ran)
        baseline = baseline_of(report, self.path.parent)
        emit(render_baseline(baseline), self.path)
        count = sum(entry.count for entry in baseline.findings)
        said = f"wrote {count} finding{'' if count == 1 else 's'} to {self.path}"
        rest = apply_baseline(report, baseline, self.path, ran).findings
        return dataclasses.replace(report, findings=rest, notes=(*report.notes, said))
