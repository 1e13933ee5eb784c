"""A configuration object that has every setting that is asked of it."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from skiplint.targets.arguments.definitions import Definitions

Key = tuple[str, ...]
"""The way to a value: the argument, then settings in it."""


class Settings(dict[str, Any]):
    """Makes a value for each setting when it is first read, as an attribute or an item.

    A read that names a default (``getattr(config, "x", 1)``, ``config.get("x", 1)``) gets the default, and
    ``hasattr`` is false: the author says there that the setting may be missing.
    """

    def __init__(self, key: Key, supply: Callable[[Key, FrameType], Any], definitions: Definitions) -> None:
        """Make settings on demand.

        Args:
            key: where this object is.
            supply: makes the value of one setting, read in the given frame.
            definitions: the syntax of the code that reads.
        """
        super().__init__()
        self.__dict__.update(_key=key, _supply=supply, _definitions=definitions)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        frame = sys._getframe(1)
        if _may_be_missing(frame, name, self.__dict__["_definitions"]):
            raise AttributeError(name)
        return self._made(name, frame)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __missing__(self, name: Any) -> Any:
        if not isinstance(name, str):
            raise KeyError(name)
        return self._made(name, sys._getframe(1))

    def __contains__(self, name: object) -> bool:
        return dict.__contains__(self, name)

    def get(self, name: str, default: Any = None) -> Any:
        """The setting, or the default that the code names."""
        return dict.get(self, name, default)

    def pop(self, name: str, *default: Any) -> Any:
        """The setting, which is then no longer there, or the default that the code names."""
        if dict.__contains__(self, name) or default:
            return dict.pop(self, name, *default)
        return self._made(name, sys._getframe(1), keep=False)

    def copy(self) -> Settings:
        """Itself: nobody else uses it."""
        return self

    def __copy__(self) -> Settings:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Settings:
        return self

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def _made(self, name: str, frame: FrameType, *, keep: bool = True) -> Any:
        value = self.__dict__["_supply"]((*self.__dict__["_key"], name), frame)
        if keep:
            self[name] = value
        return value


def _may_be_missing(frame: FrameType, name: str, definitions: Definitions) -> bool:
    """Whether the line that ``frame`` is in reads the attribute with ``hasattr`` or with a default."""
    source = definitions.source(frame.f_code.co_filename)
    for call in source.calls.get(frame.f_lineno, ()) if source is not None else ():
        if isinstance(call.func, ast.Name) and call.func.id in ("getattr", "hasattr") and len(call.args) > 1:
            asked = call.args[1]
            written = isinstance(asked, ast.Constant) and asked.value == name
            # A computed name is looked for in any call of the line.
            if (written or not isinstance(asked, ast.Constant)) and (
                call.func.id == "hasattr" or len(call.args) > 2
            ):
                return True
    return False
