"""Errors for failures of the user's code while models are found, built and given inputs."""

from __future__ import annotations

import traceback

from skiplint.targets.records import TargetError


def from_exception(message: str, error: BaseException) -> TargetError:
    """A :class:`TargetError` that ``error`` caused, with its traceback for ``--verbose``."""
    failure = TargetError(message, verbose="".join(traceback.format_exception(error)))
    failure.__cause__ = error
    return failure
