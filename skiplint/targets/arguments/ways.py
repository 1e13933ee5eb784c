"""The ways to construct the model of a target, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial

from skiplint.targets.arguments.config_files import config_files
from skiplint.targets.arguments.feeding import fed_anywhere
from skiplint.targets.arguments.project_calls import project_calls
from skiplint.targets.arguments.settings_objects import settings_objects
from skiplint.targets.arguments.synthesis import guessed
from skiplint.targets.building.arguments import evaluating
from skiplint.targets.models.project import Project
from skiplint.targets.records import Constructor, ModelTarget, Way, Ways

Source = Callable[[Constructor, Project], Ways]

SOURCES: tuple[Source, ...] = (project_calls, settings_objects, config_files, guessed)
"""Where arguments are looked for after the target's own way, the most telling first."""


def constructions(
    target: ModelTarget, project: Project | None
) -> Generator[ModelTarget, Exception | None, None]:
    """The target once for each way to construct its model; every one is sent what came of it.

    Args:
        target: as it was found.
        project: the project of its file; None where it comes from no file.
    """
    if target.constructor is not None and project is not None:
        target = replace(target, fed_elsewhere=partial(fed_anywhere, target.constructor, project))
    if target.unbuilt is None:
        yield target
    if target.constructor is None or project is None:
        return
    for source in SOURCES:
        ways = source(target.constructor, project)
        outcome: Exception | None = None
        try:
            way = _in_environment(target, partial(next, ways))
            while True:
                outcome = yield replace(
                    target,
                    build=way.make,
                    built_with=way.built_with,
                    unbuilt=None,
                    demos=(*way.demos, *target.demos),
                )
                way = _in_environment(target, partial(ways.send, outcome))
        except StopIteration:
            continue


def _in_environment(target: ModelTarget, ask: Callable[[], Way]) -> Way:
    """The next way, looked for where the target's file is imported."""
    with evaluating(target):
        return ask()
