"""The folders that the absolute imports of a file may start from."""

from __future__ import annotations

from pathlib import Path

_MARKS = (".git", ".hg", "pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "skiplint.toml")


def import_root(path: Path) -> Path:
    """The folder that holds the outermost package of the file ``path``, or the file if it is in none."""
    folder = path.parent
    while (folder / "__init__.py").is_file() and folder.parent != folder:
        folder = folder.parent
    return folder


def outer_roots(root: Path) -> tuple[Path, ...]:
    """The other folders where modules of the project around ``root`` may be, the nearest first.

    Many projects have no installer: their scripts lie in the topmost folder and import ``models.unet`` and
    ``utils`` from there. These are the folders from ``root`` up to the one with the project's files in it,
    else up to the working directory, and ``src`` in each; where ``root`` is in neither, the one around it.
    """
    line = [root, *root.parents]
    top = next((number for number, folder in enumerate(line) if is_project_top(folder)), None)
    if top is None:
        top = line.index(Path.cwd()) if Path.cwd() in line else 1
    found = [place for folder in line[: top + 1] for place in (folder, folder / "src")]
    return tuple(place for place in found if place != root and place.is_dir())


def is_project_top(folder: Path) -> bool:
    """Whether ``folder`` has the files that the topmost folder of a project has."""
    return any((folder / name).exists() for name in _MARKS)
