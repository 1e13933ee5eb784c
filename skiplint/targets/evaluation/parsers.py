"""What a command-line parser of a project gives where nothing is typed: the defaults of its arguments."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable
from typing import Any

from skiplint.targets.evaluation.expressions import Evaluator, NotSimpleError, Unevaluated

_STORES: dict[Any, Any] = {"store_true": False, "store_false": True, "count": 0}
_ABSENT = object()


class Parser:
    """A stand-in for ``argparse.ArgumentParser``, its groups and its subparsers, which all note into one."""

    def __init__(self, *_: Any, parents: list[Parser] | None = None, **__: Any) -> None:
        """Start with the arguments of ``parents``."""
        self.defaults: dict[str, Any] = {}
        for parent in parents or []:
            self.defaults.update(parent.defaults)
        self.add_argument = _AddArgument(self.defaults)

    def add_argument_group(self, *_: Any, **__: Any) -> Parser:
        """Itself: arguments of groups are arguments of the parser."""
        return self

    add_mutually_exclusive_group = add_subparsers = add_parser = add_argument_group

    def set_defaults(self, **defaults: Any) -> None:
        """Replace defaults."""
        self.defaults.update(defaults)

    def get_default(self, name: str) -> Any:
        """The default of one argument."""
        return self.defaults.get(name)

    def parse_args(self, *_: Any, **__: Any) -> argparse.Namespace:
        """The defaults; an argument that must be typed has no value and is left out."""
        return argparse.Namespace(**self.defaults)

    parse_intermixed_args = parse = parse_args

    def parse_known_args(self, *_: Any, **__: Any) -> tuple[argparse.Namespace, list[str]]:
        """The defaults, and no unknown arguments."""
        return self.parse_args(), []


class _AddArgument(Unevaluated):
    """``parser.add_argument``, of which help texts and exotic types need not be understood."""

    def __init__(self, defaults: dict[str, Any]) -> None:
        self._defaults = defaults

    def called(self, node: ast.Call, evaluator: Evaluator) -> None:
        flags = [evaluator.evaluate(argument) for argument in node.args]
        given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg}
        options: dict[str, Any] = {}
        for name in ("default", "dest", "action", "choices", "nargs", "required", "type"):
            if name in given:
                options[name] = _evaluated(given[name], evaluator)
        name = options.get("dest") or _destination(flags)
        value = _default(options, positional=not flags[0].startswith("-"))
        if value is not _ABSENT:
            self._defaults[name] = value


def _evaluated(node: ast.expr, evaluator: Evaluator) -> Any:
    try:
        return evaluator.evaluate(node)
    except NotSimpleError:
        return _ABSENT


def _destination(flags: list[str]) -> str:
    long = next((flag for flag in flags if flag.startswith("--")), flags[0])
    return long.lstrip("-").replace("-", "_")


def _default(options: dict[str, Any], *, positional: bool) -> Any:
    action = options.get("action")
    if isinstance(action, str) and action in _STORES:
        return options.get("default", _STORES[action])
    choices = options.get("choices", _ABSENT)
    value = options.get("default", _ABSENT if positional or options.get("required") else None)
    if (value is None or value is _ABSENT) and isinstance(choices, list | tuple | set | range) and choices:
        value = next(iter(choices))
        return [value] if options.get("nargs") in ("+", "*") else value
    converter = options.get("type")
    return converter(value) if isinstance(value, str) and converter in (int, float, bool) else value


def command_line_interface(made: Callable[..., Any], *_: Any, **__: Any) -> Any:
    """What ``tyro.cli(Config)`` and its like give where nothing is typed."""
    return made()
