"""The definitions in a Python file and what each refers to, from its syntax alone."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from skiplint.sources.imports import Import, imports_in
from skiplint.targets.failures import from_exception
from skiplint.targets.models.mentions import FunctionNode, dotted, mentioned_by

NO_MODULE_BASES = frozenset(
    "object dict list tuple str int Exception ValueError RuntimeError ABC Enum IntEnum NamedTuple TypedDict "
    "Protocol TestCase Dataset IterableDataset Sampler Optimizer LRScheduler _LRScheduler Function Action "
    "Thread".split()
)
_FACTORY_NAME = re.compile(r"^(build|create|make)_\w+$|^get_model$|^get_\w*(model|net|network)$")

# Packages that research code imports and that hold no torch module: a file with only these is not run.
NO_MODELS = frozenset(
    "numpy pandas scipy sklearn matplotlib seaborn PIL cv2 requests yaml tqdm setuptools pytest click typer "
    "rich networkx h5py skimage tensorboard wandb mxnet tensorflow keras jax flax paddle "
    "pydantic".split()
)


@dataclass(frozen=True)
class FileSyntax:
    """The syntax tree of one file."""

    path: Path
    tree: ast.Module

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """Module-level statements in order, those inside if, try, with and for included."""
        return list(flatten(self.tree.body))

    @cached_property
    def classes(self) -> dict[str, ast.ClassDef]:
        """Classes defined at module level."""
        return {node.name: node for node in self.statements if isinstance(node, ast.ClassDef)}

    @cached_property
    def functions(self) -> dict[str, FunctionNode]:
        """Functions defined at module level."""
        return {
            node.name: node
            for node in self.statements
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    @cached_property
    def assignments(self) -> dict[str, tuple[int, ast.expr]]:
        """Module-level names, with the line and the value of their last assignment."""
        found: dict[str, tuple[int, ast.expr]] = {}
        for node in self.statements:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        found[target.id] = (node.lineno, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
                found[node.target.id] = (node.lineno, node.value)
        return found

    @cached_property
    def main_block(self) -> list[ast.stmt]:
        """The body of ``if __name__ == "__main__":``."""
        guards = [node for node in self.tree.body if isinstance(node, ast.If) and is_main_guard(node)]
        return [inner for node in guards for inner in node.body]

    @cached_property
    def _imports(self) -> tuple[Import, ...]:
        return tuple(imports_in(self.tree))

    @cached_property
    def imports(self) -> dict[str, str]:
        """Local names of imported things, each with the top-level package it comes from ("" for relative)."""
        return {each.bound: each.top for each in self._imports}

    @cached_property
    def bound_imports(self) -> dict[str, list[Import]]:
        """By local name, the imports that bind it, those in functions too."""
        found: dict[str, list[Import]] = {}
        for each in self._imports:
            if each.name != "*":
                found.setdefault(each.bound, []).append(each)
        return found

    @cached_property
    def star_imports(self) -> tuple[Import, ...]:
        """The imports of everything that a module has."""
        return tuple(each for each in self._imports if each.name == "*")

    @cached_property
    def mentions(self) -> dict[str, frozenset[str]]:
        """For each module-level definition, the dotted names that its body reads."""
        values = {name: value for name, (_, value) in self.assignments.items()}
        return {
            name: mentioned_by(node) for name, node in {**values, **self.functions, **self.classes}.items()
        }

    @cached_property
    def handed_over(self) -> frozenset[tuple[str, str]]:
        """For each call with a name as an argument, what is called and that name, both dotted."""
        return frozenset(
            (dotted(node.func), name)
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Call) and dotted(node.func)
            for argument in (*node.args, *(keyword.value for keyword in node.keywords))
            if (name := dotted(argument))
        )

    @cached_property
    def exports(self) -> tuple[str, ...] | None:
        """The names in ``__all__``; None where there is none that can be read."""
        value = self.assignments.get("__all__", (0, None))[1]
        parts = [value] if value is not None else []
        names: list[str] = []
        while parts:
            part = parts.pop(0)
            if isinstance(part, ast.BinOp):
                parts = [part.left, part.right, *parts]
            elif isinstance(part, ast.List | ast.Tuple):
                names += [str(item.value) for item in part.elts if isinstance(item, ast.Constant)]
        return tuple(names) if names else None

    @cached_property
    def modules(self) -> frozenset[str]:
        """Last parts of the names of the modules that things are imported from."""
        modules = (each.module for each in self._imports if each.name is not None and each.module)
        return frozenset(module.rpartition(".")[2] for module in modules)

    @cached_property
    def relative_level(self) -> int:
        """How many folders up the relative imports of the file reach, 0 if it has none."""
        return max((each.level for each in self._imports), default=0)

    @cached_property
    def references(self) -> dict[str, frozenset[str]]:
        """For each module-level definition, the names that its body uses (annotations are no use).

        A class also uses what the bodies of its base classes in this file use.
        """
        own = {name: names_used(node.body) for name, node in {**self.classes, **self.functions}.items()}
        own.update({name: names_used([value]) for name, (_, value) in self.assignments.items()})
        return {name: frozenset(used | self._inherited(name, own, set())) for name, used in own.items()}

    def _inherited(self, name: str, own: dict[str, set[str]], seen: set[str]) -> set[str]:
        node = self.classes.get(name)
        if node is None or name in seen:
            return set()
        seen.add(name)
        used: set[str] = set()
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self.classes:
                used |= own[base.id] | self._inherited(base.id, own, seen)
        return used

    def reachable(self, name: str) -> set[str]:
        """Every definition that ``name`` uses, directly or through others, ``name`` itself left out."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            for used in self.references.get(stack.pop(), ()):
                if used not in seen and used in self.references:
                    seen.add(used)
                    stack.append(used)
        return seen - {name}

    @cached_property
    def foreign(self) -> frozenset[str]:
        """Names imported from packages that may hold torch modules."""
        return frozenset(
            name
            for name, package in self.imports.items()
            if package not in sys.stdlib_module_names and package not in NO_MODELS
        )

    def may_make_model(self) -> str | None:
        """The name of a public function that needs no argument and returns what another function makes.

        None if there is no such function; the first of several.
        """
        for name, node in self.functions.items():
            given = node.args.args
            required = len(given) > len(node.args.defaults) or None in node.args.kw_defaults
            made = {called.partition(".")[0] for called in returned_names(node)}
            if not name.startswith("_") and not required and made & {*self.functions, *self.foreign}:
                return name
        return None


