"""Comments that hide findings, and comments that hide none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.analysis.analysis import Analysis
from skiplint.linting.registry import Registry
from skiplint.linting.suppressions import read_suppressions
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.gather import Gathering
from skiplint.run.outcome import outcome_of
from skiplint.settings.settings import Settings

MakeAnalysis = Callable[..., Analysis]
Lint = Callable[..., list[str]]

SOURCE = """\
class Block(Module):{on_class}
    def forward(self, x):
        y = self.conv(
            x
        ){on_last_line}
        y = x + y{on_join}
        return y{on_return}
{outside}
"""


def source(**comments: str) -> str:
    words = ("on_class", "on_last_line", "on_join", "on_return", "outside")
    return SOURCE.format(
        **{word: f"  # skiplint: {comments[word]}" if word in comments else "" for word in words}
    )


@pytest.fixture
def lint(in_tmp_path: Path, registry: Registry, analysis_at: MakeAnalysis) -> Lint:
    """Lint ``text`` as if its model added at ``lines``; findings as ``code:line``."""

    def run(
        text: str, *lines: int, select: tuple[str, ...] = ("TST201", "SKL001"), whole: bool = False
    ) -> list[str]:
        (in_tmp_path / "net.py").write_text(text)
        gathering = Gathering(registry, Settings(select=select))
        model = ModelReport(target="net.py:Net", name="Net", path="net.py", status="traced")
        gathering.add(outcome_of(analysis_at("net.py", *lines), model, gathering.rules))
        if whole:
            gathering.complete_file("net.py")
        report: Report = gathering.report()
        return [f"{item.code}:{item.location.line if item.location else 0}" for item in report.findings]

    return run


@pytest.mark.parametrize(
    "comment",
    ["ignore[TST201] on purpose", "ignore[finds-adds]", "ignore[TST2, SKL0]", "ignore", "IGNORE[ TST ]: why"],
)
def test_a_comment_on_the_line_of_the_join(lint: Lint, comment: str) -> None:
    assert "TST201:6" not in lint(source(on_join=comment), 6)


def test_no_comment_no_mercy(lint: Lint) -> None:
    assert lint(source(), 6) == ["TST201:6"]


def test_a_comment_for_another_rule_hides_nothing_and_is_idle(lint: Lint) -> None:
    text = source(on_join="ignore[TST202]")
    assert lint(text, 6, select=("TST2", "SKL001")) == ["TST201:6", "SKL001:6"]


@pytest.mark.parametrize("place", ["on_class", "on_join"])
def test_a_failed_rule_cannot_be_hidden(lint: Lint, place: str) -> None:
    assert lint(source(**{place: "ignore"}), 6, select=("TST301", "SKL002")) == ["SKL002:1"]


def test_a_comment_at_the_end_of_a_statement_of_several_lines(lint: Lint) -> None:
    assert lint(source(on_last_line="ignore[TST201]"), 3) == []


def test_a_comment_on_the_class_hides_all_of_it(lint: Lint) -> None:
    assert lint(source(on_class="ignore[TST201]"), 3, 6) == []


def test_an_idle_comment_is_a_finding(lint: Lint) -> None:
    assert lint(source(on_return="ignore[TST201]"), 6) == ["TST201:6", "SKL001:7"]


def test_an_unknown_rule_is_a_finding(lint: Lint) -> None:
    assert lint(source(on_join="ignore[TST201, TST999]"), 6) == ["SKL001:6"]


def test_a_rule_that_did_not_run_is_not_held_against_a_comment(lint: Lint) -> None:
    assert lint(source(on_join="ignore[TST301]"), 6) == ["TST201:6"]


def test_a_comment_that_was_not_reached_is_left_alone(lint: Lint) -> None:
    text = source() + "\n\nclass Other(Module):  # skiplint: ignore[TST201]\n    pass\n"
    assert lint(text, 6) == ["TST201:6"]
    assert lint(text, 6, whole=True) == ["TST201:6", "SKL001:11"]


def test_a_comment_outside_counts_only_when_the_file_was_linted_whole(lint: Lint) -> None:
    text = source(outside="ignore[TST201]")
    assert lint(text, 6) == ["TST201:6"]
    assert lint(text, 6, whole=True) == ["TST201:6", "SKL001:8"]


def test_without_the_rule_idle_comments_are_no_matter(lint: Lint) -> None:
    assert lint(source(on_return="ignore[TST201]"), 6, select=("TST201",)) == ["TST201:6"]


def test_a_string_is_no_comment() -> None:
    assert read_suppressions("net.py", 'x = "# skiplint: ignore"\n') == ()


@pytest.mark.parametrize("text", ["def f(:  # skiplint: ignore", "'''# skiplint: ignore"])
def test_a_file_that_does_not_parse_has_no_comments(text: str) -> None:
    assert read_suppressions("net.py", text) == ()


def test_a_comment_keeps_its_reason() -> None:
    (comment,) = read_suppressions(
        "net.py", "x = 1  # skiplint: ignore[SKL205, plain-depth] as in the paper\n"
    )
    assert comment.selectors == ("SKL205", "plain-depth")
    assert comment.reason == "as in the paper"
    assert (comment.location.line, comment.location.column) == (1, 8)
