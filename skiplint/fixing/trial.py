"""Linting in a process of its own, with some files replaced by texts that are only tried."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from skiplint.fixing.overlay import sources_replaced
from skiplint.linting.report import Report

Lint = Callable[[], Report]
"""Lints the targets in the process in which it is called; picklable."""


def tried(lint: Lint, texts: Mapping[str, str]) -> Report | None:
    """The report of ``lint`` with the files of ``texts`` replaced; None if the run did not survive.

    A new process, because the one at hand has imported the files as they were.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as executor:
        try:
            return executor.submit(_run, lint, dict(texts)).result()
        except BrokenProcessPool:
            return None


def _run(lint: Lint, texts: dict[str, str]) -> Report:
    # What the user's code prints must not get into the report on stdout.
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), 1)
    with sources_replaced(texts):
        return lint()
