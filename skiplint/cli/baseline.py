"""``--baseline`` and ``--write-baseline``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from skiplint.cli.failures import UsageError
from skiplint.cli.options import SELECTING, option
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
from skiplint.settings.settings import Settings
from skiplint.sources.paths import shown


@dataclass(frozen=True)
class BaselineOptions:
    """Which findings are known and need no report."""

    baseline: Annotated[
        Path | None,
        option(SELECTING, "Do not report findings that are in this file.", metavar="FILE"),
    ] = None
    write_baseline: Annotated[
        Path | None,
        option(SELECTING, "Write all findings to this file, for --baseline in later runs.", metavar="FILE"),
    ] = None


@dataclass(frozen=True)
class Known:
    """The baseline of a run: one that was read from ``path``, or one to write there."""

    path: Path | None = None
    baseline: Baseline | None = None
    """None if it is to be written."""
    ran: frozenset[str] = frozenset()
    """Codes of the rules that run."""

    @classmethod
    def find(cls, settings: Settings, registry: Registry, options: BaselineOptions) -> Known:
        """The baseline that the options or the settings name; ``--write-baseline`` goes before both.

        Raises:
            UsageError: the file cannot be read, or there is no folder to write it to.
        """
        ran = frozenset(rule.code for rule in registry.rules if settings.selection.includes(rule))
        if (write := options.write_baseline) is not None:
            if not write.absolute().parent.is_dir():
                raise UsageError(f"cannot write {write}: there is no folder {write.parent}")
            return cls(write, None, ran)
        path = options.baseline
        if path is None and settings.baseline is not None:
            path = Path(shown(Path(settings.baseline)))
        if path is None:
            return cls()
        try:
            return cls(path, read_baseline(path), ran)
        except BaselineError as error:
            raise UsageError(str(error)) from None

    def taken_from(self, report: Report) -> Report:
        """The report without the findings of the baseline that was read."""
        if self.path is None or self.baseline is None:
            return report
        return apply_baseline(report, self.baseline, self.path, self.ran)

    def written(self, report: Report) -> Report:
        """With ``--write-baseline`` write all findings and return a report without them; else ``report``."""
        if self.path is None or self.baseline is not None:
            return report
        baseline = baseline_of(report, self.path.parent)
        emit(render_baseline(baseline), self.path)
        count = sum(entry.count for entry in baseline.findings)
        said = f"wrote {count} finding{'' if count == 1 else 's'} to {self.path}"
        rest = apply_baseline(report, baseline, self.path, self.ran).findings
        return msgspec.structs.replace(report, findings=rest, notes=(*report.notes, said))
