"""What the code of a model can reach, as it is before a forward, so that it can be put back after.

A forward may keep a table in a helper object, a class attribute or a global of its module, append to a list,
or write its own weights. A trace runs it on other tensors, so all that has to be undone.
"""

from __future__ import annotations

import functools
import operator
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from types import CellType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import _disable_current_modes

from skiplint.sources.owners import owner

CacheWrapper = functools._lru_cache_wrapper
_LEFT_ALONE = frozenset({"torch", "skiplint", "sympy", "builtins"})
_ATOMS = frozenset(
    {
        type(None),
        bool,
        int,
        float,
        complex,
        str,
        bytes,
        range,
        type(...),
        torch.Size,
        torch.dtype,
        torch.device,
    }
)
_SEQUENCES: tuple[Any, ...] = (list, set, deque)
_PLAIN_CONTAINERS = (dict, OrderedDict, defaultdict, *_SEQUENCES)
_OF_TORCH = frozenset(vars(nn.Module()))
"""The attributes of a module that torch itself keeps."""
_PLAIN_TENSORS = (Tensor, nn.Parameter)
_MOST_OBJECTS = 20_000
"""A model that reaches more holds a dataset, or a trainer; what a forward changes is near the model."""
_ABSENT = object()


class LiveState:
    """The attributes, containers, globals and tensors that a forward of a model can reach."""

    def __init__(self) -> None:
        """Hold nothing yet."""
        self.caches: list[CacheWrapper[Any]] = []
        """The ``functools`` caches among what was saved."""
        self._undo: list[Callable[[], object]] = []
        self._seen: dict[int, Any] = {}
        """Keeps what was seen alive, so that no identity is used twice."""

    def save(self, *roots: Any, apart_from: Collection[int] = ()) -> None:
        """Save what ``roots`` and their code can reach.

        Args:
            *roots: a model, or objects that it is called with.
            apart_from: identities of tensors that may change.
        """
        self._seen.update(dict.fromkeys(apart_from))
        # The modules first, without a limit: their tensors are replaced. Then what is near them.
        modules = [module for root in roots if isinstance(root, nn.Module) for module in root.modules()]
        todo: deque[Any] = deque()
        for item in (*modules, *roots):
            self._visit(item, todo)
        while todo and len(self._seen) < _MOST_OBJECTS + len(modules):
            self._visit(todo.popleft(), todo)

    def _visit(self, item: Any, todo: deque[Any]) -> None:
        if type(item) not in _ATOMS and id(item) not in self._seen:
            self._seen[id(item)] = item
            todo.extend(self._saved(item))

    def restore(self) -> None:
        """Put everything back."""
        for undo in reversed(self._undo):
            undo()

    def _saved(self, item: Any) -> Iterable[Any]:
        """Note how to put ``item`` back; what it leads to."""
        for kinds, save in self._BY_KIND:
            if isinstance(item, kinds):
                return save(self, item)
        return self._of_instance(item) if matters(type(item)) else ()

    def _of_module(self, module: nn.Module) -> Iterable[Any]:
        kind, attributes = type(module), dict(vars(module))
        # Most of torch's own are dicts of hooks, and empty.
        empty = [value for name, value in attributes.items() if name in _OF_TORCH and _is_empty_dict(value)]

        def undo() -> None:
            for each in filter(None, empty):
                each.clear()
            if not _same_values(vars(module), attributes):
                vars(module).clear()
                vars(module).update(attributes)
            if type(module) is not kind:
                module.__class__ = kind  # lazy modules become plain ones on their first call

        self._undo.append(undo)
        for name, value in attributes.items():
            if type(value) in _ATOMS or isinstance(value, Tensor):
                continue
            if name in _OF_TORCH:
                if isinstance(value, dict) and value:  # a ScriptModule has others
                    yield from (each for each in self._of_container(value) if not isinstance(each, Tensor))
            elif type(value) in (list, dict):
                # Tensors in these and of the module itself are replaced while a forward runs.
                yield from (each for each in self._of_container(value) if not isinstance(each, Tensor))
            else:
                yield value
        yield from kind.__mro__

    def _of_container(self, container: Any) -> Iterable[Any]:
        more = () if type(container) in _PLAIN_CONTAINERS else self._of_instance(container)
        if isinstance(container, dict):
            held = dict(dict.items(container))  # a subclass may load what it maps to
            self._undo.append(lambda: _same_values(container, held) or _refill_mapping(container, held))
            return (*_objects_of(held.values()), *more)
        kind = next(each for each in _SEQUENCES if isinstance(container, each))
        items = tuple(kind.__iter__(container))
        self._undo.append(
            lambda: _same_items(kind.__iter__(container), items) or _refill(kind, container, items)
        )
        return (*_objects_of(items), *more)

    def _of_instance(self, item: Any) -> Iterable[Any]:
        own = _slot(item, "__dict__")
        if type(own) is dict:
            held = dict(own)
            self._undo.append(lambda: _same_values(own, held) or _refill_mapping(own, held))
            yield from _objects_of(held.values())
        for kind in type(item).__mro__:
            for name in _slots(kind):
                value = _slot(item, name)
                self._undo.append(functools.partial(_put_slot, item, name, value))
                if value is not _ABSENT:
                    yield value
        yield from type(item).__mro__

    def _of_class(self, kind: type) -> Iterable[Any]:
        if not _is_own(kind):
            return ()
        held = _plain_attributes(kind)

        def undo() -> None:
            now = _plain_attributes(kind)
            for name in now.keys() - held.keys():
                type.__delattr__(kind, name)
            for name, value in held.items():
                if now.get(name, _ABSENT) is not value:
                    type.__setattr__(kind, name, value)

        self._undo.append(undo)
        return held.values()

    def _of_function(self, function: FunctionType) -> Iterable[Any]:
        if not _is_own(function):
            return
        cells = [(cell, _content(cell)) for cell in function.__closure__ or ()]
        names = function.__code__.co_names
        scopes = [function.__globals__]
        scopes += [vars(scopes[0][name]) for name in names if _is_module(scopes[0].get(name))]
        held = [(scope, name, scope.get(name, _ABSENT)) for scope in scopes for name in names]

        def undo() -> None:
            for cell, content in cells:
                if _content(cell) is not content:
                    _put_content(cell, content)
            for scope, name, value in held:
                if value is _ABSENT:
                    scope.pop(name, None)
                elif scope.get(name, _ABSENT) is not value:
                    scope[name] = value

        self._undo.append(undo)
        yield from (content for _, content in cells if content is not _ABSENT)
        yield from (value for _, _, value in held if value is not _ABSENT)
        yield from function.__defaults__ or ()
        yield from (function.__kwdefaults__ or {}).values()
        yield function.__dict__

    def _of_tensor(self, tensor: Tensor) -> Iterable[Any]:
        if not tensor.is_meta and type(tensor) in _PLAIN_TENSORS:
            self._undo.append(_tensor_undo(tensor))
        return ()

    def _of_cache(self, cache: CacheWrapper[Any]) -> Iterable[Any]:
        if matters(cache):
            self.caches.append(cache)
        return ()

    _BY_KIND: tuple[tuple[Any, Callable[..., Iterable[Any]]], ...] = (
        (nn.Module, _of_module),
        (Tensor, _of_tensor),
        (CacheWrapper, _of_cache),
        ((tuple, frozenset), lambda _, items: _objects_of(items)),
        ((dict, list, set, deque), _of_container),
        (type, _of_class),
        (FunctionType, _of_function),
        (MethodType, lambda _, method: (method.__func__, method.__self__)),
        ((staticmethod, classmethod), lambda _, method: (method.__func__,)),
        (property, lambda _, member: (member.fget,)),
        (functools.partial, lambda _, made: (made.func, *made.args, *made.keywords.values())),
    )


