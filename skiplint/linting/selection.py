"""Which rules run, with which options and severity, and on which files."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

import msgspec

from skiplint.linting.finding import Severity
from skiplint.linting.registry import Registry, match_length
from skiplint.linting.rule import Rule


class SelectionError(ValueError):
    """A selector or an option of a rule that does not exist; ``key`` is the setting that it stands in."""

    def __init__(self, key: str, message: str) -> None:
        """Say in ``message`` what is wrong with the setting ``key``."""
        super().__init__(message)
        self.key = key


@dataclass(frozen=True)
class Selection:
    """What the user chose; a selector is a code, the beginning of codes, a rule's name, or ``ALL``."""

    select: Sequence[str] = ()
    """Only these; empty means every rule that is on by default."""
    extend_select: Sequence[str] = ()
    ignore: Sequence[str] = ()
    per_file_ignores: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Selectors by file pattern."""

    def includes(self, rule: type[Rule]) -> bool:
        """Whether ``rule`` runs: the selector that names it most exactly decides, ``ignore`` wins a draw."""
        chosen = longest(self.extend_select, rule)
        if self.select:
            chosen = max(chosen, longest(self.select, rule))
        elif rule.default:
            chosen = max(chosen, 0)
        return chosen >= 0 and chosen > longest(self.ignore, rule)

    def ignored_in(self, rule: type[Rule], path: str) -> bool:
        """Whether findings of ``rule`` in the file ``path`` are not wanted."""
        # fnmatch's `*` crosses slashes, so `tests/*` means everything below.
        return any(
            longest(selectors, rule) >= 0 and (fnmatch(path, pattern) or fnmatch(path, f"*/{pattern}"))
            for pattern, selectors in self.per_file_ignores.items()
        )


def longest(selectors: Sequence[str], rule: type[Rule]) -> int:
    """The longest match of ``selectors`` with the code of ``rule``, -1 if none matches."""
    lengths = (match_length(selector, rule) for selector in selectors)
    return max((length for length in lengths if length is not None), default=-1)


def choose_rules(
    registry: Registry,
    selection: Selection = Selection(),
    tables: Mapping[str, Mapping[str, Any]] | None = None,
) -> tuple[Rule, ...]:
    """The rules of ``registry`` that run, set up with the options in ``tables`` (by name or code).

    Raises:
        SelectionError: a selector, a rule or an option that does not exist, or a value of the wrong type.
    """
    _check_selectors(registry, selection)
    configured: dict[type[Rule], Rule] = {}
    for key, table in (tables or {}).items():
        rule = registry.find(key)
        if rule is None:
            hint = did_you_mean(key, registry.keys)
            raise SelectionError(f"rules.{key}", f"there is no rule {key!r}{hint}")
        configured[rule] = set_up(rule, table, f"rules.{key}")
    return tuple(
        configured[rule] if rule in configured else rule()
        for rule in registry.rules
        if selection.includes(rule)
    )


def set_up(rule: type[Rule], table: Mapping[str, Any], key: str) -> Rule:
    """An instance of ``rule`` with the options and the severity in ``table``.

    Raises:
        SelectionError: an option is unknown or of the wrong type; it is named after ``key``.
    """
    values = {name.replace("-", "_"): value for name, value in table.items()}
    severity: Severity | None = None
    if "severity" in values:
        word = values.pop("severity")
        if word not in [level.value for level in Severity]:
            raise SelectionError(f"{key}.severity", f"{word!r} is none of error, warning, info")
        severity = Severity(word)
    known = [*option_names(rule), "severity"]
    for name in values:
        if name not in known:
            hint = did_you_mean(name, known)
            raise SelectionError(f"{key}.{name}", f"{rule.name} has no option {name!r}{hint}")
    try:
        options = msgspec.convert(values, rule.Options)
    except msgspec.ValidationError as error:
        raise SelectionError(key, str(error)) from None
    return rule(options, severity)


def option_names(rule: type[Rule]) -> tuple[str, ...]:
    """Names of a rule's own options."""
    return tuple(field.name for field in msgspec.inspect.type_info(rule.Options).fields)  # type: ignore[attr-defined]


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """``, did you mean 'x'?`` for a word that is close to a known one, else nothing."""
    near = nearest(word, known)
    return f", did you mean {near!r}?" if near else ""


def nearest(word: str, known: Sequence[str]) -> str | None:
    """The one of ``known`` that ``word`` is closest to, whatever its case; None if it is close to none."""
    spelled = {each.lower(): each for each in known}
    close = difflib.get_close_matches(word.lower(), spelled, n=1, cutoff=0.6)
    return spelled[close[0]] if close else None


def _check_selectors(registry: Registry, selection: Selection) -> None:
    lists = {
        "select": selection.select,
        "extend-select": selection.extend_select,
        "ignore": selection.ignore,
        **{f"per-file-ignores.{glob!r}": selectors for glob, selectors in selection.per_file_ignores.items()},
    }
    for key, selectors in lists.items():
        for selector in selectors:
            if not registry.matching(selector):
                hint = did_you_mean(selector, registry.keys)
                raise SelectionError(key, f"no rule matches {selector!r}{hint}")
