"""Import the user's files as ``python model.py`` would, without side effects on skiplint.

Each folder that is put on ``sys.path`` is a :class:`Workspace`. Two folders may both hold a ``model.py`` and
a ``blocks.py``: only the modules of the workspace in use are in ``sys.modules``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import os
import sys
from collections.abc import Iterator, Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from skiplint.sources.errors import at, describe
from skiplint.sources.import_roots import import_root, outer_roots
from skiplint.sources.owners import owner
from skiplint.targets.building.construction import construction_noted
from skiplint.targets.environment.command_line import no_command_line
from skiplint.targets.environment.compiler import no_compiler
from skiplint.targets.environment.guard import nothing_changed
from skiplint.targets.environment.loading import loaded_as_users, user_modules_found
from skiplint.targets.environment.process_group import one_process
from skiplint.targets.failures import from_exception
from skiplint.targets.models.syntax import FileSyntax
from skiplint.targets.records import TargetError


class Workspace:
    """One folder on ``sys.path`` and the modules that were imported from it."""

    _current: Workspace | None = None
    """The workspace whose modules are in sys.modules."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._finder = _OuterFinder(outer_roots(root))
        self._modules: dict[str, ModuleType] = {}
        self._callers: frozenset[str] = frozenset()
        """Modules that were there before: they belong to whoever calls skiplint."""

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Run the user's code here: its folder on the path, its output on stderr, no effects of scripts.

        What is found neither there nor installed is looked for in the folders around it.
        """
        from skiplint.devices.accelerators import accelerators_followed

        self._swap_in()
        entry = str(self.root)
        sys.path.insert(0, entry)
        sys.meta_path.append(self._finder)
        try:
            with (
                quiet(),
                unscripted(),
                process_restored(),
                nothing_changed(self.root),
                no_command_line(),
                no_compiler(),
                one_process(),
                accelerators_followed(),
                user_modules_found(),
            ):
                yield
        finally:
            with contextlib.suppress(ValueError):  # the user's code may have changed sys.path
                sys.path.remove(entry)
            with contextlib.suppress(ValueError):
                sys.meta_path.remove(self._finder)
            self._remember()

    def _swap_in(self) -> None:
        if Workspace._current is self:
            return
        if Workspace._current is not None:
            for name in Workspace._current._modules:
                sys.modules.pop(name, None)
        self._callers = frozenset(sys.modules)
        sys.modules.update(self._modules)
        importlib.invalidate_caches()
        Workspace._current = self

    def _remember(self) -> None:
        prefixes = tuple(str(folder) for folder in (self.root, *self._finder.folders))
        for name, module in list(sys.modules.items()):
            source = getattr(module, "__file__", None)
            own = name == "__main__" or name.startswith("skiplint") or name in self._callers
            if own or not isinstance(source, str):
                continue
            if source.startswith(prefixes) and owner(source) == "user":
                self._modules[name] = module

    def shadow(self, name: str, package: Path) -> None:
        """Unload the package ``name`` if it comes from elsewhere than from the folder ``package``."""
        loaded = sys.modules.get(name)
        source = getattr(loaded, "__file__", None)
        if loaded is None or name == "torch" or (source and Path(source).is_relative_to(package)):
            return
        for other in [known for known in sys.modules if known == name or known.startswith(name + ".")]:
            del sys.modules[other]


class _OuterFinder(MetaPathFinder):
    """Finds the modules of a project that its own folder and the environment do not have."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        self.folders = folders

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of an outermost module, as the import system asks for it; None for all others."""
        if path is not None:
            return None
        places = [folder for folder in self.folders if self._has_source(folder, fullname)]
        if not places:
            return None
        spec = PathFinder.find_spec(fullname, [str(folder) for folder in places], target)
        return loaded_as_users(spec) or spec  # a folder without __init__.py has no loader

    def _has_source(self, folder: Path, name: str) -> bool:
        """Whether the folder has Python files for ``name``; a ``wandb`` with results is no package."""
        package = folder / name
        return (folder / f"{name}.py").is_file() or any(
            any(package.glob(pattern)) for pattern in ("*.py", "*/*.py")
        )


class Workspaces:
    """The workspaces of one run, one for each folder."""

    def __init__(self) -> None:
        self._by_root: dict[Path, Workspace] = {}

    def at(self, root: Path) -> Workspace:
        """The workspace of ``root``."""
        return self._by_root.setdefault(root, Workspace(root))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Send what the user's code prints to stderr, and give it an empty stdin."""
    stdin = sys.stdin
    sys.stdin = io.StringIO("")
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stdin = stdin


