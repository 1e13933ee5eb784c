"""A headline and facts, as text and as HTML."""

from __future__ import annotations

from skiplint.display.facts import Facts, Shown, counted


class Box(Shown):
    """Two facts, one of two lines, with markup."""

    def _headline(self) -> str:
        return "A <Box>"

    def _facts(self) -> Facts:
        return [("inputs", "x\ny & z"), ("at", "<b>")]


def test_text_in_two_columns() -> None:
    assert str(Box()).splitlines() == ["A <Box>", "  inputs  x", "          y & z", "  at      <b>"]


def test_html_has_no_markup_but_its_own() -> None:
    assert Box()._repr_html_() == (
        "<p><strong>A &lt;Box&gt;</strong></p>\n"
        "<table><tbody>\n"
        "<tr><th>inputs</th><td>x\ny &amp; z</td></tr>\n"
        "<tr><th>at</th><td>&lt;b&gt;</td></tr>\n"
        "</tbody></table>"
    )


def test_numbers_with_their_nouns() -> None:
    assert [counted(number, "model") for number in (0, 1, 2000)] == ["0 models", "1 model", "2,000 models"]
