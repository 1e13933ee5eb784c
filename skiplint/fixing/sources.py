"""Reading and writing the user's files without changing anything but the edits."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


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
    target = Path(path).resolve()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(text.encode("utf-8"))
        shutil.copymode(target, name)
        Path(name).replace(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
