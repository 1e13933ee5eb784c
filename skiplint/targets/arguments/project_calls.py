"""Ways to construct a model as other code of its project does: source "project"."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from skiplint.targets.arguments.call_sites import CallSite, call_sites
from skiplint.targets.arguments.resolved_calls import CallReader, ResolvedCall
from skiplint.targets.arguments.values import key_of
from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.models.project import Project
from skiplint.targets.records import Arguments, BuiltWith, Constructor, Way

MOST_WAYS = 12
_PICKS = 3
"""How many values of a loop or a parametrised test are tried."""


@dataclass(frozen=True)
class KnownArguments:
    """Those arguments of a call that can be told; ``missing`` names the parameters that cannot."""

    place: str
    missing: tuple[str, ...]
    values: dict[str, Any]


def project_calls(constructor: Constructor, project: Project) -> Iterator[Way]:
    """The constructor with the arguments of each call of it in the project, the nearest and fullest first."""
    reader = CallReader(constructor, project)
    for site, pick, _ in _ranked(reader, constructor, project, complete=True)[:MOST_WAYS]:
        built_with = BuiltWith("project", site.place(project.files.root), _arguments(reader, site, pick))
        if site.method:
            yield Way(_called(reader, site, built_with), built_with)
        else:
            yield constructor.way(built_with)


def known_arguments(constructor: Constructor, project: Project) -> tuple[KnownArguments, ...]:
    """What calls in the project say of the arguments where some that are needed cannot be told.

    The most telling first. Values are evaluated on the device that is current.
    """
    reader = CallReader(constructor, project)
    found = _ranked(reader, constructor, project, complete=False)
    return tuple(
        KnownArguments(site.place(project.files.root), call.missing, call.kwargs)
        for site, _, call in found
        if call.kwargs and not site.method
    )[:MOST_WAYS]


def _ranked(
    reader: CallReader, constructor: Constructor, project: Project, *, complete: bool
) -> list[tuple[CallSite, int, ResolvedCall]]:
    found: dict[str, tuple[tuple[int, ...], CallSite, int, ResolvedCall]] = {}
    for site in call_sites(constructor, project):
        for pick in range(_PICKS):
            try:
                call = reader.resolved(site, pick)
            except (NotSimpleError, AttributeError):
                break
            if bool(call.missing) is complete:
                break
            key = key_of((site.method, call.args, call.kwargs))
            rank = (len(call.missing), bool(site.method), _doubtful(call), site.distance, pick)
            if key not in found or rank < found[key][0]:
                found[key] = (rank, site, pick, call)
    ordered = sorted(found.values(), key=lambda each: each[0])
    return [(site, pick, call) for _, site, pick, call in ordered]


def _doubtful(call: ResolvedCall) -> int:
    """How many of the arguments are left out, or are None as those of a command line that nobody types."""
    return call.left_out + sum(value is None for value in call.kwargs.values())


def _arguments(reader: CallReader, site: CallSite, pick: int) -> Callable[[], Arguments]:
    return lambda: reader.resolved(site, pick).arguments


def _called(reader: CallReader, site: CallSite, built_with: BuiltWith) -> Callable[[], Any]:
    def make() -> Any:
        args, kwargs = built_with.arguments()
        return reader.callee(site)(*args, **kwargs)

    return make
