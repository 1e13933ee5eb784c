"""The arguments that a model is constructed with, for people to read."""

from __future__ import annotations

import contextlib
import warnings
from typing import Any

from skiplint.sources.randomness import seeded
from skiplint.targets.models.importing import quiet, unscripted
from skiplint.targets.records import ModelTarget


def arguments_of(target: ModelTarget) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """What :attr:`ModelTarget.built_with` says, evaluated anew; None where that fails the second time."""
    import torch

    from skiplint.devices.accelerators import accelerators_followed
    from skiplint.targets.building.initialisers import SkipInitialisers
    from skiplint.targets.building.weights import weights_left_out

    with (
        warnings.catch_warnings(),
        quiet(),
        unscripted(),
        seeded(0),
        target.environment(),
        weights_left_out([]),
        accelerators_followed(),
    ):
        warnings.simplefilter("ignore")
        for device in ("meta", "cpu"):  # On meta, nested modules take no memory.
            skipping = SkipInitialisers(readable=device == "meta")
            with contextlib.suppress(Exception, SystemExit), torch.device(device), skipping:
                return target.built_with.arguments()
    return None
