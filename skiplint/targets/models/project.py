"""The project around a model's file: its Python files as syntax trees, and what uses what in them."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from skiplint.sources.project_files import ProjectFiles, project_root
from skiplint.targets.models.classes import Classes
from skiplint.targets.models.factories import Factories
from skiplint.targets.models.names import Names
from skiplint.targets.models.parts import Parts
from skiplint.targets.models.shown import Shown
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.models.syntaxes import Syntaxes
from skiplint.targets.models.weights import Weights


class Project:
    """What the files of one project say, without running them; each is parsed once."""

    def __init__(self, files: ProjectFiles) -> None:
        """Read from ``files``."""
        self.files = files
        self.syntaxes = Syntaxes(files)

    def syntax(self, path: Path) -> FileSyntax | None:
        """The syntax tree of one of the project's Python files; None where it is not valid Python."""
        return self.syntaxes.of(path)

    def mentioning(self, word: str) -> list[FileSyntax]:
        """The Python files in which ``word`` stands, by their place in the project."""
        return self.syntaxes.mentioning(word)

    @cached_property
    def names(self) -> Names:
        """What names in the files stand for."""
        return Names(self.syntaxes)

    @cached_property
    def classes(self) -> Classes:
        """What the classes are."""
        return Classes(self.names)

    @cached_property
    def parts(self) -> Parts:
        """Which classes are parts of others."""
        return Parts(self.classes)

    @cached_property
    def factories(self) -> Factories:
        """What the functions make."""
        return Factories(self.classes)

    @cached_property
    def shown(self) -> Shown:
        """What the README shows how to use."""
        return Shown(self.syntaxes)

    @cached_property
    def weights(self) -> Weights:
        """Which classes and functions may make weighted layers."""
        return Weights(self.classes)


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
