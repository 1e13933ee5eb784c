"""The stack of modules whose forward is running."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook


@dataclass(slots=True, eq=False)
class Scope:
    """One call of one module."""

    path: str
    class_name: str
    call: int
    opened: bool = False
    """Whether another module was called inside."""


def class_name(module: nn.Module) -> str:
    """Return the qualified name of the class of ``module``: ``package.module.Class``."""
    return f"{type(module).__module__}.{type(module).__qualname__}"


class ScopeStack:
    """The modules whose forward is running, outermost first, as torch's global module hooks tell."""

    def __init__(self, model: nn.Module) -> None:
        self._paths: dict[int, str] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            self._paths.setdefault(id(module), path)
        self._calls: dict[str, int] = defaultdict(int)
        self._root = Scope("", class_name(model), 0)
        self._stack: list[tuple[nn.Module | None, Scope]] = [(None, self._root)]
        self._thread = threading.get_ident()

    @property
    def current(self) -> Scope:
        """The innermost running call of a module."""
        return self._stack[-1][1]

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Follow the module calls of this thread inside the context."""
        before = register_module_forward_pre_hook(self._enter)
        after = register_module_forward_hook(self._leave, always_call=True)
        try:
            yield
        finally:
            before.remove()
            after.remove()

    def _enter(self, module: nn.Module, _: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        parent = self.current
        path = self._paths.get(id(module))
        if path is None:  # made during forward or held outside the module tree
            path = f"{parent.path}.{type(module).__name__}".lstrip(".")
        if path == "" and len(self._stack) == 1:
            self._stack.append((module, self._root))
            return
        parent.opened = True
        scope = Scope(path, class_name(module), self._calls[path])
        self._calls[path] += 1
        self._stack.append((module, scope))

    def _leave(self, module: nn.Module, _: Any, __: Any) -> None:
        if threading.get_ident() != self._thread:
            return
        for depth in range(len(self._stack) - 1, 0, -1):
            if self._stack[depth][0] is module:
                del self._stack[depth:]
                return
