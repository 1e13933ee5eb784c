"""Give user code the same random numbers every time, and leave the generators as they were."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def seeded(seed: int = 0) -> Iterator[None]:
    """Seed the generators of torch, Python and numpy, and put back their states afterwards."""
    import torch

    state = torch.random.get_rng_state()
    python_state = random.getstate()
    numpy = sys.modules.get("numpy")
    numpy_state = numpy.random.get_state() if numpy else None
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    if numpy:
        numpy.random.seed(seed)
    try:
        yield
    finally:
        torch.random.set_rng_state(state)
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)
