"""Ways to construct a model as other code of its project does: source "project"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from skiplint.targets.arguments.call_sites import CallSite, call_sites
from skiplint.targets.arguments.feeding import fed_beside
from skiplint.targets.arguments.resolved_calls import CallReader, ResolvedCall
from skiplint.targets.arguments.values import key_of
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.models.project import Project
from skiplint.targets.records import Arguments, BuiltWith, Constructor, Way, Ways

MOST_WAYS = 12
_MOST_SITES = 40
_PICKS = 3
"""How many values of a loop or a parametrised test are tried."""


def project_calls(constructor: Constructor, project: Project) -> Ways:
    """The constructor with the arguments of each call of it in the project, the nearest and fullest first."""
    reader = CallReader(constructor, project)
    doubtful: list[tuple[int, CallSite, int]] = []
    found = 0
    for site, pick, call in _calls(reader, constructor, project):
        if call.missing:
            continue
        if doubt := _doubt(call) + bool(site.method):
            doubtful.append((doubt, site, pick))
            continue
        yield _way(reader, constructor, project, site, pick)
        found += 1
        if found == MOST_WAYS:
            return
    for _, site, pick in sorted(doubtful, key=lambda each: each[0])[: MOST_WAYS - found]:
        yield _way(reader, constructor, project, site, pick)


def told_in_part(constructor: Constructor, project: Project) -> dict[str, Any]:
    """What can be told of the arguments of the fullest call in the project that leaves some open, by name.

    Values are evaluated on the device that is current.
    """
    calls = (
        call
        for site, _, call in _calls(CallReader(constructor, project), constructor, project)
        if call.missing and call.kwargs and not site.method
    )
    fullest = min(calls, key=lambda call: len(call.missing), default=None)
    return {} if fullest is None else fullest.kwargs


def _calls(
    reader: CallReader, constructor: Constructor, project: Project
) -> Iterator[tuple[CallSite, int, ResolvedCall]]:
    """The different calls of the constructor, the nearest first, each with the number of its values."""
    seen: set[str] = set()
    for site in call_sites(constructor, project)[:_MOST_SITES]:
        for pick in range(_PICKS):
            try:
                call = reader.resolved(site, pick)
            except (NotSimpleError, AttributeError):
                break
            key = key_of((site.method, call.args, call.kwargs))
            if key in seen:
                break
            seen.add(key)
            yield site, pick, call
            if not call.several:
                break


def _way(reader: CallReader, constructor: Constructor, project: Project, site: CallSite, pick: int) -> Way:
    built_with = BuiltWith("project", site.place(project.files.root), _arguments(reader, site, pick))
    made = constructor.way(built_with)
    if site.method:
        made = Way(_called(reader, site, built_with), built_with)
    return replace(made, demos=tuple(fed_beside(site, constructor, project)))


def _doubt(call: ResolvedCall) -> int:
    """How many of the arguments are left out, or are None as those of a command line that nobody types."""
    return call.left_out + sum(value is None for value in call.kwargs.values())


def _arguments(reader: CallReader, site: CallSite, pick: int) -> Callable[[], Arguments]:
    return lambda: reader.resolved(site, pick).arguments


def _called(reader: CallReader, site: CallSite, built_with: BuiltWith) -> Callable[[], Any]:
    def make() -> Any:
        args, kwargs = built_with.arguments()
        return reader.callee(site)(*args, **kwargs)

    return make
