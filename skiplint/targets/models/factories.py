"""Which functions of a project return a model, and of which classes, read from their return statements."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from skiplint.targets.models.classes import Classes, is_module_base
from skiplint.targets.models.mentions import FunctionNode, dotted, mentioned, needs_arguments, parameters
from skiplint.targets.models.names import Definition, Meaning

MODEL_LIBRARIES = (
    "torchvision.models",
    "torchaudio.models",
    "torch.hub.load",
    "timm.create_model",
    "timm.models",
    "segmentation_models_pytorch",
    "efficientnet_pytorch",
    "pretrainedmodels",
    "transformers.Auto",
    "monai.networks.nets",
    "open_clip.create_model",
)
"""Where functions and classes of other packages return models."""
_NO_INSTANCE = frozenset({"type", "Type", "Callable"})
_WRAPPERS = frozenset("DataParallel DistributedDataParallel compile script convert_sync_batchnorm".split())


@dataclass(frozen=True, slots=True)
class Makes:
    """What a function may return an instance of."""

    classes: frozenset[Definition] = frozenset()
    """Module classes of the project."""
    outer: frozenset[str] = frozenset()
    """Dotted names of what it calls from other packages."""
    through: frozenset[Definition] = frozenset()
    """The functions of the project that it returns a result of."""

    def __or__(self, other: Makes) -> Makes:
        return Makes(self.classes | other.classes, self.outer | other.outer, self.through | other.through)


class Factories:
    """What the functions of one project make."""

    def __init__(self, classes: Classes) -> None:
        """Resolve classes and functions by ``classes``."""
        self._classes = classes
        self._names = classes.names
        self._known: dict[Definition, Makes] = {}

    def makes(self, function: Definition) -> Makes:
        """What ``function`` may return; nothing where it returns something else, or that is not known."""
        if function not in self._known:
            self._known[function] = Makes()  # A function that returns itself makes what its other returns do.
            node = self._names.function_node(function)
            found = Makes()
            for value in _returned(node) if node is not None else ():
                found |= self._made(function, value)
            self._known[function] = found
        return self._known[function]

    def annotated(self, function: Definition) -> Meaning:
        """The module that the return annotation names; None where there is none, or it is no module."""
        node = self._names.function_node(function)
        if node is None or node.returns is None:
            return None
        returns: ast.expr = node.returns
        if isinstance(returns, ast.Constant) and isinstance(returns.value, str):
            try:
                returns = ast.parse(returns.value, mode="eval").body
            except SyntaxError:
                return None
        if isinstance(returns, ast.Subscript) and dotted(returns.value).rpartition(".")[2] in _NO_INSTANCE:
            return None
        for name in sorted(mentioned([returns])):
            found = self._names.meaning(function.path, name)
            if isinstance(found, Definition) and self._classes.is_module(found):
                return found
            if (
                isinstance(found, str)
                and found.startswith("torch.nn.")
                and found.rpartition(".")[2][:1].isupper()
            ):
                return found
        return None

    def gives_back(self, function: Definition) -> bool:
        """Whether the function is given a module, as one is that loads weights, or returns no call."""
        node = self._names.function_node(function)
        if node is None or not any(True for _ in _returned(node)):
            return True
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        annotations = [each.annotation for each in given if each.annotation is not None]
        return any(self._is_module(function, each) for each in annotations)

    def _is_module(self, function: Definition, annotation: ast.expr) -> bool:
        for name in mentioned([annotation]):
            found = self._names.meaning(function.path, name)
            if isinstance(found, Definition):
                if self._classes.is_module(found):
                    return True
            elif found is not None and is_module_base(found):
                return True
        return False

    def needs_arguments(self, function: Definition) -> bool:
        """Whether a call of the function needs an argument."""
        node = self._names.function_node(function)
        return node is None or needs_arguments(node)

    def _made(self, function: Definition, value: ast.Call) -> Makes:
        name = dotted(value.func)
        if not name:
            return self._picked(function, value.func)
        found = self._names.meaning(function.path, name)
        if isinstance(found, Definition):
            if self._names.class_node(found) is not None:  # Net(...) and Net.build(...) alike
                return Makes(frozenset({found})) if self._classes.is_module(found) else Makes()
            if self._names.function_node(found) is None:
                return Makes()
            inner = self.makes(found)
            handed = self._handed(function, value) if inner == Makes() else Makes()
            return inner | handed | Makes(through=frozenset({found}))
        if found is None or found.rpartition(".")[2] in _WRAPPERS:
            return Makes()
        return Makes(outer=frozenset({found})) | self._handed(function, value)

    def _picked(self, function: Definition, callee: ast.expr) -> Makes:
        """What ``NETS[name](...)`` may make: the classes and functions that the table names."""
        table = dotted(callee.value) if isinstance(callee, ast.Subscript) else ""
        found = self._names.meaning(function.path, table) if table else None
        node = self._names.node(found) if isinstance(found, Definition) else None
        if not isinstance(found, Definition) or not isinstance(node, ast.Dict):
            return Makes()
        made = Makes()
        for name in mentioned(node.values):
            entry = self._names.meaning(found.path, name)
            if isinstance(entry, str):
                made |= Makes(outer=frozenset({entry}))
            elif entry is not None and self._classes.is_module(entry):
                made |= Makes(frozenset({entry}))
            elif entry is not None and self._names.function_node(entry) is not None:
                made |= self.makes(entry)
        return made

    def _handed(self, function: Definition, call: ast.Call) -> Makes:
        """The module classes that a call is given to make instances of, as in ``build(ResNet, depth)``."""
        found = Makes()
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]:
            name = dotted(argument)
            value = self._names.meaning(function.path, name) if name else None
            if isinstance(value, Definition) and self._classes.is_module(value):
                found |= Makes(frozenset({value}))
        return found


def is_registered(node: ast.ClassDef | FunctionNode) -> bool:
    """Whether a decorator enters the definition into a registry of models, such as ``@register_model``."""
    for decorator in node.decorator_list:
        name = dotted(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if any("register" in part.lower() or "registry" in part.lower() for part in name.split(".")):
            return True
    return False


def _returned(node: FunctionNode) -> Iterator[ast.Call]:
    """The calls that the returned value may come from, also through names of the function."""
    values, pending = _assigned_and_returned(node)
    seen = set(parameters(node)) - set(values)
    while pending:
        value = pending.pop()
        if isinstance(value, ast.Call):
            yield value
            if isinstance(value.func, ast.Attribute):  # ``Net().eval()``
                pending.append(value.func.value)
            if dotted(value.func).rpartition(".")[2] in _WRAPPERS:
                pending.extend(value.args[:1])
        elif isinstance(value, ast.Name):
            pending.extend(values.get(value.id, []) if value.id not in seen else [])
            seen.add(value.id)
        elif isinstance(value, ast.IfExp):
            pending.extend([value.body, value.orelse])
        elif isinstance(value, ast.BoolOp):
            pending.extend(value.values)
        elif isinstance(value, ast.Tuple):
            pending.extend(value.elts[:1])


def _assigned_and_returned(node: FunctionNode) -> tuple[dict[str, list[ast.expr]], list[ast.expr]]:
    """What is assigned to the names of a function, and what it returns."""
    values: dict[str, list[ast.expr]] = {}
    returned: list[ast.expr] = []
    for inner in _own(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(inner.value)
        elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name) and inner.value:
            values.setdefault(inner.target.id, []).append(inner.value)
        elif isinstance(inner, ast.Return) and inner.value is not None:
            returned.append(inner.value)
    return values, returned


def _own(node: FunctionNode) -> Iterator[ast.AST]:
    """The nodes of a function without those of definitions in it."""
    pending: list[ast.AST] = list(node.body)
    while pending:
        inner = pending.pop(0)
        yield inner
        if not isinstance(inner, FunctionNode | ast.ClassDef | ast.Lambda):
            pending.extend(ast.iter_child_nodes(inner))
