"""Write files so that readers see the old content or the new one, never half of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path


def write_at_once(path: Path, content: bytes, *, prefix: str = "", keep_mode: bool = False) -> None:
    """Replace the content of ``path`` all at once; a link stays a link to the same file.

    A device or a pipe, such as /dev/null, is written to directly: it has no old content to keep whole.

    Args:
        path: the file; its folder exists.
        content: all of it.
        prefix: how the name of the temporary file beside it begins; by default with that of the file.
        keep_mode: whether the permissions of the file that is there stay, else they are as open() makes them.

    Raises:
        OSError: it cannot be written; the old content is still there.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix or f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
        if keep_mode:
            shutil.copymode(path, name)
        else:
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)  # mkstemp's is for the owner only
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
