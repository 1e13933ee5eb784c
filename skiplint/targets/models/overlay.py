"""Import source files as if they held another text, without touching them."""

from __future__ import annotations

import io
import os
import tokenize
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader


@contextmanager
def sources_replaced(texts: Mapping[str, str]) -> Iterator[None]:
    """Import files, by absolute path, as if they held the given texts.

    The interpreter's cached bytecode of them is neither read nor written.
    """
    replaced = {os.path.realpath(path): _encoded(text) for path, text in texts.items()}
    original_data, original_stats = SourceFileLoader.get_data, SourceFileLoader.path_stats

    def get_data(self: SourceFileLoader, path: str) -> bytes:
        text = replaced.get(os.path.realpath(path))
        return original_data(self, path) if text is None else text

    def path_stats(self: SourceFileLoader, path: str) -> Mapping[str, float]:
        if os.path.realpath(path) in replaced:
            raise OSError  # the import system then leaves its cache alone
        return original_stats(self, path)

    SourceFileLoader.get_data = get_data  # type: ignore[method-assign,assignment]
    SourceFileLoader.path_stats = path_stats  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        SourceFileLoader.get_data = original_data  # type: ignore[method-assign]
        SourceFileLoader.path_stats = original_stats  # type: ignore[method-assign]


def _encoded(text: str) -> bytes:
    """In the encoding that the text itself declares, since the import system will read it in that one."""
    encoding, _ = tokenize.detect_encoding(io.BytesIO(text.encode()).readline)
    return text.encode(encoding)
