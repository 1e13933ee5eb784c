"""Objects described by a headline and facts, pairs of a label and a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from html import escape

Facts = Sequence[tuple[str, str]]


class Shown(ABC):
    """Gives ``str()`` and the HTML of notebooks to a class with a headline and facts."""

    __slots__ = ()

    @abstractmethod
    def _headline(self) -> str:
        """One line that names the object."""

    @abstractmethod
    def _facts(self) -> Facts:
        """What there is to say of it, each with its label."""

    def __str__(self) -> str:
        return "\n".join([self._headline(), *fact_lines(self._facts())])

    def _repr_html_(self) -> str:
        """The same in a notebook."""
        return f"<p><strong>{escape(self._headline())}</strong></p>\n{fact_table(self._facts())}"


def fact_lines(facts: Facts) -> Iterator[str]:
    """Labels and texts in two columns, indented by two spaces."""
    width = max((len(label) for label, _ in facts), default=0)
    for label, text in facts:
        first, *rest = text.splitlines() or [""]
        yield f"  {label:{width}}  {first}".rstrip()
        yield from (" " * (width + 4) + line for line in rest)


def fact_table(facts: Iterable[tuple[str, str]]) -> str:
    """An HTML table with a row for each fact; markup in the texts is escaped."""
    body = "".join(f"<tr><th>{escape(label)}</th><td>{escape(text)}</td></tr>\n" for label, text in facts)
    return f"<table><tbody>\n{body}</tbody></table>"


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 model``, ``2 models``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
