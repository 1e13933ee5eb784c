"""A file of known findings, which are not reported again.

An entry does not hold a line number, so it survives when lines move. It is found again by the rule, the
model, the file, and the operation and the text of the source line; one of these two may have changed.
"""

from __future__ import annotations

import linecache
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import msgspec

from skiplint.linting.finding import Finding
from skiplint.linting.tool_rules import RuleFailed
from skiplint.reporting.report import Report

VERSION = 1


class BaselineError(Exception):
    """A baseline file cannot be used; ``str()`` is one line that names the file, the fault and the remedy."""


class Entry(msgspec.Struct, frozen=True, order=True, forbid_unknown_fields=True):
    """Equal findings and their number. Paths are relative to the folder of the baseline file."""

    path: str
    model: str
    code: str
    node: str
    source: str
    """The text of the line, with single spaces."""
    count: int = 1

    @property
    def key(self) -> Entry:
        """The entry without its count."""
        return msgspec.structs.replace(self, count=1)


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a baseline file."""

    version: int
    findings: tuple[Entry, ...] = ()


def baseline_of(report: Report, folder: Path) -> Baseline:
    """A baseline of all findings of ``report`` but failures of rules, for a file in ``folder``."""
    counts = Counter(entry_of(finding, folder) for finding in report.findings if _lasts(finding))
    entries = (msgspec.structs.replace(entry, count=count) for entry, count in counts.items())
    return Baseline(VERSION, tuple(sorted(entries)))


def render_baseline(baseline: Baseline) -> str:
    """The file's text, sorted and one value a line, for readable diffs."""
    return msgspec.json.format(msgspec.json.encode(baseline), indent=2).decode() + "\n"


def read_baseline(path: Path) -> Baseline:
    """The baseline in ``path``.

    Raises:
        BaselineError: there is none, or it is not one that this version understands.
    """
    again = f"write it with --write-baseline {path}"
    try:
        baseline = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError:
        raise BaselineError(f"baseline {path} does not exist; {again}") from None
    except OSError as error:
        raise BaselineError(f"baseline {path} cannot be read: {error.strerror or error}") from None
    except msgspec.DecodeError as error:
        raise BaselineError(f"baseline {path} is not a baseline ({error}); {again}") from None
    if baseline.version != VERSION:
        found = f"version {baseline.version}, this skiplint knows {VERSION}"
        raise BaselineError(f"baseline {path} has {found}; {again}")
    return baseline


def apply_baseline(report: Report, baseline: Baseline, path: Path, ran: Collection[str]) -> Report:
    """``report`` without the findings in ``baseline``, with notes on how many were left out or are gone.

    Args:
        report: all findings.
        baseline: the known findings.
        path: the file of the baseline.
        ran: codes of the rules that ran; findings of other rules are not taken to be gone.
    """
    folder = path.parent
    left = Counter({entry.key: entry.count for entry in baseline.findings})
    new = [finding for finding in report.findings if not _lasts(finding)]
    pending = [finding for finding in report.findings if _lasts(finding)]
    for similar in (_same, _same_line, _same_node):
        pending = _unmatched(pending, left, folder, similar)
    kept = {id(finding) for finding in (*new, *pending)}
    findings = tuple(finding for finding in report.findings if id(finding) in kept)
    notes = _notes(report, left, path, ran, known=len(report.findings) - len(findings))
    return msgspec.structs.replace(report, findings=findings, notes=(*report.notes, *notes))


def _notes(
    report: Report, left: Counter[Entry], path: Path, ran: Collection[str], *, known: int
) -> list[str]:
    traced = {_portable(model.target, path.parent) for model in report.models if model.status == "traced"}
    gone = sum(
        count
        for entry, count in left.items()
        if entry.code in ran and (entry.model in traced or not entry.model)
    )
    notes = []
    if known:
        notes.append(f"{_number(known)} in {path} and not shown")
    if gone:
        notes.append(f"{_number(gone)} in {path} and no longer found; write it anew with --write-baseline")
    return notes


def _number(count: int) -> str:
    return f"{count} finding is" if count == 1 else f"{count} findings are"


def _unmatched(
    findings: Iterable[Finding],
    left: Counter[Entry],
    folder: Path,
    similar: Callable[[Entry], tuple[str, ...]],
) -> list[Finding]:
    """The findings without a similar entry in ``left``; matched entries are taken out of ``left``."""
    places: dict[tuple[str, ...], list[Entry]] = {}
    for entry in sorted(left):
        places.setdefault(similar(entry), []).append(entry)
    rest = []
    for finding in findings:
        entries = places.get(similar(entry_of(finding, folder)), [])
        match = next((entry for entry in entries if left[entry] > 0), None)
        if match is None:
            rest.append(finding)
        else:
            left[match] -= 1
    return rest


def _same(entry: Entry) -> tuple[str, ...]:
    return entry.path, entry.model, entry.code, entry.node, entry.source


def _same_line(entry: Entry) -> tuple[str, ...]:
    return entry.path, entry.model, entry.code, entry.source


def _same_node(entry: Entry) -> tuple[str, ...]:
    return entry.path, entry.model, entry.code, entry.node


def _lasts(finding: Finding) -> bool:
    return finding.code != RuleFailed.code


def entry_of(finding: Finding, folder: Path) -> Entry:
    """The entry of ``finding`` in a baseline file in ``folder``."""
    place = finding.location
    source = " ".join(_line(place.path, place.line).split()) if place is not None else ""
    return Entry(
        path=_portable(place.path, folder) if place is not None else "",
        model=_portable(finding.model or "", folder),
        code=finding.code,
        node=finding.node or "",
        source=source,
    )


def _line(path: str, line: int) -> str:
    linecache.checkcache(path)
    return linecache.getline(path, line)


def _portable(target: str, folder: Path) -> str:
    """A path, or a target that starts with one, relative to ``folder``; other targets unchanged."""
    path, colon, name = target.partition(":")
    if not path or not Path(path).exists():
        return target
    relative = Path(os.path.relpath(Path(path).resolve(), folder.resolve())).as_posix()
    return f"{relative}{colon}{name}"
