"""What the README of a project shows how to use: it is there for users, also where it is a part as well."""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path

from skiplint.targets.arguments.documents import document_code
from skiplint.targets.models.mentions import dotted
from skiplint.targets.models.names import Definition
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.models.syntaxes import Syntaxes


class Shown:
    """The calls in the code of one project's README."""

    def __init__(self, syntaxes: Syntaxes) -> None:
        """Look in the project of ``syntaxes``."""
        self._syntaxes = syntaxes

    def calls(self, definition: Definition) -> bool:
        """Whether code in the README calls ``definition``.

        That is so if it imports it from its module, or if no other class or function has that name.
        """
        mentioning = self._syntaxes.files.mentioning(definition.name, "document")
        if self._readme not in mentioning or definition.name not in self._called:
            return False
        assert self._code is not None
        imports = self._code.bound_imports.get(definition.name, ())
        if any(each.module.rpartition(".")[2] == definition.path.stem for each in imports):
            return True
        defining = [
            syntax
            for syntax in self._syntaxes.mentioning(definition.name)
            if definition.name in syntax.classes or definition.name in syntax.functions
        ]
        return len(defining) == 1

    @cached_property
    def _readme(self) -> Path | None:
        """Its path; None without one."""
        files = self._syntaxes.files
        found = [
            path
            for path in files.of_kind("document")
            if path.parent == files.root and path.stem.lower() == "readme"
        ]
        return found[0] if found else None

    @cached_property
    def _code(self) -> FileSyntax | None:
        if self._readme is None:
            return None
        return document_code(self._readme, self._syntaxes.files.text(self._readme))

    @cached_property
    def _called(self) -> frozenset[str]:
        """The last names of what its code calls."""
        nodes = [] if self._code is None else ast.walk(self._code.tree)
        return frozenset(dotted(node.func).rpartition(".")[2] for node in nodes if isinstance(node, ast.Call))
