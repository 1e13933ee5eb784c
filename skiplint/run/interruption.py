"""The end of a run from outside."""

from __future__ import annotations


class Interrupted(BaseException):
    """The process is told to end; no :class:`Exception`, so that the user's code does not catch it."""

    def __init__(self, signal: int) -> None:
        """Say by which signal."""
        super().__init__(signal)
        self.signal = signal
