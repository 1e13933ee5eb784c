"""All installed rules, collected from the entry-point group ``skiplint.rules``; the built-in pack too."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import GenericAlias, ModuleType
from typing import TypeGuard

from skiplint.linting.rule import Rule, fault_of, flags
from skiplint.linting.tool_rules import TOOL_RULES

ENTRY_POINT_GROUP = "skiplint.rules"


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A rule or a pack of rules that could not be used."""

    what: str
    """The pack, module or class."""
    reason: str
    detail: str = ""
    """The traceback, for ``--verbose``."""


@dataclass(frozen=True)
class Registry:
    """All rules, in the order of their codes, and what could not be loaded."""

    rules: tuple[type[Rule], ...]
    failures: tuple[LoadFailure, ...] = ()

    def find(self, key: str) -> type[Rule] | None:
        """The rule with this code or name, None if there is none."""
        wanted = key.lower()
        for rule in self.rules:
            if wanted in (rule.code.lower(), rule.name):
                return rule
        return None

    def taking(self, flag: str) -> type[Rule] | None:
        """The first rule with an option that the command-line option ``flag`` sets, if there is one."""
        return next((rule for rule in self.rules if flag in flags(rule)), None)

    def matching(self, selector: str) -> tuple[type[Rule], ...]:
        """The rules that ``selector`` (a code, the beginning of codes, a name, or ALL) stands for."""
        return tuple(rule for rule in self.rules if match_length(selector, rule) is not None)

    @property
    def keys(self) -> list[str]:
        """Every code and name, for suggestions."""
        return [key for rule in self.rules for key in (rule.code, rule.name)]


def match_length(selector: str, rule: type[Rule]) -> int | None:
    """How many characters of the code of ``rule`` the selector fixes; None if it does not match."""
    if selector.upper() == "ALL":
        return 0
    if selector.lower() == rule.name:
        return len(rule.code)
    prefix = selector.upper()
    return len(prefix) if prefix and rule.code.startswith(prefix) else None


def load_registry(points: Iterable[EntryPoint] | None = None) -> Registry:
    """Collect the rules of all installed packs (or of ``points``).

    One pack, module or rule that cannot be used is a :class:`LoadFailure`; the others are still there.
    """
    if points is None:
        points = entry_points(group=ENTRY_POINT_GROUP)
    rules: dict[str, type[Rule]] = {rule.code: rule for rule in TOOL_RULES}
    failures: list[LoadFailure] = []
    # Two packs with one code must clash the same way everywhere, so not in the order of installation.
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        for item in _load_pack(point):
            if isinstance(item, LoadFailure):
                failures.append(item)
            elif (clash := _clash(item, rules.values())) is not None:
                failures.append(LoadFailure(_where(item), f"{clash} in pack {point.name!r}"))
            else:
                rules[item.code] = item
    return Registry(tuple(rules[code] for code in sorted(rules)), tuple(failures))


def _load_pack(point: EntryPoint) -> Iterator[type[Rule] | LoadFailure]:
    try:
        loaded = point.load()
    except Exception as error:
        yield _failure(f"rule pack {point.name!r} ({point.value})", error)
        return
    for item in _collect(loaded):
        fault = None if isinstance(item, LoadFailure) else fault_of(item)
        if isinstance(item, LoadFailure) or fault is None:
            yield item
        else:
            yield LoadFailure(_where(item), fault)


def _collect(loaded: object) -> Iterator[type[Rule] | LoadFailure]:
    """Rules of what an entry point names: a class, a sequence of classes, a module, or a package."""
    if _is_rule(loaded):
        yield loaded
    elif isinstance(loaded, (list, tuple)):
        for item in loaded:
            yield from _collect(item)
    elif isinstance(loaded, ModuleType):
        yield from _collect_module(loaded)
    else:
        yield LoadFailure(repr(loaded), "is neither a rule nor a module with rules")


def _collect_module(module: ModuleType) -> Iterator[type[Rule] | LoadFailure]:
    if hasattr(module, "RULES"):
        yield from _collect(tuple(module.RULES))
        return
    for value in vars(module).values():
        # What a module imports, base classes too, belongs to the module that defines it.
        if _is_rule(value) and value.__module__ == module.__name__ and not inspect.isabstract(value):
            yield value
    for info in sorted(pkgutil.iter_modules(getattr(module, "__path__", ())), key=lambda info: info.name):
        name = f"{module.__name__}.{info.name}"
        try:
            submodule = importlib.import_module(name)
        except Exception as error:
            yield _failure(f"rule module {name}", error)
        else:
            yield from _collect_module(submodule)


def _is_rule(value: object) -> TypeGuard[type[Rule]]:
    if isinstance(value, GenericAlias):
        return False  # On Python 3.10 `tuple[int, int]` passes for a class.
    return isinstance(value, type) and issubclass(value, Rule)


def _clash(rule: type[Rule], others: Iterable[type[Rule]]) -> str | None:
    for other in others:
        for attribute in ("code", "name"):
            value = getattr(rule, attribute)
            if value == getattr(other, attribute):
                return f"has the {attribute} {value}, which {_where(other)} has already"
    return None


def _where(rule: type[Rule]) -> str:
    return f"rule {rule.__module__}.{rule.__qualname__}"


def _failure(what: str, error: Exception) -> LoadFailure:
    reason = f"could not be loaded: {type(error).__name__}: {error}".splitlines()[0]
    return LoadFailure(what, reason, "".join(traceback.format_exception(error)))
