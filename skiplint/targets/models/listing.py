"""Which names of a file are models, decided from the syntax of its project before anything is imported."""

from __future__ import annotations

import ast
import sys
from functools import cached_property
from pathlib import Path

from skiplint.targets.models.factories import MODEL_LIBRARIES, Makes, is_registered
from skiplint.targets.models.losses import gives_only_a_loss
from skiplint.targets.models.mentions import dotted, needs_arguments
from skiplint.targets.models.modelhood import names_a_model
from skiplint.targets.models.names import Definition
from skiplint.targets.models.project import Project
from skiplint.targets.models.syntax import NO_MODELS, FileSyntax, called_first, has_factory_name
from skiplint.targets.models.weights import may_weigh


class Listing:
    """The classes and functions of one file that are models or make them.

    A model is a module class with a forward of its own that may hold weighted layers, gives more than a loss,
    and is no part of another module class.
    """

    def __init__(self, project: Project, syntax: FileSyntax, *, alone: bool) -> None:
        """List the models of the file ``syntax``.

        Args:
            project: the project of the file.
            syntax: the file, perhaps as it is not saved yet.
            alone: whether the file was asked for by itself: then what is a part of classes in other files
                is no part.
        """
        self.project = project
        self._syntax = syntax
        self._path: Path = project.syntaxes.take(syntax)
        self._within = self._path if alone else None

    @cached_property
    def classes(self) -> list[str]:
        """The names of its model classes, in the order of the file."""
        return [name for name in self._syntax.classes if self._is_top(Definition(self._path, name))]

    @cached_property
    def factories(self) -> dict[str, Makes]:
        """The names of its functions that make a model, each with what it makes; none in tests."""
        is_test = self._within is None and self.project.parts.in_aside(self._path)
        found = {
            name: self.project.factories.makes(Definition(self._path, name))
            for name in self._syntax.functions
            if not name.startswith("_") and not is_test and self._is_factory(Definition(self._path, name))
        }
        served = {
            inner.name
            for name, makes in found.items()
            for inner in makes.through
            if inner.path == self._path and inner.name != name and len(makes.through) == 1
        }
        mentions = self._syntax.mentions
        served |= {
            name
            for name in found
            if self.project.factories.needs_arguments(Definition(self._path, name))
            and any(name in mentions[other] for other in found if other != name)
        }
        return {
            name: makes
            for name, makes in found.items()
            if name not in served or self._is_meant(Definition(self._path, name))
        }

    @cached_property
    def objects(self) -> list[str]:
        """The module-level names that may hold a model: they are assigned what a class or function makes."""
        return [
            name
            for name, (_, value) in self._syntax.assignments.items()
            if self._may_be_model(value)
            and not self.project.parts.is_part(Definition(self._path, name), self._within)
        ]

    def covered(self) -> set[str]:
        """The classes of the file that a factory makes without arguments, and nothing else.

        The factory is in this file; where the class needs arguments, it may be in another one of the folder.
        """
        factories = self.project.factories
        return {name for name in self.classes if self._is_made_nearby(Definition(self._path, name))} | {
            made.name
            for name, makes in self.factories.items()
            if not factories.needs_arguments(Definition(self._path, name)) and len(makes.classes) == 1
            for made in makes.classes
            if made.path == self._path
        }

    @property
    def is_empty(self) -> bool:
        """Whether the file has no model, so that there is no need to import it."""
        return not (self.classes or self.factories or self.objects)

    # -- classes ----------------------------------------------------------------------------------

    def _is_model(self, definition: Definition) -> bool:
        classes = self.project.parts.classes
        if not classes.is_module(definition) or not classes.computes(definition):
            return False
        methods = classes.methods(definition)
        forward = methods.get("forward")
        if forward is not None and gives_only_a_loss(forward, methods):
            return False
        return self.project.weights.possible(definition)

    def _is_top(self, definition: Definition) -> bool:
        if not self._is_model(definition):
            return False
        if self._is_meant(definition):
            return True
        is_part = self.project.parts.is_part(definition, self._within)
        return not is_part and not self._is_in_an_object(definition) and not self._is_handed_over(definition)

    def _is_meant(self, definition: Definition) -> bool:
        """Whether the project offers it as something to use: its package, README, hubconf or a registry."""
        node = self.project.names.function_node(definition)
        if node is not None and is_registered(node):
            return True
        return self.project.parts.is_exported(definition) or self.project.shown.calls(definition)

    def _is_in_an_object(self, definition: Definition) -> bool:
        """Whether a model of the file is made of it, as in ``model = nn.Sequential(stem, Block(8))``."""
        values = (self._syntax.assignments[name][1] for name in self.objects)
        return any(
            isinstance(node, ast.Call)
            and self.project.names.meaning(self._path, dotted(node.func)) == definition
            for value in values
            if isinstance(value, ast.Call)
            for argument in (*value.args, *value.keywords)
            for node in ast.walk(argument)
        )

    def _is_handed_over(self, definition: Definition) -> bool:
        """Whether a call that makes another class is given the class, as in ``ResNet(BasicBlock, depth)``."""
        names, factories = self.project.names, self.project.factories
        for syntax in self.project.mentioning(definition.name) or [self._syntax]:
            path = syntax.path.resolve()
            for function, argument in syntax.handed_over:
                if names.meaning(path, argument) != definition:
                    continue
                callee = names.meaning(path, function)
                if not isinstance(callee, Definition) or callee == definition:
                    continue
                made = {callee} if names.class_node(callee) is not None else factories.makes(callee).classes
                if any(self.project.parts.classes.is_module(each) for each in made - {definition}):
                    return True
        return False

    # -- functions --------------------------------------------------------------------------------

    def _is_factory(self, function: Definition) -> bool:
        factories = self.project.factories
        makes = factories.makes(function)
        meant = self._is_meant(function)
        if not meant and self.project.parts.is_part(function, self._within):
            return False
        needs = factories.needs_arguments(function)
        if makes.classes:
            models = [each for each in makes.classes if self._is_model(each)]
            # With arguments missing, the entries of the classes themselves say so.
            return not needs and any(meant or self._is_top(each) for each in models)
        if any(name.startswith(MODEL_LIBRARIES) for name in makes.outer):
            return True
        if any(name.startswith("torch.nn.") for name in makes.outer):
            is_built = any(name.endswith(".Sequential") for name in makes.outer)
            is_own = not (needs and makes.through)
            return is_built and is_own and self.project.weights.possible(function)
        if any(has_factory_name(function.name) and _may_be_made_elsewhere(name) for name in makes.outer):
            return True
        return factories.annotated(function) is not None and not factories.gives_back(function)

    def _is_made_nearby(self, definition: Definition) -> bool:
        """Whether a class that needs arguments is made by a function of another file of the same folder."""
        init = self.project.classes.methods(definition).get("__init__")
        if self._within is not None or init is None or not needs_arguments(init):
            return False
        factories = self.project.factories
        return any(
            function.path != self._path
            and function.path.parent == self._path.parent
            and not function.name.startswith("_")
            and not factories.needs_arguments(function)
            and factories.makes(function).classes == {definition}
            for function in self.project.parts.functions_naming(definition)
        )

    # -- objects ----------------------------------------------------------------------------------

    def _may_be_model(self, value: ast.expr) -> bool:
        called = called_first(value)
        found = self.project.names.meaning(self._path, called) if called else None
        if isinstance(found, Definition):
            if found.path != self._path:  # The entry of the class, or of the factory, is enough.
                return False
            if self.project.names.class_node(found) is not None:
                return self._is_model(found)
            return self.project.factories.makes(found) != Makes()
        if not isinstance(found, str):
            return False
        if found.startswith("torch.nn."):
            return found.endswith(".Sequential") or may_weigh(found)
        if found.startswith("torch."):
            return found.startswith("torch.hub.load")
        return _may_be_made_elsewhere(found) or found.startswith(MODEL_LIBRARIES)


def _may_be_made_elsewhere(name: str) -> bool:
    """Whether a call of something from another package may give a model."""
    top, last = name.partition(".")[0], name.rpartition(".")[2]
    if top == "torch" or top in sys.stdlib_module_names or top in NO_MODELS:
        return False
    return names_a_model(last) or last.startswith("from_pretrained")
