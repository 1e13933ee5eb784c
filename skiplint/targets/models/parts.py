"""Which module classes of a project use a class or function: it is a part of theirs, and no model."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

from skiplint.targets.models.classes import Classes
from skiplint.targets.models.composition import methods_that_run, takes_part
from skiplint.targets.models.mentions import dotted, needs_arguments
from skiplint.targets.models.names import Definition
from skiplint.targets.models.syntax import FileSyntax

_ASIDE = frozenset("test tests testing example examples docs benchmark benchmarks".split())
"""Folders whose classes are there to try the project's models."""


class Parts:
    """What is a part of what in one project."""

    def __init__(self, classes: Classes) -> None:
        """Look at the files in which ``classes`` are."""
        self.classes = classes
        self.names = classes.names
        self.syntaxes = classes.names.syntaxes
        self._users: dict[Definition, Mapping[Definition, bool]] = {}
        self._exports: dict[Path, frozenset[Definition]] = {}

    def is_part(self, definition: Definition, within: Path | None = None) -> bool:
        """Whether a module class that is not made of ``definition`` itself uses it in its forward.

        Of classes that use each other, none is a part of the others. ``within`` is the file whose classes
        count, None for all.
        """
        wholes = self.wholes(definition, within)
        return any(definition not in self.wholes(whole, within) for whole in wholes)

    def wholes(self, definition: Definition, within: Path | None = None) -> frozenset[Definition]:
        """The module classes that use ``definition``, directly or through others, in their forward.

        A class that only holds or passes on a model counts where it is a part of another one.
        """
        found: set[Definition] = set()
        seen: set[Definition] = set()
        pending = [definition]
        while pending:
            for user, takes in self.users(pending.pop()).items():
                if within is not None and user.path != within:
                    continue
                if takes:
                    found.add(user)
                if user not in seen:
                    seen.add(user)
                    pending.append(user)
        return frozenset(found)

    def users(self, definition: Definition) -> Mapping[Definition, bool]:
        """The module classes that name ``definition``, also through functions; True where it takes part."""
        if definition not in self._users:
            self._users[definition] = self._find_users(definition)
        return self._users[definition]

    def is_exported(self, definition: Definition) -> bool:
        """Whether its outermost package, or a ``hubconf.py``, offers it by name to whoever uses the project.

        In a project that is not made to be installed, a package such as ``layers`` is for the project itself:
        there, only what needs no arguments counts.
        """
        init = self.names.function_node(definition) or self.classes.methods(definition).get("__init__")
        if init is not None and needs_arguments(init) and not self._is_distribution:
            return False
        top = self.names.package(definition.path)
        package = top / definition.path.relative_to(top).parts[0] / "__init__.py"
        places = (package, self.syntaxes.files.root / "hubconf.py")
        return any(definition in self._exported(place) for place in places)

    def functions_naming(self, definition: Definition) -> list[Definition]:
        """The functions that name ``definition``, directly or through others; none of tests."""
        found: list[Definition] = []
        pending = [definition]
        while pending:
            for user, _ in self._naming(pending.pop()):
                is_class = self.names.class_node(user) is not None
                if user not in found and not is_class and not self.in_aside(user.path):
                    found.append(user)
                    pending.append(user)
        return [each for each in found if self.names.function_node(each) is not None]

    # -- users ------------------------------------------------------------------------------------

    @cached_property
    def _is_distribution(self) -> bool:
        root = self.syntaxes.files.root
        files = self.syntaxes.files.of_kind("python", "config")
        return not {root / "setup.py", root / "pyproject.toml"}.isdisjoint(files)

    def _find_users(self, definition: Definition) -> dict[Definition, bool]:
        found: dict[Definition, bool] = {}
        seen = {definition}
        pending = [definition]
        while pending:
            for user, used in self._naming(pending.pop()):
                node = self.names.class_node(user)
                if node is not None and self.classes.is_module(user):
                    is_kind = definition in self.classes.line(user)
                    if not is_kind and not self._is_aside(user, definition):
                        found[user] = found.get(user, False) or self._takes_part(user, node, used)
                elif user not in seen:
                    seen.add(user)
                    pending.append(user)
        return found

    def _is_aside(self, user: Definition, used: Definition) -> bool:
        """Whether ``user`` stands in a test or an example and ``used`` does not."""
        return self.in_aside(user.path) and not self.in_aside(used.path)

    def in_aside(self, path: Path) -> bool:
        """Whether a file is a test or an example."""
        root = self.syntaxes.files.root
        parts = path.relative_to(root).parts if path.is_relative_to(root) else path.parts[-1:]
        is_test = path.stem.startswith("test_") or path.stem.endswith("_test") or path.stem == "conftest"
        return is_test or not _ASIDE.isdisjoint(parts)

    def _takes_part(self, user: Definition, node: ast.ClassDef, used: frozenset[str]) -> bool:
        methods = self.classes.methods(user)
        forward = methods.get("forward")
        if forward is None and self.classes.computes(user):
            return True  # Its forward is not here to be read.
        if not self.classes.computes(user):
            return any(True for _ in self._subclasses(user))
        body = methods_that_run(node, methods, every=self.classes.has_foreign_base(user))
        return takes_part(body, methods, used)

    def _subclasses(self, definition: Definition) -> Iterator[Definition]:
        for word in self._words(definition):
            for syntax in self.syntaxes.mentioning(word):
                for name in syntax.classes:
                    other = Definition(syntax.path, name)
                    if other != definition and definition in self.classes.line(other):
                        yield other

    def _naming(self, definition: Definition) -> Iterator[tuple[Definition, frozenset[str]]]:
        """The definitions whose bodies name ``definition``, each with the names that they use for it."""
        words = self._words(definition)
        files = {syntax.path: syntax for word in sorted(words) for syntax in self.syntaxes.mentioning(word)}
        own = self.syntaxes.of(definition.path)
        if own is not None:
            files.setdefault(own.path, own)
        for path, syntax in files.items():
            for name, mentions in syntax.mentions.items():
                used = frozenset(
                    each
                    for each in mentions
                    if not words.isdisjoint(each.split(".")) and self.names.meaning(path, each) == definition
                )
                if used and Definition(path, name) != definition:
                    yield Definition(path, name), used

    def _words(self, definition: Definition) -> frozenset[str]:
        """The names by which files of the project know ``definition``."""
        words: set[str] = set()
        pending = [definition.name]
        while pending:
            word = pending.pop()
            if word not in words:
                words.add(word)
                for syntax in self.syntaxes.mentioning(word):
                    pending += [
                        alias
                        for alias in _aliases(syntax, word)
                        if self.names.meaning(syntax.path, alias) == definition
                    ]
        return frozenset(words)

    # -- exports ----------------------------------------------------------------------------------

    def _exported(self, path: Path) -> frozenset[Definition]:
        """What the file offers by name: in ``__all__``, else by imports, also of what other modules offer."""
        if path not in self._exports:
            self._exports[path] = frozenset()  # Imports that go round in a circle end here.
            syntax = self.syntaxes.of(path) if path in self.syntaxes.paths else None
            self._exports[path] = frozenset() if syntax is None else frozenset(self._offered(syntax))
        return self._exports[path]

    def _offered(self, syntax: FileSyntax) -> Iterator[Definition]:
        names = syntax.exports
        if names is None and syntax.path.name in ("__init__.py", "hubconf.py"):
            names = tuple(name for name in syntax.bound_imports if not name.startswith("_"))
        for name in names or ():
            found = self.names.meaning(syntax.path, name)
            if isinstance(found, Definition):
                yield found
        if syntax.exports is None:
            for star in syntax.star_imports:
                yield from self._exported_by(syntax.path, star.level, star.module)

    def _exported_by(self, path: Path, level: int, module: str) -> frozenset[Definition]:
        found = self.names.module_file(path, level, module)
        return frozenset() if found is None else self._exported(found)


def _aliases(syntax: FileSyntax, word: str) -> Iterator[str]:
    """Other names that the file gives to what ``word`` stands for."""
    for name, imports in syntax.bound_imports.items():
        if name != word and any(each.name == word for each in imports):
            yield name
    for name, (_, value) in syntax.assignments.items():
        if name != word and dotted(value).rpartition(".")[2] == word:
            yield name