def parse(path: Path) -> FileSyntax:
    """The syntax tree of ``path``.

    Raises:
        TargetError: the file cannot be read or is not valid Python.
    """
    try:
        return FileSyntax(path, ast.parse(path.read_bytes(), filename=str(path)))
    except SyntaxError as error:
        text = (error.text or "").strip()
        shown = f": {text!r}" if text else ""
        line = f" line {error.lineno}" if error.lineno else ""
        message = (
            f"{path.as_posix()}: syntax error in{line or ' the file'}{shown} ({error.msg}); correct the file"
        )
        raise from_exception(message, error) from error
    except (OSError, ValueError, RecursionError) as error:
        message = f"{path.as_posix()}: cannot be read as Python ({error}); check the file and its encoding"
        raise from_exception(message, error) from error


def flatten(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of ``body`` in order, with those of compound statements except definitions.

    The ``if __name__ == "__main__":`` block is left out: an import does not run it.
    """
    for node in body:
        if is_main_guard(node):
            continue
        yield node
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for part in ("body", "handlers", "orelse", "finalbody"):
            for inner in getattr(node, part, []):
                yield from flatten(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])


def has_factory_name(name: str) -> bool:
    """Whether ``name`` is one that factories of models have, such as ``build_resnet``."""
    return bool(_FACTORY_NAME.match(name))


def is_main_guard(node: ast.stmt) -> bool:
    """Whether ``node`` is ``if __name__ == "__main__":``."""
    if not (isinstance(node, ast.If) and isinstance(node.test, ast.Compare)):
        return False
    sides = [node.test.left, *node.test.comparators]
    return any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)


def names_used(nodes: list[ast.stmt] | list[ast.expr]) -> set[str]:
    """Names that the nodes read, without those in annotations."""
    found: set[str] = set()
    stack: list[ast.AST] = list(nodes)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Name):
            found.add(node.id)
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns"):
                continue
            stack.extend(
                item for item in (value if isinstance(value, list) else [value]) if isinstance(item, ast.AST)
            )
    return found


def returned_names(node: FunctionNode) -> set[str]:
    """Names that are called to make the value that a function returns.

    ``return Net(...)`` gives Net, and so does ``model = Net(...)``, ``return model``.
    """
    values: dict[str, list[ast.expr]] = {}
    returned: list[ast.expr] = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Assign):
            for target in inner.targets:
                if isinstance(target, ast.Name):
                    values.setdefault(target.id, []).append(inner.value)
        elif isinstance(inner, ast.Return) and inner.value is not None:
            returned.append(inner.value)
    found: set[str] = set()
    seen: set[str] = set()
    while returned:
        value = returned.pop()
        if isinstance(value, ast.Call):
            found.add(dotted(value.func))
            if isinstance(value.func, ast.Attribute):
                returned.append(value.func.value)
        elif isinstance(value, ast.Name) and value.id not in seen:
            seen.add(value.id)
            returned.extend(values.get(value.id, []))
        elif isinstance(value, ast.IfExp):
            returned.extend([value.body, value.orelse])
        elif isinstance(value, ast.Tuple):
            returned.extend(value.elts[:1])
    return found - {""}


def called_first(value: ast.expr) -> str:
    """The dotted name of what a call such as ``nn.Sequential(...).eval()`` calls first; "" for no call."""
    if not isinstance(value, ast.Call):
        return ""
    inner = value.func.value if isinstance(value.func, ast.Attribute) else None
    return called_first(inner) if isinstance(inner, ast.Call) else dotted(value.func)


def may_be_module(node: ast.ClassDef) -> bool:
    """Whether some base of the class may be a module; bases that plainly are none do not count."""
    return any(dotted(base).rpartition(".")[2] not in NO_MODULE_BASES for base in node.bases)
