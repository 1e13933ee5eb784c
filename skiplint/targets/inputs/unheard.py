"""Quiet while inputs are tried."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator
from pathlib import Path

from skiplint.targets.models.importing import quiet


@contextlib.contextmanager
def unheard() -> Iterator[None]:
    """Leave out what the user's code prints and warns of: a forward on wrong inputs means nothing."""
    with (
        quiet(),
        Path(os.devnull).open("w", encoding="utf-8") as nothing,
        contextlib.redirect_stdout(nothing),
        contextlib.redirect_stderr(nothing),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield
