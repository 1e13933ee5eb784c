"""What the source of forward says about its inputs: keys, attributes, unpacked shapes, patterns of einops.

Nothing is run. Methods and modules of the model to which an input is handed on are read as well.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from skiplint.targets.inputs.forms import Form
from skiplint.targets.inputs.signatures import unwrapped
from skiplint.targets.inputs.written_shapes import shape_in_pattern, shapes_in_comments, shapes_in_docstring

if TYPE_CHECKING:
    from torch import nn

Path = tuple[str, ...]
"""A parameter, then steps into it: ``['key']``, ``.name``, ``[0]`` of an unpacking, ``[*]`` of a loop."""

_DEEPEST = 3
_SAME = frozenset(
    "to cuda cpu float half double long int contiguous clone detach type requires_grad_".split()
)
_PATTERNED = frozenset({"rearrange", "reduce", "repeat", "Rearrange", "einops_rearrange"})
_LOOPS = frozenset({"enumerate", "zip", "list", "reversed"})


@dataclass
class _Fact:
    rank: int | None = None
    written: list[str] = field(default_factory=list)


def read_forms(model: nn.Module) -> dict[str, Form]:
    """Return what the source of the model's forward says of the form of each parameter.

    Parameters of which it says nothing are left out; so are all where there is no source.
    """
    inner = unwrapped(model)
    reader = _Reader(inner, _source(getattr(inner, "forward", None)))
    if reader.function is None:
        return {}
    names = [argument.arg for argument in _arguments(reader.function)]
    facts: dict[Path, _Fact] = {}
    reader.read({name: (name,) for name in names}, facts, 0)
    documented = [inspect.getdoc(inner.forward) or "", inspect.getdoc(type(inner)) or ""]
    for number, name in enumerate(names):
        shapes = [*shapes_in_comments(reader.text, name, reader.rebound.get(name))]
        for text in documented:
            shapes += shapes_in_docstring(text, name, first=number == 0)
        if shapes:
            facts.setdefault((name,), _Fact()).written.extend(shapes)
    forms = {name: _form((name,), facts) for name in names}
    return {name: form for name, form in forms.items() if form != Form()}


def _form(path: Path, facts: dict[Path, _Fact]) -> Form:
    steps = list(dict.fromkeys(each[len(path)] for each in facts if each[: len(path)] == path != each))
    parts = {step: _form((*path, step), facts) for step in steps}
    entries = [step for step in steps if step.startswith(("['", "."))]
    if entries:
        kind: Any = "fields" if any(step.startswith(".") for step in entries) else "dict"
        return Form(kind, tuple((step.strip(".[']"), parts[step]) for step in entries))
    if "[*]" in steps:
        return Form("list", (("*", parts["[*]"]),))
    if steps:
        return Form("tuple", tuple((step.strip("[]"), parts[step]) for step in steps))
    fact = facts.get(path, _Fact())
    return Form(rank=fact.rank, written=tuple(dict.fromkeys(fact.written)))


def _source(function: Any) -> str:
    try:
        return textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    except (OSError, TypeError, ValueError):
        return ""


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return [argument for argument in arguments if argument.arg != "self"]


class _Reader(ast.NodeVisitor):
    """Reads one method, with the paths that its names stand for."""

    def __init__(self, owner: Any, text: str) -> None:
        self.text = text
        self.rebound: dict[str, int] = {}
        """The line of the first statement that gives a parameter another value."""
        self._owner = owner
        self._names: dict[str, Path] = {}
        self._facts: dict[Path, _Fact] = {}
        self._depth = 0

    @cached_property
    def function(self) -> ast.FunctionDef | None:
        try:
            body = ast.parse(self.text).body
        except (SyntaxError, ValueError, RecursionError):
            return None
        return body[0] if body and isinstance(body[0], ast.FunctionDef) else None

    def read(self, names: dict[str, Path], facts: dict[Path, _Fact], depth: int) -> None:
        """Add to ``facts`` what the method says of the inputs that ``names`` stand for."""
        self._names, self._facts, self._depth = dict(names), facts, depth
        for statement in self.function.body if self.function is not None else ():
            self.visit(statement)

    # -- statements -------------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        """Follow what a name stands for, and what is unpacked."""
        self.visit(node.value)
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """A name that is changed is no input any more."""
        self.visit(node.value)
        if isinstance(node.target, ast.Name):
            self._forget(node.target)

    def visit_For(self, node: ast.For) -> None:
        """Follow what a loop takes from an input."""
        self._loop(node.target, node.iter)
        for statement in [*node.body, *node.orelse]:
            self.visit(statement)

    def visit_comprehension(self, node: ast.comprehension) -> None:
        """Follow what a comprehension takes from an input."""
        self._loop(node.target, node.iter)
        for condition in node.ifs:
            self.visit(condition)

    def visit_ListComp(self, node: ast.ListComp) -> None:
        """Read the loop before the element."""
        for generator in node.generators:
            self.visit(generator)
        self.visit(node.elt)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        """The same."""
        for generator in node.generators:
            self.visit(generator)
        self.visit(node.elt)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        """A function inside has names of its own."""

    def _loop(self, target: ast.expr, iterated: ast.expr) -> None:
        self.visit(iterated)
        if isinstance(iterated, ast.Call) and getattr(iterated.func, "id", "") in _LOOPS and iterated.args:
            inner = iterated.args
            if isinstance(target, ast.Tuple):
                targets = target.elts[1:] if iterated.func.id == "enumerate" else target.elts  # type: ignore[attr-defined]
                for each, value in zip(targets, inner, strict=False):
                    self._loop(each, value)
            return
        path = self._path(iterated)
        if path is not None and isinstance(target, ast.Name):
            self._names[target.id] = (*path, "[*]")
            self._note(self._names[target.id])

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        path = self._path(value)
        if isinstance(target, ast.Name):
            if path is None:
                self._forget(target)
            else:
                self._names[target.id] = path
        elif isinstance(target, ast.Tuple | ast.List):
            plain = not any(isinstance(item, ast.Starred) for item in target.elts)
            shape = self._shape_of(value)
            if shape is not None and plain:
                self._unpacked_shape(shape, target.elts)
            for number, item in enumerate(target.elts):
                if isinstance(item, ast.Name) and path is not None and plain:
                    self._names[item.id] = (*path, f"[{number}]")
                    self._note(self._names[item.id])
                elif isinstance(item, ast.Name):
                    self._forget(item)

    def _unpacked_shape(self, path: Path, names: list[ast.expr]) -> None:
        fact = self._note(path)
        fact.rank = fact.rank or len(names)
        texts = [getattr(name, "id", "_") for name in names]
        fact.written.append(" ".join(text if text != "_" else "any" for text in texts))

    def _forget(self, name: ast.Name) -> None:
        if self._names.pop(name.id, None) is not None:
            self.rebound.setdefault(name.id, name.lineno)

    # -- expressions ------------------------------------------------------------------------------

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """Note a key."""
        path = self._path(node)
        if path is not None:
            self._note(path)
        self.generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note an attribute."""
        path = self._path(node)
        if path is not None:
            self._note(path)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """Note keys and patterns, and read the method to which an input is handed on."""
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        path = self._path(node)
        if path is not None:
            self._note(path)
        pattern = node.args[1] if len(node.args) > 1 else None
        whole = self._path(node.args[0]) if node.args else None
        if name in _PATTERNED and whole is not None and isinstance(pattern, ast.Constant):
            shape = shape_in_pattern(str(pattern.value))
            if shape:
                fact = self._note(whole)
                fact.written.append(shape)
                fact.rank = fact.rank or len(shape.split())
        called = isinstance(node.func, ast.Attribute) and self._path(node.func.value) is not None
        for child in [*([] if called else [node.func]), *node.args, *node.keywords]:
            self.visit(child)
        if called:
            self.visit(node.func.value)  # type: ignore[attr-defined]
        self._follow(node)

    def _follow(self, node: ast.Call) -> None:
        """Read the method or module of the model that is called with an input."""
        given = [self._path(argument) for argument in node.args]
        named = {each.arg: self._path(each.value) for each in node.keywords if each.arg}
        on_self = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "self"
        if self._depth >= _DEEPEST or not on_self or not any([*given, *named.values()]):
            return
        callee = getattr(self._owner, node.func.attr, None)  # type: ignore[attr-defined]
        owner = self._owner if inspect.ismethod(callee) else callee
        if type(owner).__module__.partition(".")[0] == "torch":
            return  # Its layers take more than one form: a recurrent one also packed sequences.
        inner = _Reader(
            owner, _source(callee if inspect.ismethod(callee) else getattr(callee, "forward", None))
        )
        if inner.function is None:
            return
        names = [argument.arg for argument in _arguments(inner.function)]
        paths = {**dict(zip(names, given, strict=False)), **named}
        inner.read({name: path for name, path in paths.items() if path}, self._facts, self._depth + 1)

    def _note(self, path: Path) -> _Fact:
        return self._facts.setdefault(path, _Fact())

    def _path(self, node: ast.expr) -> Path | None:
        """Where in an input the value of an expression is found; None if it is no part of one."""
        if isinstance(node, ast.Name):
            return self._names.get(node.id)
        if isinstance(node, ast.Subscript):
            path, key = self._path(node.value), _key(node.slice)
            return None if path is None or key is None else (*path, f"['{key}']")
        if isinstance(node, ast.Attribute):
            path = self._path(node.value)
            return None if path is None or _is_of_tensors(node.attr) else (*path, f".{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            path = self._path(node.func.value)
            if path is None:
                return None
            key = _key(node.args[0]) if node.args and node.func.attr in ("get", "pop") else None
            if key is not None:
                return (*path, f"['{key}']")
            return path if node.func.attr in _SAME else None
        return None

    def _shape_of(self, node: ast.expr) -> Path | None:
        """The input whose whole shape an expression gives."""
        if isinstance(node, ast.Attribute) and node.attr == "shape":
            return self._path(node.value)
        sized = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args
        if sized and node.func.attr == "size":  # type: ignore[attr-defined]
            return self._path(node.func.value)  # type: ignore[attr-defined]
        return None


def _key(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_of_tensors(name: str) -> bool:
    from torch import Tensor

    return hasattr(Tensor, name) or name.startswith("_")
