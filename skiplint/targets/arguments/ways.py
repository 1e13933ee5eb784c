"""The ways to construct the model of a target, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace

from skiplint.targets.arguments.synthesis import guessed
from skiplint.targets.models.project import Project
from skiplint.targets.records import Constructor, ModelTarget, Ways

Source = Callable[[Constructor, Project], Ways]

SOURCES: tuple[Source, ...] = (guessed,)
"""Where arguments are looked for after the target's own way, the most telling first."""


def constructions(
    target: ModelTarget, project: Project | None
) -> Generator[ModelTarget, Exception | None, None]:
    """The target once for each way to construct its model; every one is sent what came of it.

    Args:
        target: as it was found.
        project: the project of its file; None where it comes from no file.
    """
    if target.unbuilt is None:
        yield target
    if target.constructor is None or project is None:
        return
    for source in SOURCES:
        ways = source(target.constructor, project)
        outcome: Exception | None = None
        try:
            way = next(ways)
            while True:
                outcome = yield replace(target, build=way.make, built_with=way.built_with, unbuilt=None)
                way = ways.send(outcome)
        except StopIteration:
            continue
