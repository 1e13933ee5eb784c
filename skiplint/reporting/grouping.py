"""Group similar joins and findings, such as those that differ only in the number of their block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from skiplint.linting.finding import Finding, Shape
from skiplint.reporting.model_report import SkipReport

_LONG = 32
_NUMBER = re.compile(r"\d+")
_NAME = re.compile(r"(?<![\w.])(?!(?:nn|F|torch)\.)[A-Za-z_]\w*(?:[./#]\w+)+")
"""The path of a module or a node, such as ``layer1.0/add_2``; no shape, no figure and no call of torch."""


@dataclass(frozen=True, slots=True)
class SkipGroup:
    """Similar joins that follow each other."""

    skips: tuple[SkipReport, ...]

    @property
    def first(self) -> SkipReport:
        """The one that ran first."""
        return self.skips[0]

    @property
    def where(self) -> str:
        """The joins' places, such as ``layer1.0 … layer1.2``."""
        return first_to_last([skip.join for skip in self.skips])

    @property
    def span(self) -> str:
        """Their spans, such as ``2`` or ``2-5``."""
        return _range(skip.span for skip in self.skips)

    @property
    def connections(self) -> str:
        """How many shortcuts end in each."""
        return _range(skip.connections for skip in self.skips)

    @property
    def shape(self) -> str:
        """Shapes of what the shortcuts bring, such as ``64x56x56``; the batch is left out."""
        return first_to_last([_shape(skip.shapes[0]) if skip.shapes else "" for skip in self.skips])


def group_skips(skips: Sequence[SkipReport]) -> list[SkipGroup]:
    """Skips in execution order, similar neighbours in one group."""
    return [SkipGroup(tuple(group)) for _, group in groupby(skips, key=_likeness)]


def _likeness(skip: SkipReport) -> tuple[object, ...]:
    return (skip.kind, skip.shortcut, skip.join_op, skip.long, skip.scale, pattern(skip.join))


def pattern(path: str) -> str:
    """``path`` with ``#`` for its last number: ``layer1.2`` and ``layer1.3`` give the same."""
    last = max(_NUMBER.finditer(path), key=lambda match: match.start(), default=None)
    return path if last is None else f"{path[: last.start()]}#{path[last.end() :]}"


@dataclass(frozen=True, slots=True)
class FindingGroup:
    """One fault at one source line that shows at several nodes, such as in a repeated block."""

    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The one that is shown in full."""
        return self.findings[0]

    @property
    def nodes(self) -> tuple[str, ...]:
        """Ids of the operations where it shows."""
        return tuple(dict.fromkeys(finding.node for finding in self.findings if finding.node))

    @property
    def models(self) -> tuple[str, ...]:
        """Targets of the models that have it."""
        return tuple(dict.fromkeys(finding.model for finding in self.findings if finding.model))


def group_findings(findings: Sequence[Finding]) -> list[FindingGroup]:
    """Findings in their order; those of one rule at one place with the same suggestion are one group."""
    groups: dict[object, list[Finding]] = {}
    for finding in findings:
        place = finding.location
        # Findings without a place share nothing, so each stands alone.
        key = (finding.code, place, _remedy(finding)) if place else (finding.code, finding.message)
        groups.setdefault(key, []).append(finding)
    return [FindingGroup(tuple(group)) for group in groups.values()]


def _remedy(finding: Finding) -> str:
    """The suggestion without the names of modules and nodes, which differ from block to block."""
    return _NAME.sub("#", finding.suggestion or "")


def _range(numbers: Iterable[int]) -> str:
    values = list(numbers)
    low, high = min(values), max(values)
    return str(low) if low == high else f"{low}-{high}"


def first_to_last(texts: Sequence[str]) -> str:
    """The first and the last name, such as ``layer1.0 … layer1.2``."""
    first, last = texts[0], texts[-1]
    if first == last:
        return first
    if len(first) + len(last) > _LONG:
        # Deep in a model the common part is most of it: `features.denseblock1.denselayer2 … denselayer6`.
        parent = first.rpartition(".")[0]
        last = last.removeprefix(f"{parent}.") if parent else last
    return f"{first} … {last}"


def _shape(shape: Shape) -> str:
    return "x".join(str(size) for size in shape[1:]) or "scalar"
