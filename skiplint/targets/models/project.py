"""The project around a model's file: its Python files as syntax trees, and what uses what in them."""

from __future__ import annotations

import ast
from pathlib import Path

from skiplint.sources.project_files import ProjectFiles, project_root
from skiplint.targets.models.syntax import FileSyntax, may_be_module


class Project:
    """What the files of one project say, without running them; each is parsed once."""

    def __init__(self, files: ProjectFiles) -> None:
        """Read from ``files``."""
        self.files = files
        self._syntaxes: dict[Path, FileSyntax | None] = {}

    def syntax(self, path: Path) -> FileSyntax | None:
        """The syntax tree of one of the project's Python files; None where it is not valid Python."""
        if path not in self._syntaxes:
            try:
                tree = ast.parse(self.files.text(path), filename=str(path))
            except (SyntaxError, ValueError, RecursionError):  # The entry of the file itself reports it.
                self._syntaxes[path] = None
            else:
                self._syntaxes[path] = FileSyntax(path, tree)
        return self._syntaxes[path]

    def mentioning(self, word: str) -> list[FileSyntax]:
        """The Python files in which ``word`` stands, by their place in the project."""
        found = (self.syntax(path) for path in self.files.mentioning(word, "python"))
        return [syntax for syntax in found if syntax is not None]

    def is_part(self, path: Path, name: str) -> bool:
        """Whether a module class in another file of the project uses the class ``name`` of ``path``."""
        module = path.parent.name if path.stem == "__init__" else path.stem
        return any(
            syntax.path != path
            and module in syntax.modules
            and any(
                name in syntax.references[other]
                for other, node in syntax.classes.items()
                if may_be_module(node)
            )
            for syntax in self.mentioning(name)
        )


class Projects:
    """The projects of one run, by their topmost folder."""

    def __init__(self) -> None:
        self._by_root: dict[Path, Project] = {}

    def of(self, path: Path) -> Project:
        """The project that the file ``path`` is part of."""
        root = project_root(path.resolve())
        if root not in self._by_root:
            self._by_root[root] = Project(ProjectFiles(root))
        return self._by_root[root]

    def start_noting(self) -> None:
        """Forget which words were asked for."""
        for project in self._by_root.values():
            project.files.asked.clear()

    def asked(self) -> dict[str, dict[str, str]]:
        """By topmost folder, the words asked for since :meth:`start_noting`, each with its digest."""
        return {
            str(root): {word: project.files.digest_of(word) for word in sorted(project.files.asked)}
            for root, project in self._by_root.items()
            if project.files.asked
        }
