"""How a module class uses another: as a part of its own computation, or as a model that it only holds.

A trainer that holds a generator and a discriminator, and a wrapper whose forward hands its inputs to one
model, compute nothing themselves.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from skiplint.targets.models.mentions import FunctionNode, bound_in, dotted

_STARTS = ("__init__", "__new__", "__post_init__", "forward", "__call__", "setup", "configure_model")
"""The methods that torch and Lightning call."""
_ADDING = frozenset("append extend insert add update add_module register_module setdefault".split())
_ALL_PARTS = frozenset("children modules named_children named_modules _modules __dict__ parts".split())
_MOVING = frozenset("to cuda cpu eval train float half double requires_grad_ apply".split())
_OPERATORS = ast.BinOp | ast.For | ast.While | ast.comprehension | ast.UnaryOp


@dataclass
class _Places:
    """Where the values of one method go that are made with what is looked for."""

    attributes: set[str] = field(default_factory=set)
    direct: set[str] = field(default_factory=set)
    """Attributes that hold one instance."""
    elsewhere: bool = False


def methods_that_run(
    node: ast.ClassDef, methods: Mapping[str, FunctionNode], *, every: bool
) -> list[ast.stmt]:
    """The statements of a class body that have to do with how its instances are made and run.

    Args:
        node: the class.
        methods: the methods of the class by name, inherited ones too.
        every: whether something that is not known may call any method.
    """
    called = {id(method) for start in _STARTS for method in _closure(start, methods)}
    return [
        item
        for item in node.body
        if every or not isinstance(item, FunctionNode) or item.decorator_list or id(item) in called
    ]


def takes_part(body: list[ast.stmt], methods: Mapping[str, FunctionNode], used: frozenset[str]) -> bool:
    """Whether what ``used`` names has a part in the forward of a class that does more than pass it on.

    Args:
        body: the statements of the class that count, among them those that name it.
        methods: the methods of the class by name, inherited ones too; one of them is ``forward``.
        used: the dotted names in the body of the class that stand for it.
    """
    places = _Places()
    for item in body:
        if isinstance(item, FunctionNode):
            _follow(item, used, places)
        elif _contains(item, used, set()):
            places.elsewhere = True
    if places.elsewhere:
        return True
    forward = list(_closure("forward", methods))
    read, everything = _attributes_read(forward)
    if everything:
        return bool(places.attributes)
    held = places.attributes & read
    if not held:
        return False
    return not (held == places.direct & read and len(held) == 1 and _passes_on(forward, held, methods))


def _follow(method: FunctionNode, used: frozenset[str], places: _Places) -> None:
    """Note in ``places`` where values go that are made with ``used`` in ``method``."""
    defaults = [*method.args.defaults, *(each for each in method.args.kw_defaults if each is not None)]
    if any(_contains(default, used, set()) for default in defaults):
        places.elsewhere = True
    carriers: set[str] = set()
    size = -1
    while size != len(carriers):
        size = len(carriers)
        for node in ast.walk(method):
            _follow_statement(node, used, carriers, places)


def _follow_statement(node: ast.AST, used: frozenset[str], carriers: set[str], places: _Places) -> None:
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr):
        if node.value is not None and _contains(node.value, used, carriers):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                _put(target, node.value, used, carriers, places)
    elif isinstance(node, ast.Return):
        if node.value is not None and _contains(node.value, used, carriers):
            places.elsewhere = True
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        call = node.value
        if any(_contains(each, used, carriers) for each in [*call.args, *(k.value for k in call.keywords)]):
            _put_by_call(call, used, carriers, places)
    elif isinstance(node, ast.For) and _contains(node.iter, used, set()):
        carriers.update(each.id for each in ast.walk(node.target) if isinstance(each, ast.Name))


def _put(
    target: ast.expr, value: ast.expr, used: frozenset[str], carriers: set[str], places: _Places
) -> None:
    if isinstance(target, ast.Tuple | ast.List):
        values = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        for index, inner in enumerate(target.elts):
            given = values[index] if len(values) == len(target.elts) else value
            if _contains(given, used, carriers):
                _put(inner, given, used, carriers, places)
    elif isinstance(target, ast.Subscript):
        _put(target.value, target, used, carriers, places)
    elif isinstance(target, ast.Name):
        carriers.add(target.id)
    elif isinstance(target, ast.Attribute) and dotted(target.value) == "self":
        places.attributes.add(target.attr)
        carriers.add(f"self.{target.attr}")  # It may be handed on to another module.
        if _is_one_instance(value, used, carriers):
            places.direct.add(target.attr)
    else:
        places.elsewhere = True


def _put_by_call(call: ast.Call, used: frozenset[str], carriers: set[str], places: _Places) -> None:
    function = call.func
    if isinstance(function, ast.Attribute) and function.attr in _ADDING:
        holder = dotted(function.value)
        if holder.startswith("self."):
            places.attributes.add(holder.split(".")[1])
            return
        if holder and holder != "self":
            carriers.add(holder)
            return
    # A function that is handed an instance may start its weights or print it; one that is handed the class,
    # or a method of the class itself, may make a part of it.
    is_own = dotted(function).startswith("self.") or not dotted(function) or dotted(function) == "setattr"
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if is_own or any(_contains(each, used, set()) for each in given) or dotted(function).endswith("__init__"):
        places.elsewhere = True


def _is_one_instance(value: ast.expr, used: frozenset[str], carriers: set[str]) -> bool:
    """Whether ``value`` is ``Net(...)``, perhaps moved to a device, or a name that holds one."""
    while (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in _MOVING
    ):
        value = value.func.value
    if isinstance(value, ast.IfExp):
        return _is_one_instance(value.body, used, carriers) or _is_one_instance(value.orelse, used, carriers)
    return (isinstance(value, ast.Call) and dotted(value.func) in used) or dotted(value) in carriers


def _contains(node: ast.AST, used: frozenset[str], carriers: set[str]) -> bool:
    for inner in ast.walk(node):
        name = dotted(inner)
        if name and (name in used or name in carriers):
            return True
    return False


def _closure(start: str, methods: Mapping[str, FunctionNode]) -> Iterator[FunctionNode]:
    """The method ``start`` and the methods that it calls on self, directly or not."""
    seen: set[str] = set()
    pending = [start]
    while pending:
        name = pending.pop()
        method = methods.get(name)
        if method is None or name in seen:
            continue
        seen.add(name)
        yield method
        pending += [each.attr for each in ast.walk(method) if isinstance(each, ast.Attribute)]


def _attributes_read(methods: list[FunctionNode]) -> tuple[set[str], bool]:
    """The attributes of self that the methods read, and whether they may read every one."""
    read: set[str] = set()
    owners = inner_self = 0
    for method in methods:
        for node in ast.walk(method):
            if isinstance(node, ast.Attribute) and dotted(node.value) == "self":
                owners += 1
                read.add(node.attr)
            elif isinstance(node, ast.Call) and dotted(node.func) == "super":
                owners += sum(dotted(each) == "self" for each in node.args)
            if isinstance(node, ast.Name) and node.id == "self":
                inner_self += 1
    return read, inner_self > owners or bool(read & _ALL_PARTS)


def _passes_on(forward: list[FunctionNode], held: set[str], methods: Mapping[str, FunctionNode]) -> bool:
    """Whether the methods do no more than call what is held, and rearrange what goes in and comes out.

    Beside a ``training_step``, functions without weights may follow: the class is there to train one model.
    """
    trains = "training_step" in methods
    for method in forward:
        local = bound_in(method)
        for node in ast.walk(method):
            if isinstance(node, _OPERATORS) and not trains:
                return False
            if isinstance(node, ast.Call) and not _is_passing(node, held, methods, local, trains):
                return False
    return True


def _is_passing(
    call: ast.Call, held: set[str], methods: Mapping[str, FunctionNode], local: frozenset[str], trains: bool
) -> bool:
    name = dotted(call.func)
    head, _, rest = name.partition(".")
    if head == "self" and rest:
        attribute = rest.partition(".")[0]
        return attribute in held or attribute in methods
    if not name:  # a method of what a call gives, such as ``self.net(x).squeeze(1)``
        return isinstance(call.func, ast.Attribute)
    return trains or (head in local and bool(rest)) or name in ("isinstance", "len", "dict", "tuple", "list")