def matters(item: type | Callable[..., Any]) -> bool:
    """Whether ``item`` is the model's own: what torch and its parts keep is left to them."""
    package = str(getattr(item, "__module__", "")).partition(".")[0]
    return package not in _LEFT_ALONE


def _is_own(item: type | FunctionType) -> bool:
    """Whether the code of ``item`` is the user's: that of an installed package leads everywhere."""
    return matters(item) and _is_of_user(str(item.__module__).partition(".")[0])


@functools.cache
def _is_of_user(package: str) -> bool:
    source = getattr(sys.modules.get(package), "__file__", None)
    return source is None or owner(source) == "user"


def _is_module(value: Any) -> bool:
    """Whether it is an imported module that is the model's own."""
    return isinstance(value, ModuleType) and value.__name__.partition(".")[0] not in _LEFT_ALONE


def _is_empty_dict(value: Any) -> bool:
    return isinstance(value, dict) and not value


def _objects_of(values: Iterable[Any]) -> Iterable[Any]:
    """``values``, or nothing where all of them are numbers or texts: a vocabulary is long."""
    return values if not _ATOMS.issuperset(map(type, values)) else ()


def _same_items(now: Iterable[Any], before: tuple[Any, ...]) -> bool:
    items = tuple(now)
    return len(items) == len(before) and all(map(operator.is_, items, before))


