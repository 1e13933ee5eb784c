"""Results of earlier runs, kept in a folder, one file for each unit of work.

An entry's name is the digest of what is known before a run: the target, the settings, the versions. What else
its result depended on is in the entry itself, and is compared when it is read. Entries are written all at
once and carry a digest, so that any number of runs may share a folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import sysconfig
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from skiplint.linting.rule import Rule
from skiplint.linting.tool_rules import RuleFailed
from skiplint.run.outcome import Outcome, UnitResult
from skiplint.run.request import Request, encoded
from skiplint.run.workers import Unit
from skiplint.sources.atomic_files import write_at_once
from skiplint.sources.footprint import Footprint, source_digest
from skiplint.sources.project_files import ProjectFiles
from skiplint.version import __version__

FOLDER = ".skiplint_cache"
VARIABLE = "SKIPLINT_CACHE_DIR"
_RESULTS = "skiplint-results"
_SUFFIX = ".json"
_NEW = ".new-"
_MARKS = {
    # The first line is fixed by https://bford.info/cachedir/, and backups leave such folders out.
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# This folder was made by skiplint.\n",
    ".gitignore": "# Made by skiplint.\n*\n",
}
_KEPT_DAYS = 30


class _Entry(msgspec.Struct, frozen=True):
    """The content of one file, below a line with its digest."""

    key: str
    footprint: Footprint
    outcomes: tuple[Outcome, ...]


class Cache:
    """The results of earlier runs in one folder."""

    def __init__(self, folder: Path) -> None:
        """Use ``folder``, which is made when there is a result to keep."""
        self.folder = folder
        self.notes: list[str] = []
        """Remarks for people."""
        self._identity = ""
        self._digests: dict[str, str | None] = {}
        self._projects: dict[str, ProjectFiles] = {}
        self._decoder = msgspec.json.Decoder(_Entry)
        self._written = 0

    def bind(self, request: Request, rules: Iterable[Rule]) -> None:
        """Say what all units of the run share: what is asked, and the rules that run.

        Raises:
            WorkerError: an argument of a model is no plain value, so that it cannot be compared.
        """
        folders = {str(Path(__file__).parents[1]), *(_home(type(rule)) for rule in rules)}
        facts = (
            __version__,
            source_digest(folders),
            sys.version,
            sys.prefix,
            sysconfig.get_platform(),
            str(Path.cwd()),
            hashlib.sha256(encoded(request.identity())).hexdigest(),
        )
        self._identity = "\n".join(facts)

    def find(self, unit: Unit) -> tuple[Outcome, ...] | None:
        """The outcomes of ``unit`` when everything was as it is now; None if they are not known."""
        key, path = self._place(unit)
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._remark(f"the cache in {self.folder} cannot be read: {error.strerror or error}")
            return None
        entry = self._read(content)
        if entry is None or entry.key != key:
            self._remark(f"{path} was damaged, and is not used")
            with contextlib.suppress(OSError):
                path.unlink()
            return None
        if not entry.footprint.holds(self._digests, self._projects):
            return None
        with contextlib.suppress(OSError):
            os.utime(path)  # In use, so not to be dropped for its age.
        return entry.outcomes

    def keep(self, unit: Unit, result: UnitResult) -> None:
        """Keep the result of ``unit``, unless something failed or it is not known what it depended on."""
        if result.footprint is None or any(_failed(outcome) for outcome in result.outcomes):
            return
        key, path = self._place(unit)
        content = msgspec.json.encode(_Entry(key, result.footprint, result.outcomes), enc_hook=str)
        try:
            self._make_folder(path.parent)
            write_at_once(path, _digest(content) + b"\n" + content, prefix=_NEW)
        except OSError as error:
            self._remark(f"nothing is kept in the cache {self.folder}: {error.strerror or error}")
        else:
            self._written += 1

    def tidy(self) -> None:
        """Drop what has not been used for a month, after a run that has written something."""
        if not self._written:
            return
        oldest = time.time() - _KEPT_DAYS * 24 * 3600
        for path in self._files():
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < oldest:
                    path.unlink()

    def clear(self) -> tuple[int, int]:
        """Remove what skiplint has put into the folder, and the folder if nothing else is in it.

        Returns:
            How many results there were, and their bytes.

        Raises:
            OSError: a file cannot be removed.
        """
        count = size = 0
        for path in self._files():
            with contextlib.suppress(FileNotFoundError):  # Another run removes it too.
                count, size = count + path.name.endswith(_SUFFIX), size + path.stat().st_size
                path.unlink()
        for name, text in _MARKS.items():
            mark = self.folder / name
            if mark.is_file() and mark.read_bytes() == text.encode():
                mark.unlink()
        for folder in (*(self.folder / _RESULTS).glob("*"), self.folder / _RESULTS, self.folder):
            with contextlib.suppress(OSError):  # Not empty, or not there.
                folder.rmdir()
        return count, size

    def _files(self) -> list[Path]:
        found = (self.folder / _RESULTS).glob("[0-9a-f][0-9a-f]/*")
        return [path for path in found if path.suffix == _SUFFIX or path.name.startswith(_NEW)]

    def _place(self, unit: Unit) -> tuple[str, Path]:
        key = _digest(
            f"{self._identity}\n{unit.member}\n{unit.target}".encode(errors="surrogatepass")
        ).decode()
        return key, self.folder / _RESULTS / key[:2] / f"{key[2:]}{_SUFFIX}"

    def _read(self, content: bytes) -> _Entry | None:
        line, _, body = content.partition(b"\n")
        if line != _digest(body):
            return None
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

    def _make_folder(self, folder: Path) -> None:
        if not self.folder.exists():  # Else it may hold other things, which are not ours to mark.
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, text in _MARKS.items():
                write_at_once(self.folder / name, text.encode(), prefix=_NEW)
        folder.mkdir(parents=True, exist_ok=True)

    def _remark(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def cache_folder(configured: str | None, config: Path | None) -> Path:
    """The folder of the cache: $SKIPLINT_CACHE_DIR, the setting ``cache-dir``, or beside the configuration.

    Args:
        configured: the setting, relative to the folder of ``config``.
        config: the file with the settings; None means the working directory.
    """
    root = config.parent if config is not None else Path()
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser()
    return root / (Path(configured).expanduser() if configured else FOLDER)


def _failed(outcome: Outcome) -> bool:
    broken = any(finding.code == RuleFailed.code for finding in outcome.findings)
    return broken or outcome.report.status == "failed"


def _home(rule: type[Rule]) -> str:
    """The folder of the top package that a rule comes from, or its file where it is in no package."""
    top = sys.modules.get(rule.__module__.partition(".")[0])
    folders = list(getattr(top, "__path__", ()))
    return str(folders[0] if folders else getattr(top, "__file__", None) or __file__)


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
