"""Whether a class may hold a weighted layer, read from its syntax; norms and poolings hold none."""

from __future__ import annotations

import ast
import builtins
import sys
from dataclasses import dataclass

from skiplint.operators import OPS, Family
from skiplint.sources.imports import closure
from skiplint.targets.models.classes import LIGHTNING, Classes
from skiplint.targets.models.mentions import dotted, parameters
from skiplint.targets.models.names import Definition
from skiplint.targets.models.syntax import NO_MODELS, FileSyntax

_MIXING = frozenset(
    spelling
    for op in OPS
    if op.families
    & {Family.LINEAR, Family.BILINEAR, Family.CONTRACTION, Family.CONVOLUTION, Family.EMBEDDING}
    for spelling in op.spellings
)
_CONTAINERS = frozenset({"torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"})
_TABLES = frozenset({"dict", "list", "OrderedDict", "defaultdict"})
_PARAMETERS = (".Parameter", ".ParameterList", ".ParameterDict")
_WEIGHTLESS_PACKAGES = frozenset({"einops", "functorch", "jaxtyping", "torchmetrics", *LIGHTNING})


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one definition tells."""

    weighs: bool
    """It surely may make a weighted layer."""
    holds: bool = False
    """It makes a parameter."""
    mixes: bool = False
    """It has a matrix product, a convolution or a look-up in a table."""
    leads_to: frozenset[Definition] = frozenset()
    """The definitions that it uses, and its bases."""


class Weights:
    """Which classes and functions of a project may make weighted layers."""

    def __init__(self, classes: Classes) -> None:
        """Look at ``classes``."""
        self._classes = classes
        self._names = classes.names
        self._known: dict[Definition, _Reading] = {}

    def possible(self, definition: Definition) -> bool:
        """Whether a weighted layer may be in what ``definition`` makes; False only where there is none."""
        used = closure([definition], lambda one: self._read(one).leads_to)
        readings = [self._read(each) for each in used]
        if any(each.weighs for each in readings):
            return True
        # A base may hold the parameter that a subclass convolves with.
        return any(each.holds for each in readings) and any(each.mixes for each in readings)

    def _read(self, definition: Definition) -> _Reading:
        if definition not in self._known:
            self._known[definition] = self._reading(definition)
        return self._known[definition]

    def _reading(self, definition: Definition) -> _Reading:
        syntax = self._names.syntaxes.of(definition.path)
        node = self._names.node(definition)
        if syntax is None or node is None or _is_filled_later(node):
            return _Reading(True)
        bases = frozenset(self._classes.line(definition)) - {definition}
        if isinstance(node, ast.ClassDef):
            outer = self._classes.outer_bases(definition)
            if any(map(may_weigh, outer)) or self._takes_modules(definition):
                return _Reading(True)
        has_parameter = False
        leads_to = set(bases)
        for name in syntax.mentions.get(definition.name, ()):
            found = self._names.meaning(definition.path, name)
            if isinstance(found, Definition):
                leads_to.add(found)
            elif found is not None:
                has_parameter = has_parameter or found.endswith(_PARAMETERS)
                if may_weigh(found):
                    return _Reading(True)
            else:
                has_parameter = has_parameter or name.endswith(".register_parameter")
                if _is_unknown(name.partition(".")[0], node, syntax):
                    return _Reading(True)
        return _Reading(False, has_parameter, _mixes(node), frozenset(leads_to))

    def _takes_modules(self, definition: Definition) -> bool:
        """Whether the class may be given a module, or what makes one: it calls what it was given."""
        methods = self._classes.methods(definition)
        init = methods.get("__init__")
        is_container = not _CONTAINERS.isdisjoint(self._classes.outer_bases(definition))
        if init is None:
            return is_container
        given = frozenset(parameters(init)[1:])
        nodes = [node for method in methods.values() for node in ast.walk(method)]
        called = {dotted(node.func) for node in nodes if isinstance(node, ast.Call)}
        called |= {dotted(node.iter) for node in nodes if isinstance(node, ast.For | ast.comprehension)}
        held = {
            dotted(target)
            for node in ast.walk(init)
            if isinstance(node, ast.Assign) and _hands_on(node.value, given)
            for target in node.targets
        }
        if is_container and init.args.vararg is not None:
            return True
        later = (method for name, method in methods.items() if name != "__init__")
        return bool(called & (held | given)) or any(map(_adds_modules, later))


def _is_filled_later(node: ast.AST) -> bool:
    """Whether ``node`` is an empty table, into which decorators may put classes."""
    if isinstance(node, ast.Dict | ast.List):
        return not (node.keys if isinstance(node, ast.Dict) else node.elts)
    return isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in _TABLES and not node.args


def _adds_modules(method: ast.AST) -> bool:
    """Whether a method adds to what the object holds, as ``self.layers.append(module)`` does."""
    calls = (dotted(node.func) for node in ast.walk(method) if isinstance(node, ast.Call))
    return any(
        name.startswith("self.") and name.endswith((".append", ".add_module", ".extend")) for name in calls
    )


def _hands_on(value: ast.expr, given: frozenset[str]) -> bool:
    """Whether ``value`` may hold a module that was given, or is made by something that was given."""
    if isinstance(value, ast.Call):
        name = dotted(value.func)
        if name.partition(".")[0] in given:
            return True
        holds = name.rpartition(".")[2] in ("Sequential", "ModuleList", "ModuleDict", "list", "deepcopy")
        return holds and any(_hands_on(each, given) for each in value.args)
    if isinstance(value, ast.Name):
        return value.id in given
    if isinstance(value, ast.IfExp):
        return _hands_on(value.body, given) or _hands_on(value.orelse, given)
    if isinstance(value, ast.BoolOp | ast.List | ast.Tuple):
        inner = value.values if isinstance(value, ast.BoolOp) else value.elts
        return any(_hands_on(each, given) for each in inner)
    if isinstance(value, ast.Starred):
        return _hands_on(value.value, given)
    if isinstance(value, ast.ListComp | ast.GeneratorExp):
        return any(isinstance(each, ast.Name) and each.id in given for each in ast.walk(value))
    return False


def may_weigh(name: str) -> bool:
    """Whether something from outside of the project may make a weighted layer."""
    if name in ("", "torch.nn") or name.startswith("torch.hub"):
        return True  # torch.nn itself: getattr(nn, kind)
    top, _, last = name.partition(".")[0], *name.rpartition(".")[1:]
    if top == "torch":
        return _layer_weighs(last) if name.startswith("torch.nn.") else False
    return not (top in sys.stdlib_module_names or top in NO_MODELS or top in _WEIGHTLESS_PACKAGES)


def _layer_weighs(name: str) -> bool:
    return name.removeprefix("Lazy").startswith(
        ("Linear", "Bilinear", "MultiheadAttention", "Conv", "Embedding", "RNN", "LSTM", "GRU", "Transformer")
    )


def _is_unknown(name: str, node: ast.AST, syntax: FileSyntax) -> bool:
    """Whether nothing in the file says what ``name`` is, which is read in ``node``."""
    if hasattr(builtins, name) or name in ("self", "cls", "__class__", "__name__", "__file__"):
        return False
    if name in syntax.bound_imports:  # a module
        return False
    for each in ast.walk(node):
        is_stored = isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store) and each.id == name
        is_argument = isinstance(each, ast.arg) and each.arg == name
        is_defined = (
            isinstance(each, ast.FunctionDef | ast.ClassDef | ast.ExceptHandler) and each.name == name
        )
        if is_stored or is_argument or is_defined:
            return False
    return True


def _mixes(node: ast.AST) -> bool:
    """Whether ``node`` has a matrix product, a convolution or a look-up in a table."""
    for each in ast.walk(node):
        if isinstance(each, ast.BinOp) and isinstance(each.op, ast.MatMult):
            return True
        if isinstance(each, ast.Attribute) and each.attr in _MIXING:
            return True
    return False
