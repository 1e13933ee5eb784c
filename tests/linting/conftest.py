"""Small rules and graphs made by hand; no model runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from skiplint import Finding, Rule, RuleOptions, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.graph import Location, ModelGraph, ModuleInfo, Operation
from skiplint.linting.registry import Registry
from skiplint.linting.tool_rules import TOOL_RULES


class FindsAdds(Rule):
    """Every addition is a finding.

    ## What it does
    It finds.
    """

    code = "TST201"
    name = "finds-adds"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How to find."""

        word: str = "added"
        at_most: int = 100

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        for operation in analysis.graph.named("add")[: self.options.at_most]:
            yield self.finding(self.options.word, node=operation)


class FindsNothing(Rule):
    """Nothing is a finding, and only when asked for."""

    code = "TST202"
    name = "finds-nothing"
    severity = Severity.ERROR
    default = False

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        yield from ()


class Raises(Rule):
    """Always fails."""

    code = "TST301"
    name = "raises"
    severity = Severity.INFO

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        yield self.finding("half way")
        raise ZeroDivisionError("by zero")


@pytest.fixture
def registry() -> Registry:
    rules = (*TOOL_RULES, FindsAdds, FindsNothing, Raises)
    return Registry(tuple(sorted(rules, key=lambda rule: rule.code)))


@pytest.fixture
def analysis_at() -> Callable[..., Analysis]:
    """An analysis of a model of class line ``class_line`` that adds at each of ``lines`` of ``path``."""

    def make(path: str, *lines: int, class_line: int = 1) -> Analysis:
        operations = tuple(
            Operation(
                index=index,
                id=f"block/add_{index}",
                kind="call",
                name="add",
                module="block",
                module_class="Block",
                call=0,
                operands=(),
                outputs=(),
                stack=(Location(path, line, 9),),
            )
            for index, line in enumerate(lines)
        )
        place = Location(path, class_line)
        modules = {"block": ModuleInfo("block", "Block", 0, training=False, location=place)}
        analysis = Analysis(ModelGraph("Net", operations, modules, (), 0, backend="meta", training=False))
        analysis.__dict__["skips"] = ()  # Additions of nothing are not worth looking for skips.
        return analysis

    return make
