"""Reading and writing the user's files without changing anything but the edits."""

from __future__ import annotations

from pathlib import Path

from skiplint.atomic_files import write_at_once


def read_source(path: str) -> str:
    """The text of a file, its line endings as they are.

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is not UTF-8.
    """
    return Path(path).read_bytes().decode("utf-8")


def write_source(path: str, text: str) -> None:
    """Put ``text`` in place of a file at once; its permissions stay, and a link stays a link.

    Raises:
        OSError: it cannot be written; the file is then as it was.
    """
    write_at_once(Path(path), text.encode("utf-8"), keep_mode=True)
