"""The files that have changed since a git revision."""

from __future__ import annotations

import subprocess
from pathlib import Path


class ChangesError(Exception):
    """Git cannot say what changed; ``str()`` is one line that says why."""


def changed_files(base: str, folder: Path) -> frozenset[Path]:
    """The real paths of the files in the git repository of ``folder`` that differ from revision ``base``.

    Committed, staged, unstaged and untracked changes count; ignored and removed files do not.

    Raises:
        ChangesError: no git, no repository, or no such revision.
    """
    root = Path(_git(folder, "rev-parse", "--show-toplevel", failure=f"{folder} is in no git repository"))
    commit = _git(
        root,
        *("rev-parse", "--verify", "--quiet", "--end-of-options", f"{base}^{{commit}}"),
        failure=f"git knows no revision {base!r} here; is the history complete, or was the clone shallow?",
    )
    changed = _git(root, "diff", "--name-only", "-z", "--diff-filter=d", "--no-renames", commit, "--")
    untracked = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    names = [name for name in (changed + "\0" + untracked).split("\0") if name]
    return frozenset((root / name).resolve() for name in names)


def _git(folder: Path, *words: str, failure: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and the revision follows --end-of-options
            ["git", "-C", str(folder), *words],  # noqa: S607 - the git that the user has
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            check=False,
        )
    except OSError as error:
        raise ChangesError(
            f"git cannot be run ({error.strerror or error}), so --diff is not possible"
        ) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or [f"git {words[0]} failed"])[-1]
        raise ChangesError(failure or said)
    return done.stdout.removesuffix("\n")
