"""The command line as a script sees it: no arguments, and the defaults of its parser for all options."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from skiplint.targets.environment.stand_ins import NotAvailableError


class Options(argparse.Namespace):
    """The defaults of a parser; reading an option that has none raises one clear line."""

    _required: Mapping[str, str] = {}
    """Options without a default, as they are written, by their names here; of the class: no option itself."""

    def __getattr__(self, name: str) -> Any:
        if name in self._required:
            raise NotAvailableError(
                f"the command line option {self._required[name]}",
                "it has no default; give the arguments of the model in [[tool.skiplint.models]]",
            )
        raise AttributeError(f"the command line has no option {name}")


@contextmanager
def no_command_line() -> Iterator[None]:
    """Inside, ``argparse`` gives defaults and ``sys.argv`` holds no arguments."""
    original = argparse.ArgumentParser.parse_known_args
    before = list(sys.argv)

    def parse_known_args(
        self: argparse.ArgumentParser, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[Any, list[str]]:
        if args:  # its own, not those of the command line
            return original(self, args, namespace)
        return defaults(self, namespace), []

    argparse.ArgumentParser.parse_known_args = parse_known_args  # type: ignore[method-assign,assignment]
    sys.argv[1:] = []
    try:
        yield
    finally:
        sys.argv[:] = before
        argparse.ArgumentParser.parse_known_args = original  # type: ignore[method-assign]


def defaults(parser: argparse.ArgumentParser, namespace: Any = None) -> Any:
    """What parsing an empty command line gives, without required options that have no default."""
    required: dict[str, str] = {}
    options = type("Options", (Options,), {"_required": required})() if namespace is None else namespace
    for action in parser._actions:
        if action.dest is argparse.SUPPRESS or action.default is argparse.SUPPRESS:
            continue
        if action.required and action.default is None:
            required[action.dest] = "/".join(action.option_strings) or action.dest
        elif action.dest not in vars(options):
            setattr(options, action.dest, _default(parser, action))
    for name, value in parser._defaults.items():
        if name not in vars(options):
            setattr(options, name, value)
    return options


def _default(parser: argparse.ArgumentParser, action: argparse.Action) -> Any:
    if not isinstance(action.default, str):
        return action.default
    try:
        return parser._get_value(action, action.default)
    except Exception:
        return action.default  # such as a file that is not there; the model sees its name
