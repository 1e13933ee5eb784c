"""The base class of rules: metadata, documentation, options, and a function from an analysis to findings."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from skiplint.analysis.faults.remedy import Remedy
from skiplint.graph import Location, Operation
from skiplint.linting.finding import Finding, Severity, Shape

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis

SECTIONS = (
    "What it does",
    "Why it is bad",
    "Example",
    "Use instead",
    "Options",
    "When it is wrong",
    "References",
)
"""Headings of a rule's documentation, in the order in which they are shown."""

REQUIRED_SECTIONS = ("What it does", "Why it is bad", "When it is wrong")

Example = str | Callable[[], tuple[Any, tuple[Any, ...]]]
"""A model that a rule judges: the source of a module that defines ``model`` and ``inputs``, or a function
that returns ``(model, inputs)``. In a bad example the lines to be found end in a comment with the code."""

_CODE = re.compile(r"[A-Z]{2,6}[0-9]{3}")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_HEADING = re.compile(r"^## +(.+?)\s*$", re.MULTILINE)


class RuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a rule's options: typed fields, every one with a default."""


def flag(name: str) -> msgspec.Meta:
    """Mark an option of a rule as one that ``skiplint check`` sets by its command-line option ``name``.

    ``budget: Annotated[str, flag("--memory-budget")] = ""`` is all that it takes: the command line knows no
    rule by its code, it asks the registry for the one that takes its option.
    """
    return msgspec.Meta(extra={"flag": name})


class Rule(ABC):
    """Something that can be wrong with a model, and the check that finds it.

    A subclass sets ``code``, ``name`` and ``severity``, gives ``bad`` and ``good`` examples, and yields
    findings from :meth:`check`. Its docstring is its documentation: the first line is the summary and the
    rest stands under ``## `` headings (:data:`SECTIONS`). The examples are shown with it and are its tests.
    """

    code: ClassVar[str]
    """Letters and three digits, never used again for another rule."""
    name: ClassVar[str]
    """Kebab-case, accepted wherever a code is."""
    severity: ClassVar[Severity]
    default: ClassVar[bool] = True
    """Whether it runs without being selected."""
    depends_on_sizes: ClassVar[bool] = False
    """Whether other widths, depths or input sizes of the same model may have no such finding. Of a model with
    guessed arguments, such a finding counts only if a second guess has it too."""
    url: ClassVar[str | None] = None
    bad: ClassVar[tuple[Example, ...]] = ()
    good: ClassVar[tuple[Example, ...]] = ()
    example_options: ClassVar[Mapping[str, Any]] = {}
    """Options under which the examples are judged, if not the defaults."""
    Options: ClassVar[type[Any]] = RuleOptions

    options: Any
    """An instance of the rule's own ``Options``."""

    def __init__(self, options: object = None, severity: Severity | None = None) -> None:
        """Set up a rule with ``options`` (default: its own defaults) and an overriding ``severity``."""
        self.options = self.Options() if options is None else options
        self.effective_severity = severity or self.severity
        self._severity_given = severity is not None

    @abstractmethod
    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Yield what is wrong in one traced model."""

    def finding(
        self,
        message: str,
        *,
        node: Operation | None = None,
        location: Location | None = None,
        expected: str | None = None,
        actual: str | None = None,
        suggestion: str | None = None,
        fix: Remedy | None = None,
        severity: Severity | None = None,
        shapes: tuple[Shape, ...] = (),
        detail: str = "",
    ) -> Finding:
        """A finding of this rule.

        Args:
            message: one sentence that says what is wrong.
            node: the operation that it is about.
            location: its place in the source; by default that of ``node``.
            expected: what should be there.
            actual: what is there.
            suggestion: what to do; by default the description of ``fix``.
            fix: the same as a mechanical change.
            severity: for a rule with worse and less bad cases; a severity that the user has set wins.
            shapes: shapes of the operands that meet at ``node``.
            detail: more for ``--verbose``.
        """
        return Finding(
            code=self.code,
            name=self.name,
            severity=self.effective_severity if severity is None or self._severity_given else severity,
            message=message,
            location=location or (node.location if node else None),
            node=node.id if node else None,
            expected=expected,
            actual=actual,
            suggestion=suggestion if suggestion or fix is None else fix.description,
            fix=fix,
            url=self.url,
            shapes=shapes,
            detail=detail,
            depends_on_sizes=self.depends_on_sizes,
        )


def flags(rule: type[Rule]) -> dict[str, str]:
    """The options of ``rule`` that are set on the command line: command-line option to option's name."""
    found = {}
    for field in msgspec.structs.fields(rule.Options):
        extra = getattr(msgspec.inspect.type_info(field.type), "extra", None) or {}
        if "flag" in extra:
            found[extra["flag"]] = field.name
    return found


def summary(rule: type[Rule]) -> str:
    """The first line of a rule's docstring."""
    return (inspect.getdoc(rule) or "").partition("\n")[0].strip()


def sections(rule: type[Rule]) -> dict[str, str]:
    """A rule's documentation as Markdown by heading, the example models included."""
    pieces = _HEADING.split(inspect.getdoc(rule) or "")
    written = {title: text.strip() for title, text in zip(pieces[1::2], pieces[2::2], strict=True)}
    for title, examples in (("Example", rule.bad), ("Use instead", rule.good)):
        code = "\n\n".join(f"```python\n{example_source(example)}\n```" for example in examples[:1])
        under = _under(rule) if code else ""
        text = "\n\n".join(part for part in (written.get(title, ""), under, code) if part)
        if text:
            written[title] = text
    known = {title: written[title] for title in SECTIONS if title in written}
    return known | {title: text for title, text in written.items() if title not in known}


def _under(rule: type[Rule]) -> str:
    """Under which options the examples are judged, in words."""
    settings = ", ".join(
        f"`{name.replace('_', '-')} = {json.dumps(value)}`" for name, value in rule.example_options.items()
    )
    return f"With {settings}:" if settings else ""


def example_source(example: Example) -> str:
    """The source of an example model."""
    text = example if isinstance(example, str) else inspect.getsource(example)
    return textwrap.dedent(text).strip()


def fault_of(rule: type[Rule]) -> str | None:
    """What is missing or malformed in a rule's metadata, or None."""
    for attribute, kind in (("code", str), ("name", str), ("severity", Severity)):
        if not isinstance(getattr(rule, attribute, None), kind):
            return f"has no {attribute}"
    if not _CODE.fullmatch(rule.code):
        return f"has code {rule.code!r}, which is not capital letters and three digits"
    if not _NAME.fullmatch(rule.name):
        return f"has name {rule.name!r}, which is not kebab-case"
    if rule.__doc__ is None or not summary(rule):
        return "has no docstring to take its summary from"
    try:
        rule.Options()
    except TypeError as error:
        return f"has an option without a default ({error})"
    return None
