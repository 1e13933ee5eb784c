"""What a function, and the class around it, do with one of their values."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from skiplint.targets.arguments.definitions import Definition, Definitions, is_super_call

_OF_TEXT = frozenset("lower upper strip split startswith endswith replace format title capitalize".split())
_OF_MAPPINGS = frozenset("get keys items values pop setdefault update copy".split())
_ROUNDS = 4


@dataclass(frozen=True)
class CallOf:
    """A call of the value: with how many arguments, and whether the constructor does it."""

    positional: int
    keywords: tuple[str, ...]
    constructing: bool


@dataclass
class Uses:
    """How a value is used."""

    arguments: list[tuple[Any, str]] = field(default_factory=list)
    """What it is passed to: the function or class, and the name of its parameter."""
    calls: list[CallOf] = field(default_factory=list)
    choices: list[Any] = field(default_factory=list)
    """Constants that it is compared with, and keys of tables in which it is looked up."""
    entries: int = 0
    """So many entries it has at least, where it is indexed or unpacked."""
    unpacked: bool = False
    """Whether ``entries`` is the number exactly."""
    indexed: bool = False
    iterated: list[tuple[Definition, ast.expr]] = field(default_factory=list)
    """The targets of loops over it."""
    measured: bool = False
    attributes: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    spread: list[Any] = field(default_factory=list)
    """What it is passed to as ``**value``; None where that is not known."""
    starred: bool = False
    calculated: bool = False
    counted: bool = False
    """It is the argument of ``range``."""
    text: bool = False
    types: list[Any] = field(default_factory=list)
    """What ``isinstance`` asks of it."""
    tested: bool = False
    path: bool = False

    @property
    def sequence(self) -> bool:
        """Whether it can only be a list or a tuple."""
        return bool(self.entries or self.indexed or self.iterated or self.measured or self.starred)

    @property
    def called(self) -> bool:
        """Whether it is a function, a class or a module."""
        return bool(self.calls)


def uses_of(definition: Definition, expression: str, definitions: Definitions) -> Uses:
    """How the code of ``definition`` uses the value of ``expression``.

    Args:
        definition: a function; where it keeps the value as an attribute of its object, the methods of its
            class are searched, too.
        expression: a name or a dotted name, as ``ast.unparse`` writes it.
        definitions: where callees are looked up.
    """
    return _Collector(definition, expression, definitions).collect()


class _Collector:
    def __init__(self, definition: Definition, expression: str, definitions: Definitions) -> None:
        self._definition = definition
        self._definitions = definitions
        self._tracked = {expression}
        self._uses = Uses()

    def collect(self) -> Uses:
        for _ in range(_ROUNDS):
            before = len(self._tracked)
            for node, _ in self._found():
                self._follow(node)
            if len(self._tracked) == before:
                break
        for node, constructing in self._found():
            self._note(node, constructing)
        return self._uses

    def _found(self) -> Iterator[tuple[ast.expr, bool]]:
        """Where a tracked expression is read, and whether that is in the function itself."""
        function = self._definition.node
        around: ast.AST = self._definition.class_node or function
        receiver = self._definition.receiver
        for method in [function, *(each for each in ast.iter_child_nodes(around) if each is not function)]:
            if not isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            own = method is function
            for node in ast.walk(method):
                if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and isinstance(
                    node.ctx, ast.Load
                ):
                    text = self._definition.source.text(node)
                    if text in self._tracked and (own or text.startswith(f"{receiver}.")):
                        yield node, own or method.name == "__init__"

    def _outer(self, node: ast.expr) -> tuple[ast.expr, ast.AST | None]:
        """The expression whose value is that of ``node`` as well, and what stands around it."""
        parents = self._definition.source.parents
        around = parents.get(node)
        while isinstance(around, ast.BoolOp | ast.IfExp | ast.NamedExpr) and not (
            isinstance(around, ast.IfExp) and around.test is node
        ):
            node, around = around, parents.get(around)
        return node, around

    def _follow(self, node: ast.expr) -> None:
        """Track what the value is assigned to."""
        value, around = self._outer(node)
        if isinstance(around, ast.Assign) and around.value is value:
            for target in around.targets:
                self._track(target)
        elif isinstance(around, ast.AnnAssign) and around.value is value:
            self._track(around.target)
        elif isinstance(around, ast.Tuple | ast.List):
            statement = self._definition.source.parents.get(around)
            if isinstance(statement, ast.Assign) and statement.value is around:
                for target in statement.targets:
                    if isinstance(target, ast.Tuple) and len(target.elts) == len(around.elts):
                        self._track(target.elts[around.elts.index(value)])

    def _track(self, target: ast.expr) -> None:
        if isinstance(target, ast.Name) or (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id == self._definition.receiver
        ):
            self._tracked.add(ast.unparse(target))

    # -- one use ----------------------------------------------------------------------------------

    def _note(self, node: ast.expr, constructing: bool) -> None:
        value, around = self._outer(node)
        uses = self._uses
        if isinstance(around, ast.Call | ast.keyword):
            self._in_call(around, value, constructing)
        elif isinstance(around, ast.Attribute):
            self._attribute(around)
        elif isinstance(around, ast.Subscript):
            if around.value is value:
                self._subscripted(around)
            else:
                uses.choices.extend(self._keys_of(around.value))
        elif isinstance(around, ast.Compare):
            self._compared(around, value)
        elif isinstance(around, ast.BinOp):
            self._combined(around, value)
        elif isinstance(around, ast.Starred):
            uses.starred = True
        elif isinstance(around, ast.Assign | ast.For | ast.comprehension):
            self._taken_apart(around, value)
        elif isinstance(around, ast.If | ast.IfExp | ast.Assert | ast.UnaryOp):
            negative = isinstance(around, ast.UnaryOp) and isinstance(around.op, ast.USub)
            uses.calculated |= negative
            uses.tested |= not negative

    def _taken_apart(self, around: ast.Assign | ast.For | ast.comprehension, value: ast.expr) -> None:
        """The value is unpacked, or looped over."""
        if isinstance(around, ast.Assign):
            for target in around.targets:
                if isinstance(target, ast.Tuple | ast.List):
                    self._unpacked(target)
        elif around.iter is value:
            self._uses.iterated.append((self._definition, around.target))

    def _in_call(self, around: ast.Call | ast.keyword, value: ast.expr, constructing: bool) -> None:
        """The value is called, or passed to what is called."""
        if isinstance(around, ast.Call):
            if around.func is value:
                names = tuple(each.arg for each in around.keywords if each.arg)
                self._uses.calls.append(CallOf(len(around.args), names, constructing))
            else:
                self._passed(around, value, name=None)
            return
        call = self._definition.source.parents[around]
        if isinstance(call, ast.Call) and around.arg is None:
            self._uses.spread.append(self._callee(call))
        elif isinstance(call, ast.Call):
            self._passed(call, value, name=around.arg)

    def _combined(self, around: ast.BinOp, value: ast.expr) -> None:
        """The value is an operand."""
        other = around.right if around.left is value else around.left
        if isinstance(around.left, ast.Constant) and isinstance(around.left.value, str):
            self._uses.text = True
        elif isinstance(around.op, ast.Add) and isinstance(other, ast.List | ast.ListComp):
            self._uses.indexed = True
        else:
            self._uses.calculated = True

    def _attribute(self, node: ast.Attribute) -> None:
        around = self._definition.source.parents.get(node)
        is_call = isinstance(around, ast.Call) and around.func is node
        if is_call and node.attr in _OF_TEXT:
            self._uses.text = True
        elif is_call and node.attr in _OF_MAPPINGS:
            first = around.args[0] if isinstance(around, ast.Call) and around.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                self._uses.keys.append(first.value)
            else:
                self._uses.keys.append("")
        elif is_call and node.attr in ("append", "index", "insert", "count"):
            self._uses.indexed = True
        else:
            self._uses.attributes.append(node.attr)

    def _subscripted(self, node: ast.Subscript) -> None:
        uses = self._uses
        index = node.slice
        if isinstance(index, ast.UnaryOp) and isinstance(index.op, ast.USub):
            index = index.operand
        if isinstance(index, ast.Constant) and isinstance(index.value, str):
            uses.keys.append(index.value)
        elif isinstance(index, ast.Constant) and isinstance(index.value, int):
            uses.indexed = True
            uses.entries = max(uses.entries, index.value + (node.slice is index))
        else:
            uses.indexed = True

    def _unpacked(self, target: ast.Tuple | ast.List) -> None:
        self._uses.indexed = True
        plain = not any(isinstance(each, ast.Starred) for each in target.elts)
        self._uses.entries = max(self._uses.entries, len(target.elts) - (not plain))
        self._uses.unpacked |= plain

    def _compared(self, node: ast.Compare, value: ast.expr) -> None:
        others = [each for each in (node.left, *node.comparators) if each is not value]
        for operator, other in zip(node.ops, others, strict=False):
            if isinstance(operator, ast.Is | ast.IsNot):
                continue
            if isinstance(operator, ast.In | ast.NotIn):
                if other is node.comparators[-1]:
                    found = self._keys_of(other)
                    self._uses.choices.extend(found)
                elif isinstance(other, ast.Constant) and isinstance(other.value, str):
                    self._uses.text = True
                continue
            if isinstance(other, ast.Constant) and isinstance(operator, ast.Eq | ast.NotEq):
                self._uses.choices.append(other.value)

    def _keys_of(self, node: ast.expr) -> list[Any]:
        """The constant entries of a list or the keys of a table, written here or loaded."""
        if isinstance(node, ast.Dict):
            return [each.value for each in node.keys if isinstance(each, ast.Constant)]
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [each.value for each in node.elts if isinstance(each, ast.Constant)]
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "keys":
            return self._keys_of(node.func.value)
        local = self._local(node)
        if local is not None:
            return self._keys_of(local)
        value = self._definition.resolve(node)
        if isinstance(value, dict | list | tuple | set | frozenset):
            return [each for each in value if isinstance(each, str | int)]
        return []

    def _local(self, node: ast.expr) -> ast.expr | None:
        if not isinstance(node, ast.Name):
            return None
        for inner in ast.walk(self._definition.node):
            if isinstance(inner, ast.Assign) and any(
                isinstance(each, ast.Name) and each.id == node.id for each in inner.targets
            ):
                return inner.value
        return None

    def _passed(self, call: ast.Call, value: ast.expr, name: str | None) -> None:
        uses = self._uses
        function = call.func
        known = function.id if isinstance(function, ast.Name) else ""
        if known in (
            "len",
            "max",
            "min",
            "sum",
            "sorted",
            "enumerate",
            "zip",
            "list",
            "tuple",
            "reversed",
            "iter",
            "map",
        ):
            single = known in ("max", "min", "map") and len(call.args) > 1
            if known == "map":
                single = call.args[0] is value
            if not single:
                uses.measured = True
                self._looped(call, value)
            else:
                uses.calculated = True
            return
        if known == "range":
            uses.counted = uses.calculated = True
        elif known in ("int", "float", "round", "abs"):
            uses.calculated = True
        elif known == "str":
            return
        elif known in ("isinstance", "getattr", "hasattr") and len(call.args) > 1:
            self._asked(known, call, value)
        elif known == "open" or (isinstance(function, ast.Attribute) and function.attr == "from_pretrained"):
            uses.path = True
        else:
            callee = self._callee(call)
            parameter = name or _parameter(callee, call, value)
            if callee is not None and parameter is not None:
                uses.arguments.append((callee, parameter))

    def _looped(self, call: ast.Call, value: ast.expr) -> None:
        """``for i, x in enumerate(value)``, ``for x, y in zip(value, others)``: x loops over the value."""
        around = self._definition.source.parents.get(call)
        if not isinstance(around, ast.For | ast.comprehension) or not isinstance(around.target, ast.Tuple):
            return
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        at = 1 if name == "enumerate" else call.args.index(value) if name == "zip" else None
        if at is not None and at < len(around.target.elts):
            self._uses.iterated.append((self._definition, around.target.elts[at]))

    def _asked(self, known: str, call: ast.Call, value: ast.expr) -> None:
        if call.args[0] is not value:
            if known in ("getattr", "hasattr"):
                self._uses.text = True
                holder = self._definition.resolve(call.args[0])
                self._uses.arguments.append((getattr, getattr(holder, "__name__", "")))
            return
        if known == "isinstance":
            asked = call.args[1]
            for each in asked.elts if isinstance(asked, ast.Tuple) else [asked]:
                self._uses.types.append(self._definition.resolve(each))
        elif isinstance(call.args[1], ast.Constant):
            self._uses.attributes.append(str(call.args[1].value))

    def _callee(self, call: ast.Call) -> Any:
        definition = self._definition
        if is_super_call(call) and definition.owner is not None:
            following = definition.owner.__mro__[1:]
            found = next((each for each in following if "__init__" in vars(each)), None)
            return None if found is None else vars(found)["__init__"]
        function = call.func
        if (
            isinstance(function, ast.Attribute)
            and isinstance(function.value, ast.Name)
            and function.value.id == definition.receiver
            and definition.owner is not None
        ):
            return getattr(definition.owner, function.attr, None)
        return definition.resolve(function)


def _parameter(callee: Any, call: ast.Call, value: ast.expr) -> str | None:
    """The name of the parameter to which the positional argument ``value`` of ``call`` goes."""
    if callee is None or value not in call.args:
        return None
    before = call.args[: call.args.index(value)]
    if any(isinstance(each, ast.Starred) for each in before):
        return None
    try:
        names = list(inspect.signature(callee).parameters)
    except (TypeError, ValueError):
        return None
    if names[:1] == ["self"]:
        names = names[1:]
    return names[len(before)] if len(before) < len(names) else None
