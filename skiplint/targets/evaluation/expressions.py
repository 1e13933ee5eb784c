"""Evaluate expressions of a user's file without running the statements around them."""

from __future__ import annotations

import ast
import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from skiplint.targets.records import Arguments


class Place(Protocol):
    """Where an expression stands: it gives names their values and decides which calls are made."""

    def value(self, name: str) -> Any:
        """The value of a name; raises NotSimpleError where it has none."""

    def attribute(self, owner: Any, name: str) -> Any:
        """An attribute of a value."""

    def call(self, function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What a call gives; raises NotSimpleError where it may have effects."""

    def closure(self, node: ast.Lambda) -> Callable[..., Any]:
        """The function that a lambda expression makes."""


_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.MatMult: operator.matmul,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.RShift: operator.rshift,
    ast.LShift: operator.lshift,
}
_UNARY: dict[type[ast.unaryop], Callable[[Any], Any]] = {
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Not: operator.not_,
    ast.Invert: operator.invert,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
}

_DEVICE_METHODS = frozenset(
    "cuda cpu eval train requires_grad_ pin_memory half bfloat16 share_memory_".split()
)


class NotSimpleError(Exception):
    """The expression needs more than what can be evaluated on its own."""


class Unevaluated(ABC):
    """A function that evaluates its arguments itself, so that it can do without some."""

    @abstractmethod
    def called(self, node: ast.Call, evaluator: Evaluator) -> Any:
        """What the call ``node`` gives."""


class Evaluator:
    """Evaluates expressions at one place."""

    def __init__(self, place: Place) -> None:
        """Evaluate at ``place``."""
        self._place = place
        self._extra: dict[str, Any] = {}
        self._depth = 0

    def arguments(self, call: ast.Call, skip: int = 0) -> Arguments:
        """The evaluated arguments of ``call``, the first ``skip`` positional ones left out.

        Raises:
            NotSimpleError: an argument cannot be evaluated on its own.
        """
        args = tuple(self._sequence(call.args[skip:]))
        kwargs: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                kwargs.update(self.evaluate(keyword.value))
            else:
                kwargs[keyword.arg] = self.keyword(keyword)
        return args, kwargs

    def keyword(self, keyword: ast.keyword) -> Any:
        """The value of a keyword argument; everything is made on the device that the caller wants."""
        return default_device() if keyword.arg == "device" else self.evaluate(keyword.value)

    def evaluate(self, node: ast.expr) -> Any:
        """The value of one expression.

        Raises:
            NotSimpleError: the expression is of a kind that is not evaluated, or raised.
        """
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None or self._depth > 60:
            raise NotSimpleError(f"line {getattr(node, 'lineno', '?')}: {type(node).__name__}")
        self._depth += 1
        try:
            return method(node)
        except NotSimpleError:
            raise
        except (Exception, SystemExit) as error:
            raise NotSimpleError(f"line {getattr(node, 'lineno', '?')}: {error}") from error
        finally:
            self._depth -= 1

    def _constant(self, node: ast.Constant) -> Any:
        return node.value

    def _name(self, node: ast.Name) -> Any:
        return self._extra[node.id] if node.id in self._extra else self._place.value(node.id)

    def _lambda(self, node: ast.Lambda) -> Any:
        return self._place.closure(node)

    def _namedexpr(self, node: ast.NamedExpr) -> Any:
        self._extra[node.target.id] = self.evaluate(node.value)
        return self._extra[node.target.id]

    def _attribute(self, node: ast.Attribute) -> Any:
        return self._place.attribute(self.evaluate(node.value), node.attr)

    def _subscript(self, node: ast.Subscript) -> Any:
        return self.evaluate(node.value)[self.evaluate(node.slice)]

    def _slice(self, node: ast.Slice) -> slice:
        parts = (node.lower, node.upper, node.step)
        return slice(*(None if part is None else self.evaluate(part) for part in parts))

    def _binop(self, node: ast.BinOp) -> Any:
        return _BINARY[type(node.op)](self.evaluate(node.left), self.evaluate(node.right))

    def _unaryop(self, node: ast.UnaryOp) -> Any:
        return _UNARY[type(node.op)](self.evaluate(node.operand))

    def _compare(self, node: ast.Compare) -> bool:
        left = self.evaluate(node.left)
        for kind, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            if not _COMPARE[type(kind)](left, right):
                return False
            left = right
        return True

    def _boolop(self, node: ast.BoolOp) -> Any:
        stop_at = isinstance(node.op, ast.Or)
        value: Any = None
        for part in node.values:
            value = self.evaluate(part)
            if bool(value) is stop_at:
                break
        return value

    def _ifexp(self, node: ast.IfExp) -> Any:
        return self.evaluate(node.body if self.evaluate(node.test) else node.orelse)

    def _sequence(self, nodes: list[ast.expr]) -> list[Any]:
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values.extend(self.evaluate(node.value))
            else:
                values.append(self.evaluate(node))
        return values

    def _tuple(self, node: ast.Tuple) -> tuple[Any, ...]:
        return tuple(self._sequence(node.elts))

    def _list(self, node: ast.List) -> list[Any]:
        return self._sequence(node.elts)

    def _set(self, node: ast.Set) -> set[Any]:
        return set(self._sequence(node.elts))

    def _dict(self, node: ast.Dict) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                result.update(self.evaluate(value))
            else:
                result[self.evaluate(key)] = self.evaluate(value)
        return result

    def _joinedstr(self, node: ast.JoinedStr) -> str:
        return "".join(map(str, map(self.evaluate, node.values)))

    def _formattedvalue(self, node: ast.FormattedValue) -> str:
        spec = "" if node.format_spec is None else self.evaluate(node.format_spec)
        return format(self.evaluate(node.value), spec)

    def _listcomp(self, node: ast.ListComp) -> list[Any]:
        return [self.evaluate(node.elt) for _ in self._rounds(node.generators)]

    def _setcomp(self, node: ast.SetComp) -> set[Any]:
        return {self.evaluate(node.elt) for _ in self._rounds(node.generators)}

    def _generatorexp(self, node: ast.GeneratorExp) -> list[Any]:
        return [self.evaluate(node.elt) for _ in self._rounds(node.generators)]

    def _dictcomp(self, node: ast.DictComp) -> dict[Any, Any]:
        return {self.evaluate(node.key): self.evaluate(node.value) for _ in self._rounds(node.generators)}

    def _rounds(self, generators: list[ast.comprehension]) -> Iterator[None]:
        """Once for each element of a comprehension, its names bound."""
        if not generators:
            yield
            return
        loop, *inner = generators
        outer = dict(self._extra)
        try:
            for item in self.evaluate(loop.iter):
                for target, value in unpacked(loop.target, item):
                    if not isinstance(target, ast.Name):
                        raise NotSimpleError(f"line {target.lineno}: comprehension")
                    self._extra[target.id] = value
                if all(self.evaluate(condition) for condition in loop.ifs):
                    yield from self._rounds(inner)
        finally:
            self._extra = outer

    def _call(self, node: ast.Call) -> Any:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if isinstance(node.func, ast.Attribute) and (name in _DEVICE_METHODS or name == "to"):
            owner = self.evaluate(node.func.value)
            if _is_on_a_device(owner):
                return self._moved(owner, node) if name == "to" else owner
            function = self._place.attribute(owner, name)
        else:
            function = self.evaluate(node.func)
        if name == "device" and getattr(function, "__module__", "") == "torch":
            return default_device()
        if isinstance(function, Unevaluated):
            return function.called(node, self)
        return self._place.call(function, *self.arguments(node))

    def _moved(self, value: Any, node: ast.Call) -> Any:
        """``x.to(device, dtype)``: the dtype counts, the device does not."""
        import torch

        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            try:
                wanted = self.evaluate(argument)
            except NotSimpleError:
                continue  # a device that comes from the command line
            if isinstance(wanted, torch.dtype):
                value = value.to(wanted)
        return value


def _is_on_a_device(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor | torch.nn.Module)


def unpacked(target: ast.expr, value: Any) -> Iterator[tuple[ast.expr, Any]]:
    """The single targets in ``target`` with their parts of ``value``, as an assignment gives them."""
    if isinstance(target, ast.Starred):
        yield from unpacked(target.value, value)
    elif not isinstance(target, ast.Tuple | ast.List):
        yield target, value
    else:
        items = list(value)
        starred = [number for number, part in enumerate(target.elts) if isinstance(part, ast.Starred)]
        if starred:
            first, after = starred[0], len(target.elts) - starred[0] - 1
            items = [*items[:first], items[first : len(items) - after], *items[len(items) - after :]]
        if len(items) != len(target.elts):
            raise NotSimpleError(f"line {target.lineno}: {len(items)} values for {len(target.elts)} names")
        for part, item in zip(target.elts, items, strict=True):
            yield from unpacked(part, item)


def default_device() -> Any:
    """The device that tensors are made on at the moment, whichever the file asks for."""
    import torch

    return torch.get_default_device()