@contextlib.contextmanager
def process_restored() -> Iterator[None]:
    """Put back the working directory and the environment variables afterwards; hubs are not asked inside."""
    variables = dict(os.environ)
    # Else a hub that cannot be reached is asked again and again, with pauses.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    folder: Path | None
    try:
        folder = Path.cwd()
    except OSError:  # it is gone
        folder = None
    try:
        yield
    finally:
        if folder is not None:
            os.chdir(folder)
        if dict(os.environ) != variables:
            os.environ.clear()
            os.environ.update(variables)


@contextlib.contextmanager
def unscripted() -> Iterator[None]:
    """Make ``torch.jit.script`` return its argument, so that a trace sees what it wraps."""
    from torch.jit import _state

    was_enabled = bool(_state._enabled.enabled)
    _state.disable()
    try:
        yield
    finally:
        if was_enabled:
            _state.enable()


@contextlib.contextmanager
def plain_script_classes() -> Iterator[None]:
    """Make classes that derive from ``torch.jit.ScriptModule`` derive from nn.Module, which can be traced.

    Only for the time of an import: torch itself asks at run time whether a module is a ScriptModule.
    """
    import torch

    original = torch.jit.ScriptModule
    torch.jit.ScriptModule = torch.nn.Module  # type: ignore[misc,assignment]
    try:
        yield
    finally:
        torch.jit.ScriptModule = original  # type: ignore[misc]


def import_file(syntax: FileSyntax, display: str, workspaces: Workspaces) -> tuple[ModuleType, Workspace]:
    """Import the file of ``syntax``; a file inside a package is imported by its dotted name.

    Args:
        syntax: the file.
        display: its path as the user typed it, for errors.
        workspaces: what the run has imported so far.

    Returns:
        The module, and the workspace that it was imported in.

    Raises:
        TargetError: the import failed, or it tried to end the program.
    """
    path = syntax.path.resolve()
    root, name = _module_name(path, syntax.relative_level)
    workspace = workspaces.at(root)
    with workspace.active(), plain_script_classes(), construction_noted():
        try:
            if "." in name or path.name == "__init__.py":
                top = name.split(".")[0]
                workspace.shadow(top, root / top)
                return importlib.import_module(name), workspace
            return _execute(path, name), workspace
        except (Exception, SystemExit) as error:
            raise import_failure(display, error) from error


def import_dotted(name: str, workspaces: Workspaces) -> tuple[ModuleType, Workspace]:
    """Import a module by its dotted name, with the working directory on the path.

    Returns:
        The module, and the workspace that it was imported in.

    Raises:
        TargetError: there is no such module, or its import failed.
    """
    workspace = workspaces.at(Path.cwd())
    with workspace.active(), construction_noted():
        try:
            return importlib.import_module(name), workspace
        except (Exception, SystemExit) as error:
            raise import_failure(name, error) from error


def import_failure(what: str, error: BaseException) -> TargetError:
    """The failure to report for an exception that ended the import of ``what``."""
    place = at(error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        if what == error.name or what.startswith(error.name + "."):
            message = f'{what}: there is no module "{error.name}"; check the spelling, or install it'
        else:
            message = (
                f'{what}: imports "{error.name}", which is not installed{place}; install it or run skiplint '
                "in the project's environment"
            )
    elif isinstance(error, SystemExit):
        message = (
            f"{what}: ends the program while it is imported (exit code {error.code}{place}), as argparse "
            'does without its arguments; move that code under if __name__ == "__main__":'
        )
    elif isinstance(error, SyntaxError):
        message = (
            f"{what}: imports {error.filename}, which has a syntax error on line {error.lineno}; correct it"
        )
    else:
        message = f"{what}: cannot be imported: {describe(error)}{place}; make sure that python can import it"
    return from_exception(message, error)


def _module_name(path: Path, relative_level: int) -> tuple[Path, str]:
    """The folder for sys.path and the name to import ``path`` by."""
    root = import_root(path)
    parts = list(path.relative_to(root).with_suffix("").parts)
    if len(parts) <= relative_level:
        # Relative imports without __init__.py: the folders form a namespace package.
        for _ in range(relative_level - len(parts) + 1):
            parts.insert(0, root.name)
            root = root.parent
    if parts[-1] == "__init__":
        parts.pop()
    return root, ".".join(parts)


def _execute(path: Path, stem: str) -> ModuleType:
    known = sys.modules.get(stem)
    if known is not None and getattr(known, "__file__", None) == str(path):
        return known  # a sibling has imported it already
    foreign = known is not None or stem in sys.stdlib_module_names
    name = f"_{stem}" if foreign else stem
    spec = importlib.util.spec_from_file_location(name, path)
    spec = loaded_as_users(spec) or spec
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