def _same_values(now: dict[Any, Any], before: dict[Any, Any]) -> bool:
    same_keys = dict.__len__(now) == len(before) and all(map(operator.is_, dict.keys(now), before))
    return same_keys and all(map(operator.is_, dict.values(now), before.values()))


def _refill_mapping(mapping: dict[Any, Any], held: Mapping[Any, Any]) -> bool:
    # The methods of the class itself: one of a subclass may refuse, or do more than hold things.
    kind: Any = OrderedDict if isinstance(mapping, OrderedDict) else dict
    kind.clear(mapping)
    for key, value in held.items():
        kind.__setitem__(mapping, key, value)
    return True


def _refill(kind: Any, container: Any, items: tuple[Any, ...]) -> bool:
    kind.clear(container)
    (kind.update if kind is set else kind.extend)(container, items)
    return True


def _plain_attributes(kind: type) -> dict[str, Any]:
    return {name: value for name, value in vars(kind).items() if not name.startswith("__")}


def _slots(kind: type) -> tuple[str, ...]:
    names = vars(kind).get("__slots__", ())
    return (names,) if isinstance(names, str) else tuple(names)


def _slot(item: Any, name: str) -> Any:
    try:
        return object.__getattribute__(item, name)
    except AttributeError:
        return _ABSENT


def _put_slot(item: Any, name: str, value: Any) -> None:
    now = _slot(item, name)
    if now is value:
        return
    if value is _ABSENT:
        object.__delattr__(item, name)
    else:
        object.__setattr__(item, name, value)


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return _ABSENT


def _put_content(cell: CellType, content: Any) -> None:
    if content is _ABSENT:
        del cell.cell_contents
    else:
        cell.cell_contents = content


def _tensor_undo(tensor: Tensor) -> Callable[[], None]:
    """Put a tensor back: its values if they were written, its storage, what it says of gradients."""
    with _disable_current_modes(), torch.no_grad():
        values, version, alias = tensor.detach().clone(), _version(tensor), tensor.detach()
    differentiated, gradient = tensor.requires_grad, tensor.grad if tensor.is_leaf else None

    def undo() -> None:
        with _disable_current_modes():
            if tensor.data_ptr() != alias.data_ptr():
                tensor.data = alias
            if version is None or _version(tensor) != version or not torch.equal(alias, values):
                with torch.inference_mode():
                    alias.copy_(values)
            if tensor.is_leaf:
                tensor.requires_grad_(differentiated)
                tensor.grad = gradient

    return undo


def _version(tensor: Tensor) -> int | None:
    """How often it was written; None where torch does not count."""
    return None if tensor.is_inference() else tensor._version
