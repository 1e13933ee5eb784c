"""Extensions in C++ and CUDA that modules compile while they are imported: never compiled, and named."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skiplint.targets.environment.stand_ins import StandIn


@contextmanager
def no_compiler() -> Iterator[None]:
    """Inside, ``torch.utils.cpp_extension`` gives stand-ins for the extensions that it would compile."""
    logger = logging.getLogger("torch.utils.cpp_extension")
    was_disabled, logger.disabled = logger.disabled, True  # its import warns where there is no GPU
    from torch.utils import cpp_extension

    logger.disabled = was_disabled

    def load(name: Any, *_: Any, **__: Any) -> StandIn:
        return StandIn(f"the extension {name}", "it is compiled when it is loaded, which is not done here")

    before = cpp_extension.load, cpp_extension.load_inline
    cpp_extension.load = cpp_extension.load_inline = load  # type: ignore[assignment]
    try:
        yield
    finally:
        cpp_extension.load, cpp_extension.load_inline = before  # type: ignore[assignment]
