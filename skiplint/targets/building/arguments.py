"""The surroundings in which arguments of a model are evaluated, and the arguments for people to read."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from skiplint.sources.randomness import seeded
from skiplint.targets.models.importing import quiet, unscripted
from skiplint.targets.records import Arguments, Device, ModelTarget


@contextlib.contextmanager
def evaluating(target: ModelTarget, device: Device = "meta", *, readable: bool = False) -> Iterator[None]:
    """Evaluate arguments of ``target`` inside: in its file's environment, on ``device``, without weights.

    Args:
        target: whose arguments they are.
        device: where modules among them are made; on "meta" they take no memory.
        readable: as of :class:`~skiplint.targets.building.initialisers.SkipInitialisers`.
    """
    import torch

    from skiplint.devices.accelerators import accelerators_followed
    from skiplint.targets.building.initialisers import SkipInitialisers
    from skiplint.targets.building.weights import weights_left_out

    with (
        warnings.catch_warnings(),
        quiet(),
        unscripted(),
        seeded(0),
        weights_left_out([]),
        SkipInitialisers(readable=readable),
        target.environment(),
        torch.device(device),
        accelerators_followed(),
    ):
        warnings.simplefilter("ignore")
        yield


def arguments_of(target: ModelTarget) -> Arguments | None:
    """What :attr:`ModelTarget.built_with` says, evaluated anew; None where that fails the second time."""
    devices: tuple[Device, ...] = ("meta", "cpu")
    for device in devices:
        with (
            contextlib.suppress(Exception, SystemExit),
            evaluating(target, device, readable=device == "meta"),
        ):
            return target.built_with.arguments()
    return None
