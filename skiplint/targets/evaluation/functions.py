"""Functions and classes of the user's files that are read instead of being run."""

from __future__ import annotations

import ast
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.evaluation.frames import Frame, parameters_of

if TYPE_CHECKING:
    from skiplint.targets.evaluation.slices import FunctionNode


class Function:
    """A function of which each call runs what its return value depends on."""

    def __init__(
        self, frame: Frame, node: FunctionNode, bound: tuple[Any, ...] = (), owner: ast.ClassDef | None = None
    ) -> None:
        """Define ``node`` in ``frame``; ``bound`` are its first arguments."""
        self.frame, self.node, self.bound, self.owner = frame, node, bound, owner
        self.__name__ = getattr(node, "name", "<lambda>")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function returns."""
        with self.frame.reading.deeper():
            given = self._given((*self.bound, *args), kwargs)
            inner = Frame(
                self.frame.reading, self.frame.file, self.node, self.frame, given=given, owner=self.owner
            )
            return inner.returned()

    def _given(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        arguments = self.node.args
        names = [each.arg for each in [*arguments.posonlyargs, *arguments.args]]
        given = dict(zip(names, args, strict=False))
        if len(args) > len(names) and arguments.vararg is None:
            raise NotSimpleError(f"{self.__name__} takes {len(names)} arguments")
        known = parameters_of(self.node)
        given.update({name: value for name, value in kwargs.items() if name in known})
        if arguments.vararg is not None:
            given[arguments.vararg.arg] = tuple(args[len(names) :])
        if arguments.kwarg is not None:
            given[arguments.kwarg.arg] = {name: value for name, value in kwargs.items() if name not in known}
        for name, default in known.items():
            if name not in given:
                if default is None:
                    raise NotSimpleError(f"{self.__name__} needs {name}")
                given[name] = self.frame.evaluator.evaluate(default)
        return given


class Class:
    """A class that is not imported: its attributes, and instances that hold what the constructor sets."""

    def __init__(self, frame: Frame, node: ast.ClassDef) -> None:
        """Define ``node`` in ``frame``."""
        self.frame, self.node = frame, node
        self.__name__ = node.name
        self._inside = Frame(frame.reading, frame.file, node, frame)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """An instance."""
        made = Record(self)
        self.check_bases()
        if (start := self.method("__init__")) is not None:
            start(made, *args, **kwargs)
            return made
        fields = self.fields()
        if len(args) > len(fields) or not set(kwargs) <= set(fields):
            raise NotSimpleError(f"{self.__name__} has no such fields")
        given = {**dict(zip(fields, args, strict=False)), **kwargs}
        for name, (inside, default) in fields.items():
            if name in given:
                vars(made)[name] = given[name]
            elif default is not None:
                vars(made)[name] = _field_default(inside, default)
            else:
                raise NotSimpleError(f"{self.__name__} needs {name}")
        if (after := self.method("__post_init__")) is not None:
            after(made)
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("frame", "node", "_inside"):
            raise AttributeError(name)
        try:
            return self.attribute(name)
        except NotSimpleError as error:
            raise AttributeError(name) from error

    def bases(self) -> list[Class]:
        """The bases that are read in the same way.

        Raises:
            NotSimpleError: a base is a class of a package, of which the instances are more than their fields.
        """
        found: list[Class] = []
        for node in self.node.bases:
            base = self.frame.evaluator.evaluate(node)
            if isinstance(base, Class):
                found.append(base)
            elif getattr(base, "__module__", "").partition(".")[0] in ("torch", "torchvision", "lightning"):
                raise NotSimpleError(f"{self.__name__} is a {base.__name__}")
        return found

    def check_bases(self) -> None:
        """Make sure that instances are no more than their attributes.

        Raises:
            NotSimpleError: one of the bases is a class of torch or the like.
        """
        for base in self.bases():
            base.check_bases()

    def fields(self) -> dict[str, tuple[Frame, ast.expr | None]]:
        """The annotated attributes, inherited ones first, each with its default and where that stands."""
        found: dict[str, tuple[Frame, ast.expr | None]] = {}
        for base in self.bases():
            found.update(base.fields())
        for node in self.node.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found[node.target.id] = (self._inside, node.value)
        return found

    def method(self, name: str) -> Function | None:
        """A method, its own or an inherited one."""
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return Function(self.frame, node, owner=self.node)
        return next((found for base in self.bases() if (found := base.method(name)) is not None), None)

    def attribute(self, name: str, instance: Record | None = None) -> Any:
        """An attribute of the class, or a method bound to ``instance``."""
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == name:
                return self._bound(node, instance)
            if isinstance(node, ast.ClassDef) and node.name == name:
                return Class(self._inside, node)
            if isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == name and node.value:
                return _field_default(self._inside, node.value)
        if name in self._inside.reading.body(self.node).names:
            return self._inside.value(name)
        for base in self.bases():
            try:
                return base.attribute(name, instance)
            except AttributeError:
                continue
        raise AttributeError(name)

    def _bound(self, node: ast.FunctionDef, instance: Record | None) -> Any:
        marks = {getattr(mark, "id", getattr(mark, "attr", "")) for mark in node.decorator_list}
        if "classmethod" in marks:
            return Function(self.frame, node, (self,), self.node)
        if "staticmethod" in marks or instance is None:
            return Function(self.frame, node, (), self.node)
        method = Function(self.frame, node, (instance,), self.node)
        return method() if marks & {"property", "cached_property"} else method


class Record(types.SimpleNamespace):
    """An instance of a :class:`Class`."""

    def __init__(self, of: Class) -> None:
        super().__init__()
        object.__setattr__(self, "_of", of)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_of":
            raise AttributeError(name)
        try:
            return vars(self)["_of"].attribute(name, self)
        except NotSimpleError as error:
            raise AttributeError(name) from error

    def __deepcopy__(self, memo: dict[int, Any]) -> Record:
        import copy

        made = Record(vars(self)["_of"])
        vars(made).update({name: copy.deepcopy(value, memo) for name, value in fields_of(self).items()})
        return made


def fields_of(record: Record) -> dict[str, Any]:
    """The attributes of an instance."""
    return {name: value for name, value in vars(record).items() if name != "_of"}


def _field_default(inside: Frame, default: ast.expr) -> Any:
    """The default of a field; ``field(default=..., default_factory=...)`` is looked into."""
    if isinstance(default, ast.Call):
        last = getattr(default.func, "attr", getattr(default.func, "id", ""))
        given = {keyword.arg: keyword.value for keyword in default.keywords}
        if last.lower() in ("field", "attrib", "ib"):
            if "default_factory" in given:
                return inside.call(inside.evaluator.evaluate(given["default_factory"]), (), {})
            if "default" in given:
                return inside.evaluator.evaluate(given["default"])
            if default.args:
                return inside.evaluator.evaluate(default.args[0])
            raise NotSimpleError("a field without a default")
    return inside.evaluator.evaluate(default)
