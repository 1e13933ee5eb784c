"""``# skiplint: ignore[SKL201] reason`` comments: where they stand, what they hide, which are idle."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from skiplint.graph import Location
from skiplint.linting.finding import Finding
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule
from skiplint.linting.tool_rules import RuleFailed, UnusedSuppression

_COMMENT = re.compile(r"#\s*skiplint:\s*ignore(?:\[(?P<selectors>[^\]]*)\])?(?P<reason>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Suppression:
    """One suppression comment and the lines that it covers."""

    location: Location
    first: int
    """First line of the statement it stands in, or of the class in whose head it stands."""
    last: int
    selectors: tuple[str, ...]
    """Codes, beginnings of codes or names; empty means every rule."""
    reason: str
    block: tuple[int, int] | None
    """Lines that have to run for it to count: the class in whose head it stands, else the function or class
    at module level around it."""

    def covers(self, place: Location) -> bool:
        """Whether ``place`` is on the statement, or in the class, in whose head the comment stands."""
        return place.path == self.location.path and self.first <= place.line <= self.last


@dataclass(frozen=True)
class Coverage:
    """The lines that a run has seen, to tell an unused comment from one that was not reached."""

    files: frozenset[str]
    """Files of which every model was linted."""
    lines: frozenset[tuple[str, int]]
    """Lines of operations that ran and of classes whose modules ran."""

    def reached(self, suppression: Suppression) -> bool:
        """Whether a finding at the comment would have been made."""
        path = suppression.location.path
        if path in self.files:
            return True
        first, last = suppression.block or (0, -1)
        return any((path, line) in self.lines for line in range(first, last + 1))


def read_suppressions(path: str, source: str | None = None) -> tuple[Suppression, ...]:
    """The suppression comments of a Python file; none if it is not one that can be read."""
    if source is None:
        try:
            with tokenize.open(path) as file:
                source = file.read()
        except (OSError, SyntaxError, UnicodeDecodeError):
            return ()
    if "skiplint:" not in source.lower():
        return ()
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError):
        return ()
    found = []
    for token in tokens:
        match = _COMMENT.match(token.string) if token.type == tokenize.COMMENT else None
        if match is not None:
            found.append(_suppression(path, token, match, tree))
    return tuple(found)


def _suppression(path: str, token: tokenize.TokenInfo, match: re.Match[str], tree: ast.Module) -> Suppression:
    line, column = token.start
    words = (match["selectors"] or "").replace(",", " ").split()
    headed = _class(tree, line)
    first, last = headed or _statement(tree, line)
    return Suppression(
        location=Location(path, line, column + 1),
        first=first,
        last=last,
        selectors=tuple(words),
        reason=match["reason"].strip(" :-"),
        block=headed or _block(tree, line),
    )


def _class(tree: ast.Module, line: int) -> tuple[int, int] | None:
    """Lines of the class that has ``line`` in its head: decorators, name and bases.

    The place of a class itself is the line of one of its methods before Python 3.13, so a comment in the
    head counts for all lines of the class.
    """
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    around = [_lines(node) for node in classes if _is_in(line, _head(node))]
    return max(around, default=None)


def _statement(tree: ast.Module, line: int) -> tuple[int, int]:
    """Lines of the innermost statement at ``line``: its head alone where it has a body."""
    spans = [_head(node) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    around = [span for span in spans if _is_in(line, span)]
    # Inner statements start later, and a one-line body starts on the line of its head.
    return max(around, key=lambda span: (span[0], -span[1]), default=(line, line))


def _is_in(line: int, span: tuple[int, int]) -> bool:
    return span[0] <= line <= span[1]


def _lines(node: ast.stmt) -> tuple[int, int]:
    """Lines of a statement with its decorators."""
    decorators = getattr(node, "decorator_list", [])
    first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
    return first, node.end_lineno or node.lineno


def _head(node: ast.stmt) -> tuple[int, int]:
    first, last = _lines(node)
    body = getattr(node, "body", None)
    inner = _lines(body[0])[0] if body else first
    return (first, inner - 1) if inner > node.lineno else (first, last)


def _block(tree: ast.Module, line: int) -> tuple[int, int] | None:
    definitions = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    blocks = [_lines(node) for node in tree.body if isinstance(node, definitions)]
    return next((span for span in blocks if _is_in(line, span)), None)


def apply_suppressions(
    findings: Iterable[Finding],
    suppressions: Sequence[Suppression],
    *,
    registry: Registry,
    ran: Sequence[Rule],
    coverage: Coverage,
) -> list[Finding]:
    """Drop the findings that a comment suppresses, and add one for each comment that suppresses nothing.

    Args:
        findings: what the rules found.
        suppressions: the comments of the linted files.
        registry: all rules, to read the selectors in comments.
        ran: the rules that ran.
        coverage: the lines that were seen; a comment elsewhere is not called unused.
    """
    kept: list[Finding] = []
    busy: set[tuple[int, str]] = set()
    for finding in findings:
        rule = registry.find(finding.code)
        matches = [
            (number, selector)
            for number, suppression in enumerate(suppressions)
            if any(suppression.covers(place) for place in _places(finding))
            for selector in suppression.selectors or ("ALL",)
            if rule is not None and rule is not RuleFailed and rule in registry.matching(selector)
        ]
        busy.update(matches)
        if not matches:
            kept.append(finding)
    unused = next((rule for rule in ran if isinstance(rule, UnusedSuppression)), None)
    if unused is not None:
        for number, suppression in enumerate(suppressions):
            if coverage.reached(suppression):
                words = {word for index, word in busy if index == number}
                kept.extend(_idle(unused, suppression, words, registry, {type(rule) for rule in ran}))
    return kept


def _places(finding: Finding) -> tuple[Location, ...]:
    return finding.anchors if finding.location is None else (finding.location, *finding.anchors)


def _idle(
    unused: UnusedSuppression,
    suppression: Suppression,
    busy: set[str],
    registry: Registry,
    ran: set[type[Rule]],
) -> Iterable[Finding]:
    """A finding for each selector of one comment that suppressed nothing though its rules all ran."""
    for selector in suppression.selectors or ("ALL",):
        rules = registry.matching(selector)
        named = "" if selector == "ALL" else f" for {selector}"
        if not rules:
            message = f"this comment names {selector}, and there is no such rule"
        elif selector in busy or not ran.issuperset(rule for rule in rules if rule.default or named):
            continue
        else:
            message = f"nothing is suppressed here{named}"
        yield unused.finding(
            message,
            location=suppression.location,
            suggestion="remove the comment or the code that is not needed",
        )
