"""Read and write the user's files without changing anything but the edits."""

from __future__ import annotations

import errno
import io
import tokenize
from pathlib import Path

from skiplint.sources.atomic_files import write_at_once


def read_source(path: str) -> str:
    """The text of a file with its own line endings, without the byte order mark.

    Raises:
        OSError: it cannot be read.
        SyntaxError: it declares an encoding that does not exist.
        UnicodeError: it is not in the encoding that it declares, which is UTF-8 by default.
    """
    content = Path(path).read_bytes()
    return content.decode(_encoding(content))


def write_source(path: str, text: str) -> None:
    """Replace the content of a file at once, in its own encoding.

    Its permissions and its byte order mark stay, and a link stays a link.

    Raises:
        OSError: it cannot be written; the file is then as it was.
    """
    write_at_once(Path(path), text.encode(_encoding(Path(path).read_bytes())), keep_mode=True)


def check_writable(path: str) -> None:
    """Raise an error for a file marked as read-only, which replacing it would ignore.

    Raises:
        OSError: the file is read-only, or gone.
    """
    if not Path(path).stat().st_mode & 0o222:
        raise PermissionError(errno.EACCES, "it is read-only", path)


def _encoding(content: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(content).readline)[0]
