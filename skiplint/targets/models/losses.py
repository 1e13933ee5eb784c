"""Whether a forward gives nothing but a loss: one number for a whole batch."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping
from enum import Enum
from functools import lru_cache

from skiplint.targets.models.mentions import FunctionNode, dotted, parameters

_REDUCTIONS = frozenset({"mean", "sum", "item"})


class _Kind(Enum):
    SCALAR = "a tensor of one number"
    NUMBER = "a constant or a setting, which may scale a loss"
    OTHER = "anything else"


def gives_only_a_loss(forward: FunctionNode, methods: Mapping[str, FunctionNode]) -> bool:
    """Whether ``forward`` compares inputs: it returns only sums or means over all elements, or losses.

    A model that is trained by itself, such as a masked autoencoder, takes one input and is no loss.

    Args:
        forward: the method.
        methods: the methods of its class by name; ``__init__`` tells which losses it holds.
    """
    returns = [node.value for node in _own(forward) if isinstance(node, ast.Return)]
    values = _values(forward)
    criteria = _criteria(methods)
    tensors = frozenset(parameters(forward))
    kinds = [_Reader(values, criteria, tensors).kind(value, ()) for value in returns if value is not None]
    compares = len(forward.args.args) - len(forward.args.defaults) > 2  # beside self
    return compares and bool(kinds) and all(kind is _Kind.SCALAR for kind in kinds)


class _Reader:
    """Tells what the expressions of one forward are."""

    def __init__(
        self, values: Mapping[str, list[ast.expr]], criteria: frozenset[str], tensors: frozenset[str]
    ) -> None:
        self._values = values
        self._criteria = criteria
        self._tensors = tensors

    def kind(self, node: ast.expr, seen: tuple[str, ...]) -> _Kind:
        """What ``node`` is; ``seen`` are the names that are being looked up."""
        if isinstance(node, ast.Constant):
            return _Kind.NUMBER
        if isinstance(node, ast.Name):
            return self._name(node.id, seen)
        if isinstance(node, ast.Subscript):  # ``self.weights[i]``
            return self.kind(node.value, seen) if isinstance(node.value, ast.Attribute) else _Kind.OTHER
        if isinstance(node, ast.Attribute):
            return _Kind.NUMBER if dotted(node).startswith("self.") else _Kind.OTHER
        if isinstance(node, ast.BinOp):
            return _joined(self.kind(node.left, seen), self.kind(node.right, seen))
        if isinstance(node, ast.UnaryOp):
            return self.kind(node.operand, seen)
        if isinstance(node, ast.IfExp):
            return _joined(self.kind(node.body, seen), self.kind(node.orelse, seen))
        if isinstance(node, ast.Tuple | ast.List):
            kinds = {self.kind(each, seen) for each in node.elts}
            return _Kind.SCALAR if kinds == {_Kind.SCALAR} else _Kind.OTHER
        if isinstance(node, ast.Dict):
            kinds = {self.kind(each, seen) for each in node.values}
            return _Kind.SCALAR if kinds == {_Kind.SCALAR} else _Kind.OTHER
        return self._call(node, seen) if isinstance(node, ast.Call) else _Kind.OTHER

    def _name(self, name: str, seen: tuple[str, ...]) -> _Kind:
        assigned = self._values.get(name, [])
        if name in seen:
            return _Kind.NUMBER  # ``loss = loss + ...`` is what the other assignments make it.
        if not assigned or (name in self._tensors and not assigned):
            return _Kind.OTHER
        kinds = [self.kind(value, (*seen, name)) for value in assigned]
        result = kinds[0]
        for kind in kinds[1:]:
            result = _joined(result, kind)
        return result

    def _call(self, node: ast.Call, seen: tuple[str, ...]) -> _Kind:
        name = dotted(node.func)
        if name in self._criteria:
            return _Kind.SCALAR
        last = name.rpartition(".")[2] or getattr(node.func, "attr", "")
        if _is_torch(name):
            if last in _losses() and not _reduces_nothing(node):
                return _Kind.SCALAR
            if last in _REDUCTIONS:
                return _Kind.SCALAR if len(node.args) == 1 and not node.keywords else _Kind.OTHER
            kinds = [self.kind(each, seen) for each in node.args]
            is_scalar = bool(kinds) and _Kind.OTHER not in kinds and _Kind.SCALAR in kinds
            return _Kind.SCALAR if is_scalar else _Kind.OTHER
        if (
            isinstance(node.func, ast.Attribute)
            and last in _REDUCTIONS
            and not node.args
            and not node.keywords
        ):
            return _Kind.SCALAR
        return _Kind.OTHER


def _joined(one: _Kind, other: _Kind) -> _Kind:
    if _Kind.OTHER in (one, other):
        return _Kind.OTHER
    return _Kind.SCALAR if _Kind.SCALAR in (one, other) else _Kind.NUMBER


def _is_torch(name: str) -> bool:
    return name.partition(".")[0] in ("torch", "F", "nn")


@lru_cache(maxsize=1)
def _losses() -> frozenset[str]:
    """The functions of torch.nn.functional that reduce a loss to its mean unless told otherwise."""
    from torch.nn import functional

    found = set()
    for name in dir(functional):
        function = getattr(functional, name)
        if inspect.isfunction(function) and not name.startswith("_"):
            reduction = inspect.signature(function).parameters.get("reduction")
            if reduction is not None and reduction.default == "mean":
                found.add(name)
    return frozenset(found)


def _reduces_nothing(node: ast.Call) -> bool:
    """Whether a loss is asked for each element, or in a way that is not written here."""
    return any(
        keyword.arg == "reduction"
        and not (isinstance(keyword.value, ast.Constant) and keyword.value.value in ("mean", "sum"))
        for keyword in node.keywords
    )


def _criteria(methods: Mapping[str, FunctionNode]) -> frozenset[str]:
    """The attributes, as ``self.criterion``, that hold a loss of torch which gives one number."""
    from torch import nn

    found: set[str] = set()
    init = methods.get("__init__")
    for node in ast.walk(init) if init is not None else ():
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            made = getattr(nn, dotted(node.value.func).rpartition(".")[2], None)
            is_loss = inspect.isclass(made) and issubclass(made, nn.modules.loss._Loss)
            if is_loss and not _reduces_nothing(node.value):
                found.update(dotted(target) for target in node.targets)
    return frozenset(found)


def _values(forward: FunctionNode) -> dict[str, list[ast.expr]]:
    """By local name, what is assigned to it; where a part of a value is, a name that stands for anything."""
    found: dict[str, list[ast.expr]] = {}
    unknown = ast.Name("", ast.Load())
    for node in _own(forward):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                is_name = isinstance(target, ast.Name)
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        found.setdefault(inner.id, []).append(node.value if is_name else unknown)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign) and isinstance(node.target, ast.Name):
            if node.value is not None:
                found.setdefault(node.target.id, []).append(node.value)
        elif isinstance(node, ast.For | ast.comprehension | ast.withitem):
            bound = node.optional_vars if isinstance(node, ast.withitem) else node.target
            for inner in ast.walk(bound) if bound is not None else ():
                if isinstance(inner, ast.Name):
                    found.setdefault(inner.id, []).append(unknown)
    return found


def _own(forward: FunctionNode) -> list[ast.AST]:
    """The nodes of a function without those of functions in it."""
    found: list[ast.AST] = []
    pending: list[ast.AST] = list(forward.body)
    while pending:
        node = pending.pop()
        found.append(node)
        if not isinstance(node, FunctionNode | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))
    return found
