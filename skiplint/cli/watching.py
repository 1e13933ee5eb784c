"""``--watch``: lint again whenever a file of the targets changes.

Every run is a new process, so that edited modules are imported again.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, cast

from skiplint.cli import signals
from skiplint.cli.failures import UsageError
from skiplint.run.changed_targets import target_files
from skiplint.run.interruption import Interrupted
from skiplint.settings.precedence import config_file
from skiplint.sources.imports import ImportScan

FLAG = "--watch"
_CLEAR = "\x1b[2J\x1b[3J\x1b[H"
_LOOK_AGAIN = 1000
"""Milliseconds."""
_Stamp = tuple[int, int]


class _Watchfiles(Protocol):
    def watch(self, *paths: Path, **options: object) -> Iterator[object]: ...


def watch(words: Sequence[str], targets: Sequence[str], config: Path | None) -> int:
    """Run the command line ``words`` without ``--watch``, again after every change, until Ctrl-C.

    Raises:
        UsageError: watchfiles is not installed, or the targets have no files that could change.
    """
    watchfiles = _load()
    command = [sys.executable, "-m", "skiplint", *(word for word in words if word != FLAG)]
    watched = _Watched(targets, config)
    if not watched.stamps():
        raise UsageError("--watch has nothing to watch: the targets have no files of yours")
    try:
        while True:
            before = watched.stamps()
            _run(command)
            watched = _Watched(targets, config)
            after = watched.stamps()
            _say(len(after))
            # The run may have read the old text of a file that was saved meanwhile, so run again at once.
            if all(after.get(path) == stamp for path, stamp in before.items()):
                _wait(watchfiles, watched, after)
    except Interrupted as error:
        return signals.exit_code_of(error.signal)


class _Watched:
    """The files and folders that the targets depend on at this moment."""

    def __init__(self, targets: Sequence[str], config: Path | None) -> None:
        scan = ImportScan()
        found = [target_files(target, scan) for target in targets]
        settings = config_file(targets, config=config)
        named = [path for each in found for path in each.files]
        missing = [Path(each.target.partition(":")[0]).resolve() for each in found if each.missing]
        own = {settings.resolve()} if settings and settings.exists() else set()
        self.has_targets = bool(named or missing or any(each.folder for each in found))
        self.files = frozenset({*scan.reachable(named), *missing, *own})
        roots = [each.folder.resolve() for each in found if each.folder is not None]
        # Single folders, not trees: a tree may hold a data set.
        self.folders = frozenset({*roots, *(path.resolve().parent for path in named if roots)})

    def stamps(self) -> dict[Path, _Stamp]:
        """Time of the last change and size of every file; empty if no target has files."""
        if not self.has_targets:
            return {}
        return {path: _stamp(path) for path in (*self.files, *self.folders)}

    def places(self) -> list[Path]:
        """The folders to listen in: not single files, because editors replace a file by a new one."""
        parents = {*self.folders, *(path.parent for path in self.files)}
        return sorted(path for path in parents if path.is_dir())

    def concerns(self, changed: Path) -> bool:
        """Whether the path is a file in use, or a new one in a folder that is linted."""
        return changed in self.files or (
            changed.parent in self.folders and (changed.suffix == ".py" or changed.is_dir())
        )


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


def _run(command: Sequence[str]) -> None:
    if sys.stdout.isatty():
        sys.stdout.write(_CLEAR)
        sys.stdout.flush()
    child = subprocess.Popen(command)  # noqa: S603 - skiplint itself
    try:
        child.wait()
    except Interrupted:
        child.terminate()
        child.wait()
        raise


def _wait(watchfiles: _Watchfiles, watched: _Watched, stamps: dict[Path, _Stamp]) -> None:
    """Return when something has changed since ``stamps`` were taken."""

    def concerns(change: object, path: str) -> bool:
        del change
        return watched.concerns(Path(path))

    listening = watchfiles.watch(
        *watched.places(),
        watch_filter=concerns,
        recursive=False,
        debounce=200,
        rust_timeout=_LOOK_AGAIN,
        yield_on_timeout=True,
    )
    for changes in listening:
        # Stamps too, because the listener starts late and some file systems do not notify.
        if changes or watched.stamps() != stamps:
            return


def _say(number: int) -> None:
    files = "1 file" if number == 1 else f"{number} files"
    print(f"skiplint: watching {files}; Ctrl-C ends", file=sys.stderr, flush=True)


def _load() -> _Watchfiles:
    try:
        import watchfiles
    except ImportError:
        raise UsageError("--watch needs watchfiles: pip install 'skiplint[watch]'") from None
    return cast("_Watchfiles", watchfiles)
