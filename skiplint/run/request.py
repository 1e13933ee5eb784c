"""What a run is asked: which models to lint, and what to find out about each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from skiplint.analysis.ablation.options import AblationOptions
from skiplint.analysis.memory.resizing import Resizing
from skiplint.run.workers import WorkerError
from skiplint.settings.settings import Settings

_WITHOUT_EFFECT = tuple(
    "fail_on strict per_file_ignores baseline cache cache_dir jobs timeout memory_limit".split()
)
"""Settings that do not change what comes of one model."""


class Request(msgspec.Struct, frozen=True):
    """What to lint and how, as plain values, which can be sent to another process.

    By default models are traced as they are meant, in evaluation mode, and what takes further runs of a model
    (``contract``, ``growth``, ``budget``, ``gradients``, ``ablation``) is not computed.
    """

    targets: Sequence[str] = ()
    """Files, folders, ``module:attribute`` and saved programs."""
    settings: Settings = msgspec.field(default_factory=Settings)
    """No configuration file is read besides."""
    args: Sequence[Any] = ()
    """Positional arguments to build the models with."""
    kwargs: Mapping[str, Any] = {}
    """Keyword arguments to build the models with."""
    resizing: Resizing = Resizing()
    """Changes of the example inputs."""
    training: bool = False
    """Trace in training mode."""
    contract: bool = False
    """Find which sizes of its inputs a model takes, also where no rule asks."""
    growth: bool = False
    """Find how the figures of memory grow with batch, resolution and length."""
    budget: int | None = None
    """Bytes into which a training step is to fit."""
    optimizer: Literal["adam", "sgd", "none"] = "adam"
    """The optimizer whose state counts in the budget."""
    gradients: bool = False
    """Measure how much gradient paths of each length carry, on real weights."""
    ablation: AblationOptions | None = None
    """Find what each skip is worth, on real weights."""
    among: frozenset[Path] | None = None
    """Real paths of the files of folders that are linted; None for all."""
    texts: Mapping[str, str] = {}
    """By path, the text that a file is imported with in place of its own."""

    def for_units(self) -> Request:
        """The part that a worker needs: everything but which files are meant."""
        return msgspec.structs.replace(self, targets=(), among=None)

    def identity(self) -> Request:
        """The part that the result of one unit depends on."""
        fresh = {name: getattr(Settings(), name) for name in _WITHOUT_EFFECT}
        settings = msgspec.structs.replace(self.settings, **fresh)
        return msgspec.structs.replace(self.for_units(), settings=settings)


def encoded(content: msgspec.Struct) -> bytes:
    """``content`` as JSON.

    Raises:
        WorkerError: an argument of a model cannot be written so.
    """
    try:
        return msgspec.json.encode(content)
    except (TypeError, ValueError) as error:  # ValueError: a string that is no valid Unicode
        raise WorkerError(f"arguments of a model must be plain values, as in JSON: {error!s:.200}") from None
