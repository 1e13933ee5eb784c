"""A callback for Lightning: lint the LightningModule before training.

Works with ``lightning`` and with ``pytorch_lightning``. Their ``Callback`` classes are unrelated, so this one
derives from those that the program has imported.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skiplint.linting.finding import Severity
from skiplint.reporting.formats import render
from skiplint.reporting.formats.style import Style
from skiplint.settings.settings import Settings

if TYPE_CHECKING:
    from skiplint.reporting.report import Report

logger = logging.getLogger("skiplint")

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
_LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.INFO: logging.INFO}


class SkipConnectionError(RuntimeError):
    """The module has findings at or above ``fail_on``; ``report`` holds them."""

    def __init__(self, message: str, report: Report) -> None:
        """Take the findings as text in ``message``."""
        super().__init__(message)
        self.report = report


def _bases() -> tuple[type[Any], ...]:
    """The ``Callback`` of each Lightning that is imported, or of the one that is installed."""
    names = ("lightning.pytorch", "pytorch_lightning")
    loaded = [name for name in names if sys.modules.get(name)]
    for name in loaded or names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in {"lightning", "pytorch_lightning"}:
                raise  # Lightning is installed, but one of its own imports fails.
        else:
            loaded = loaded or [name]
    if not loaded:
        raise ModuleNotFoundError("SkiplintCallback needs Lightning: pip install 'skiplint[lightning]'")
    return tuple(sys.modules[name].Callback for name in loaded)


class SkiplintCallback(*_bases()):  # type: ignore[misc]
    """Lints the module once, when fitting starts, on the process of rank zero.

    The inputs are the module's ``example_input_array``, or without one the first training batch: its first
    item if it is a tuple or list, its values as keyword arguments if it is a mapping.
    """

    def __init__(
        self,
        *,
        fail_on: Severity | str | None = Severity.ERROR,
        settings: Settings | None = None,
        batch_to_inputs: Callable[[Any], Any] | None = None,
    ) -> None:
        """Set up the callback.

        Args:
            fail_on: the lowest severity that stops training; None never stops it.
            settings: which rules to run, and how; None means the defaults. No configuration file is read.
            batch_to_inputs: turns a batch into what forward takes: one input, a tuple of inputs, or a dict by
                name.

        Raises:
            ValueError: ``fail_on`` is no severity.
        """
        super().__init__()
        self.fail_on = Severity(fail_on) if isinstance(fail_on, str) else fail_on
        self.settings = settings
        self.batch_to_inputs = batch_to_inputs
        self.report: Report | None = None
        """The report, after the module has been linted."""

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Lint with the module's ``example_input_array``, if it has one.

        Raises:
            SkipConnectionError: findings at or above ``fail_on``.
        """
        self.report = None
        example = getattr(pl_module, "example_input_array", None)
        if example is not None and trainer.is_global_zero:
            # The example may be on another device than the module.
            moved = pl_module.transfer_batch_to_device(example, pl_module.device, 0)
            self._lint(pl_module, _arguments(moved))

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Lint with the first batch, if the module had no example.

        Args:
            trainer: the Lightning trainer.
            pl_module: the module that is trained.
            batch: the batch as the data loader gave it.
            batch_idx: its number in the epoch.

        Raises:
            SkipConnectionError: findings at or above ``fail_on``.
        """
        del batch_idx
        if self.report is None and trainer.is_global_zero:
            self._lint(pl_module, _arguments(self._inputs(batch)))

    def _inputs(self, batch: Any) -> Any:
        if self.batch_to_inputs is not None:
            return self.batch_to_inputs(batch)
        return batch[0] if isinstance(batch, list | tuple) else batch

    def _lint(self, pl_module: Any, arguments: Arguments) -> None:
        from skiplint.api import lint

        args, kwargs = arguments
        self.report = lint(pl_module, *args, settings=self.settings, **kwargs)
        worst = self.report.worst()
        if worst is None:
            return
        text = render(self.report, "console", Style(verbosity=-1)).strip()
        if self.fail_on is not None and worst.at_least(self.fail_on):
            raise SkipConnectionError(
                f"{type(pl_module).__name__} has faults in its skips:\n{text}", self.report
            )
        logger.log(_LEVELS[worst], "%s", text)


def _arguments(inputs: Any) -> Arguments:
    """The arguments of forward, as Lightning passes an ``example_input_array``."""
    if isinstance(inputs, Mapping):
        return (), inputs
    return (inputs if isinstance(inputs, tuple) else (inputs,)), {}
