"""The Python files of a project as syntax trees, each parsed once."""

from __future__ import annotations

import ast
from functools import cached_property
from pathlib import Path

from skiplint.sources.project_files import ProjectFiles
from skiplint.targets.models.syntax import FileSyntax


class Syntaxes:
    """The syntax trees of one project's Python files."""

    def __init__(self, files: ProjectFiles) -> None:
        """Read from ``files``; nothing is parsed before it is asked for."""
        self.files = files
        self._known: dict[Path, FileSyntax | None] = {}

    def of(self, path: Path) -> FileSyntax | None:
        """The syntax tree of one of the Python files; None where it is not valid Python."""
        if path not in self._known:
            try:
                tree = ast.parse(self.files.text(path), filename=str(path))
            except (KeyError, SyntaxError, ValueError, RecursionError):  # The file's own entry reports it.
                self._known[path] = None
            else:
                self._known[path] = FileSyntax(path, tree)
        return self._known[path]

    def take(self, syntax: FileSyntax) -> Path:
        """Use ``syntax`` for its file, which may be none of the project or unsaved; give its real path."""
        path = syntax.path.resolve()
        if self._known.get(path) is None:
            self._known[path] = FileSyntax(path, syntax.tree)
        return path

    def mentioning(self, word: str) -> list[FileSyntax]:
        """The Python files in which ``word`` stands, by their place in the project."""
        found = (self.of(path) for path in self.files.mentioning(word, "python"))
        return [syntax for syntax in found if syntax is not None]

    @cached_property
    def paths(self) -> frozenset[Path]:
        """The Python files of the project."""
        return frozenset(self.files.of_kind("python"))

    @cached_property
    def folders(self) -> frozenset[Path]:
        """The folders that hold Python files, directly or further down."""
        folders: set[Path] = set()
        for path in self.paths:
            for folder in path.parents:
                if folder in folders or folder == self.files.root:
                    break
                folders.add(folder)
        return frozenset({*folders, self.files.root})
