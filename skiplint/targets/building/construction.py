"""Note where in the user's code each module of a model is built."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from skiplint.graph import BUILT_AT
from skiplint.sources.frames import call_location


@contextmanager
def construction_noted() -> Iterator[None]:
    """Note in every module that is built meanwhile the place of the call that built it.

    The note is the attribute :data:`skiplint.graph.BUILT_AT`, so that copies of a module (the layers of
    ``nn.TransformerEncoder``) keep it.
    """
    from torch import nn

    original = nn.Module.__init__

    def noting(self: nn.Module, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        frame = _builder(self, sys._getframe(1))
        if frame is not None:
            self.__dict__[BUILT_AT] = call_location(frame)

    nn.Module.__init__ = noting  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.__init__ = original  # type: ignore[method-assign]


def _builder(module: object, frame: FrameType | None) -> FrameType | None:
    """The frame that called the class: the first that is no constructor of ``module`` itself."""
    while frame is not None and _constructs(module, frame):
        frame = frame.f_back
    return frame


def _constructs(module: object, frame: FrameType) -> bool:
    code = frame.f_code
    if code.co_name != "__init__" or not code.co_argcount:
        return False
    if "locals" in code.co_names:
        # Before Python 3.13 reading f_locals refreshes the dict that the user's code has from locals().
        starts = (vars(each).get("__init__") for each in type(module).__mro__)
        return any(getattr(start, "__code__", None) is code for start in starts)
    name = code.co_varnames[0]
    # A constructor whose closures use self keeps it in a cell; f_locals shows it all the same.
    return frame.f_locals.get(name) is module
