"""Evaluate simple expressions of a user's file without running the statements around them."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from skiplint.targets.records import Arguments

Lookup = Callable[[str, int], "tuple[int, ast.expr, int | None] | None"]

_BUILTINS: dict[str, Any] = {
    function.__name__: function
    for function in (
        range,
        len,
        int,
        float,
        bool,
        str,
        tuple,
        list,
        dict,
        set,
        min,
        max,
        sum,
        abs,
        round,
        zip,
    )
}
_BUILTINS.update({"enumerate": enumerate, "reversed": reversed, "sorted": sorted})

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

# Calls that read files, reach the network or end the program, whoever offers them.
_FORBIDDEN = frozenset(
    "load open save download load_state_dict_from_url hub system popen run call exit quit input exec eval "
    "parse_args parse_known_args from_pretrained load_from_checkpoint imread urlopen get post "
    "backward".split()
)
_DEVICE_METHODS = frozenset(
    "cuda cpu eval train requires_grad_ pin_memory half bfloat16 share_memory_".split()
)


class NotSimpleError(Exception):
    """The expression needs more than what can be evaluated on its own."""


class Evaluator:
    """Evaluates expressions at one place of a block.

    ``lookup`` finds the names that the block itself binds, ``namespace`` holds all others.
    """

    def __init__(self, namespace: Mapping[str, Any], lookup: Lookup | None, order: int) -> None:
        self._namespace = namespace
        self._lookup = lookup
        self._order = order
        self._extra: dict[str, Any] = {}
        self._depth = 0

    def arguments(self, call: ast.Call, skip: int = 0) -> Arguments:
        """The evaluated arguments of ``call``, the first ``skip`` positional ones left out.

        Raises:
            NotSimpleError: an argument cannot be evaluated on its own.
        """
        args: list[Any] = []
        for node in call.args[skip:]:
            if isinstance(node, ast.Starred):
                args.extend(self.evaluate(node.value))
            else:
                args.append(self.evaluate(node))
        kwargs: dict[str, Any] = {}
        for keyword in call.keywords:
            if keyword.arg is None:
                kwargs.update(self.evaluate(keyword.value))
            elif keyword.arg != "device":  # everything is made where the caller wants it
                kwargs[keyword.arg] = self.evaluate(keyword.value)
        return tuple(args), kwargs

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
        if node.id in self._extra:
            return self._extra[node.id]
        bound = self._lookup(node.id, self._order) if self._lookup else None
        if bound is not None:
            order, value, index = bound
            outer, self._order = self._order, order
            try:
                result = self.evaluate(value)
            finally:
                self._order = outer
            return result if index is None else list(result)[index]
        if node.id in self._namespace:
            return self._namespace[node.id]
        if node.id in _BUILTINS:
            return _BUILTINS[node.id]
        raise NotSimpleError(f"line {node.lineno}: {node.id} has no value yet")

    def _attribute(self, node: ast.Attribute) -> Any:
        return getattr(self.evaluate(node.value), node.attr)

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
        return "".join(
            str(self.evaluate(part.value) if isinstance(part, ast.FormattedValue) else self.evaluate(part))
            for part in node.values
        )

    def _listcomp(self, node: ast.ListComp) -> list[Any]:
        return self._comprehend(node.elt, node.generators)

    def _generatorexp(self, node: ast.GeneratorExp) -> list[Any]:
        return self._comprehend(node.elt, node.generators)

    def _comprehend(self, element: ast.expr, generators: list[ast.comprehension]) -> list[Any]:
        if len(generators) != 1 or not isinstance(generators[0].target, ast.Name):
            raise NotSimpleError(f"line {element.lineno}: comprehension")
        loop = generators[0]
        name = loop.target.id  # type: ignore[attr-defined]
        outer = dict(self._extra)
        result = []
        try:
            for value in self.evaluate(loop.iter):
                self._extra[name] = value
                if all(self.evaluate(condition) for condition in loop.ifs):
                    result.append(self.evaluate(element))
        finally:
            self._extra = outer
        return result

    def _call(self, node: ast.Call) -> Any:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _FORBIDDEN:
            raise NotSimpleError(f"line {node.lineno}: calls {name}()")
        if isinstance(node.func, ast.Attribute) and name in _DEVICE_METHODS:
            return self.evaluate(node.func.value)
        if isinstance(node.func, ast.Attribute) and name == "to":
            return self._moved(node.func.value, node)
        function = self.evaluate(node.func)
        if name == "device" and getattr(function, "__module__", "") == "torch":
            return _default_device()
        args, kwargs = self.arguments(node)
        return function(*args, **kwargs)

    def _moved(self, base: ast.expr, node: ast.Call) -> Any:
        """``x.to(device, dtype)``: the dtype counts, the device does not."""
        import torch

        value = self.evaluate(base)
        for argument in [*node.args, *(keyword.value for keyword in node.keywords)]:
            try:
                wanted = self.evaluate(argument)
            except NotSimpleError:
                continue  # a device that comes from the command line
            if isinstance(wanted, torch.dtype):
                value = value.to(wanted)
        return value


def _default_device() -> Any:
    """The device that tensors are made on at the moment, whichever the file asks for."""
    import torch

    return torch.get_default_device()
