"""What stands for a name that has no value: a package that is missing, or a statement that is not run.

While modules are imported such a name can be called, subscripted, derived from and used as a decorator, and
nothing comes of it. Any use of it by a model that is built or run raises an error that says what is missing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skiplint.sources.owners import owner

_importing = 0
_touched: list[StandIn] = []
"""What was called or read outside of imports, while :func:`named` is open."""


@contextmanager
def importing() -> Iterator[None]:
    """Inside, modules are imported: stand-ins may be used."""
    global _importing  # noqa: PLW0603 - one import at a time in a process
    _importing += 1
    try:
        yield
    finally:
        _importing -= 1


class NotAvailableError(Exception):
    """A model uses something that has no value here; the message says what and why."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} is used, but {why}")
        self._name, self._why = name, why

    def with_place(self, place: str) -> str:
        """The message with the place of the use, such as `` at model.py:7``."""
        return f"{self._name} is used{place}, but {self._why}"


@contextmanager
def named() -> Iterator[None]:
    """Name what is missing in errors that know a stand-in by its type only, as torch's own checks do.

    Raises:
        NotAvailableError: in place of such an error.
    """
    _touched.clear()
    try:
        yield
    except TypeError as error:
        if StandIn.__name__ in str(error) and _touched:
            raise _touched[-1]._error() from error
        raise
    finally:
        _touched.clear()


class StandIn:
    """Stands for ``name``, which has no value because of ``why``."""

    _name: str
    _why: str

    def __init__(self, name: str, why: str) -> None:
        self.__dict__.update(_name=name, _why=why)

    def __repr__(self) -> str:
        return f"<{self._name}: {self._why}>"

    def __getattr__(self, attribute: str) -> StandIn:
        if attribute.startswith("__") and attribute.endswith("__"):
            raise AttributeError(attribute)
        return StandIn(f"{self._name}.{attribute}", self._why)._noted()

    def __setattr__(self, attribute: str, value: object) -> None:
        self._used()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function or class that it decorates; a stand-in for the result of any other call.

        Raises:
            NotAvailableError: it is given a tensor or a module, outside of an import.
        """
        if len(args) == 1 and not kwargs and (inspect.isclass(args[0]) or inspect.isfunction(args[0])):
            return args[0]
        if not _importing and any(map(_is_data, (*args, *kwargs.values()))):
            raise self._error()
        name = self._name if self._name.endswith("(...)") else f"{self._name}(...)"
        return StandIn(name, self._why)._noted()

    def __getitem__(self, key: object) -> StandIn:
        return StandIn(f"{self._name}[{key!r}]", self._why)._noted()

    def __setitem__(self, key: object, value: object) -> None:
        """Nothing: a table of addresses, as of weights that are left out, may well be changed."""

    def __mro_entries__(self, bases: tuple[object, ...]) -> tuple[type, ...]:
        """The base of a class that derives from something missing: it may well be a module."""
        return (stand_in_base(self),)

    def __instancecheck__(self, instance: object) -> bool:
        return False

    def __subclasscheck__(self, subclass: type) -> bool:
        return False

    def __deepcopy__(self, memo: dict[int, Any]) -> StandIn:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return StandIn, (self._name, self._why)

    def __bool__(self) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        self._used()
        return iter(())

    def __enter__(self) -> StandIn:  # noqa: PYI034 - typing.Self is of Python 3.11
        return self._used()

    def __exit__(self, *_: object) -> None:
        return None

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        found = [each for each in _flat((args, kwargs or {})) if isinstance(each, StandIn)]
        return found[0]._used()

    def _noted(self) -> StandIn:
        if not _importing:
            _touched.append(self)
        return self

    def _used(self) -> StandIn:
        if not _importing:
            raise self._error()
        return self

    def _error(self) -> NotAvailableError:
        return NotAvailableError(self._name, self._why)


def _operation(self: StandIn, *_: object) -> StandIn:
    return self._used()


def _refused(self: StandIn, *_: object) -> Any:
    raise self._noted()._error()


def _false(self: StandIn, *_: object) -> bool:
    self._used()
    return False


for _name in (
    "add radd sub rsub mul rmul truediv rtruediv floordiv rfloordiv mod rmod pow rpow matmul rmatmul and "
    "rand or ror xor rxor lshift rshift neg pos invert abs"
).split():
    setattr(StandIn, f"__{_name}__", _operation)
for _name in "lt le gt ge contains".split():
    setattr(StandIn, f"__{_name}__", _false)
for _name in "int float index len complex".split():
    setattr(StandIn, f"__{_name}__", _refused)


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list | tuple):
        yield value
        return
    for item in value:
        yield from _flat(item)


def _is_data(value: Any) -> bool:
    import torch

    return any(isinstance(item, torch.Tensor | torch.nn.Module) for item in _flat(value))


def stand_in_base(stand_in: StandIn) -> type:
    """A module class in place of a missing base; its constructor takes anything."""
    from torch import nn

    class Missing(nn.Module):
        def __init__(self, *_: Any, **__: Any) -> None:
            super().__init__()

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                # Only the user's code may mean an attribute of the missing base; libraries ask for anything.
                if name.startswith("_") or owner(sys._getframe(1).f_code.co_filename) != "user":
                    raise
                return getattr(stand_in, name)

    Missing.__name__ = Missing.__qualname__ = str(stand_in._name).rpartition(".")[2]
    return Missing
