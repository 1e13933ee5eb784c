"""What the classes of a project are: modules or not, with which bases and which methods."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator

from skiplint.targets.models.mentions import FunctionNode, dotted
from skiplint.targets.models.names import Definition, Names
from skiplint.targets.models.syntax import NO_MODELS, NO_MODULE_BASES

LIGHTNING = frozenset({"pytorch_lightning", "lightning", "lightning_fabric"})
_NO_MODULES = (
    "torch.nn.init",
    "torch.nn.functional",
    "torch.nn.utils",
    "torch.nn.parameter",
    "torch.nn.Parameter",
    "torch.nn.Buffer",
)
_SCRIPT_MODULES = frozenset({"torch.jit.ScriptModule", "torch.fx.GraphModule"})


class Classes:
    """Classes of one project, read from their syntax."""

    def __init__(self, names: Names) -> None:
        """Read what ``names`` resolves."""
        self.names = names
        self._lines: dict[Definition, tuple[Definition, ...]] = {}
        self._modules: dict[Definition, bool] = {}

    def line(self, definition: Definition) -> tuple[Definition, ...]:
        """The class and all its bases in the project, nearest first."""
        if definition not in self._lines:
            self._lines[definition] = (definition,)  # Bases that go round in a circle end here.
            found = [definition]
            for base in self._bases(definition):
                if isinstance(base, Definition):
                    found += self.line(base)
            self._lines[definition] = tuple(dict.fromkeys(found))
        return self._lines[definition]

    def outer_bases(self, definition: Definition) -> frozenset[str]:
        """The dotted names of the bases that the class and its bases have outside of the project.

        A base that cannot be read, such as a call, is an empty text.
        """
        bases = (base for each in self.line(definition) for base in self._bases(each))
        return frozenset(base for base in bases if isinstance(base, str))

    def is_module(self, definition: Definition) -> bool:
        """Whether the class is a module; bases from elsewhere count where the class has a forward."""
        if definition not in self._modules:
            kinds = {is_module_base(base) for base in self.outer_bases(definition)}
            methods = self.methods(definition)
            may_be = None in kinds and ("forward" in methods or methods.keys() <= {"__init__"})
            self._modules[definition] = True in kinds or may_be
        return self._modules[definition]

    def methods(self, definition: Definition) -> dict[str, FunctionNode]:
        """The methods of the class, inherited ones of the project too."""
        found: dict[str, FunctionNode] = {}
        for each in self.line(definition):
            node = self.names.class_node(each)
            for item in node.body if node is not None else ():
                if isinstance(item, FunctionNode):
                    found.setdefault(item.name, item)
        return found

    def has_foreign_base(self, definition: Definition) -> bool:
        """Whether a base from outside the project may call its methods; torch and Lightning do not."""
        tops = {base.partition(".")[0] for base in self.outer_bases(definition)}
        return bool(tops - {"torch", *LIGHTNING, *sys.stdlib_module_names} - set(dir(builtins)))

    def computes(self, definition: Definition) -> bool:
        """Whether the class has a forward that does something: its own, or one from outside the project."""
        forward = self.methods(definition).get("forward")
        if forward is not None:
            return not only_promises(forward)
        return any(
            base not in ("torch.nn.Module", "torch.nn.modules.module.Module", *_SCRIPT_MODULES)
            and base.partition(".")[0] not in LIGHTNING
            and is_module_base(base) is not False
            for base in self.outer_bases(definition)
        )

    def _bases(self, definition: Definition) -> Iterator[Definition | str]:
        node = self.names.class_node(definition)
        for base in node.bases if node is not None else ():
            name = dotted(base.value if isinstance(base, ast.Subscript) else base)
            found = self.names.meaning(definition.path, name) if name else ""
            if isinstance(found, Definition) and self.names.class_node(found) is None:
                found = ""
            yield name if found is None else found


def only_promises(forward: FunctionNode) -> bool:
    """Whether a method does nothing but raise NotImplementedError, or nothing at all."""
    if any(dotted(each).rpartition(".")[2] == "abstractmethod" for each in forward.decorator_list):
        return True
    return all(
        isinstance(part, ast.Pass)
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        or _raises_not_implemented(part)
        for part in forward.body
    )


def _raises_not_implemented(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Raise) or node.exc is None:
        return False
    raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
    return dotted(raised) == "NotImplementedError"


def is_module_base(base: str) -> bool | None:
    """Whether a class from outside the project is a module; None where that is not known."""
    top, _, last = base.partition(".")[0], *base.rpartition(".")[1:]
    if base.startswith("torch.nn.") and not base.startswith(_NO_MODULES):
        return True
    if base in _SCRIPT_MODULES or (top in LIGHTNING and last == "LightningModule"):
        return True
    is_known = top in ("torch", *LIGHTNING) or top in sys.stdlib_module_names or top in NO_MODELS
    return False if is_known or last in NO_MODULE_BASES or hasattr(builtins, base) else None
