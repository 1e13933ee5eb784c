"""In which order ways to construct a model are tried, and which of them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from skiplint.run.trials import NotConstructedError, Trials, traced
from skiplint.targets.arguments import ways
from skiplint.targets.arguments.ways import Ways
from skiplint.targets.models.project import Project
from skiplint.targets.records import (
    ArgumentsSource,
    BuiltWith,
    Constructor,
    ModelTarget,
    NotAModelError,
    SkippedTarget,
    TargetError,
)

Trace = Callable[[ModelTarget], tuple[Any, Any]]
SKIPPED = SkippedTarget("net.py:Net", "Net", "net.py", 1, "width is not known")
CONSTRUCTOR = Constructor("Net", dict, Path("net.py"), {})


def net(**fields: Any) -> ModelTarget:
    return ModelTarget("net.py:Net", "Net", "net.py", 1, dict, constructor=CONSTRUCTOR, **fields)


def project_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *sources: Callable[..., Ways]) -> Project:
    from skiplint.sources.project_files import ProjectFiles

    monkeypatch.setattr(ways, "SOURCES", sources)
    return Project(ProjectFiles(tmp_path))


def offering(source: ArgumentsSource, *widths: int, told: list[Any] | None = None) -> Callable[..., Ways]:
    """A source of arguments that offers some widths and notes what comes of each."""

    def offered(constructor: Constructor, _: Project) -> Ways:
        for width in widths:
            outcome = yield constructor.way(BuiltWith(source, f"width {width}", lambda: ((), {})))
            if told is not None:
                told.append(outcome)

    return offered


def tracing(results: Mapping[str, str]) -> Trace:
    """Traces by what is written for a place: "works", "faulty", or the message of a failure."""

    def trace(target: ModelTarget) -> tuple[Any, Any]:
        said = results[target.built_with.place]
        if said not in ("works", "faulty"):
            raise TargetError(said)
        return SimpleNamespace(graph=SimpleNamespace(faults=said == "faulty")), cast(Any, None)

    return trace


def test_a_model_that_can_be_built_as_it_is_needs_no_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with(tmp_path, monkeypatch, offering("project", 8))

    trial = traced(Trials(net(), project, tracing({"": "works"})))

    assert trial.target.built_with.source == "defaults"


def test_the_first_way_that_works_counts_and_each_source_is_told_what_came_of_its_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    project = project_with(
        tmp_path, monkeypatch, offering("project", 1, 2, told=told), offering("guessed", 3, 4)
    )
    results = {"width 1": "1 is odd", "width 2": "2 is too small", "width 3": "works"}

    trial = traced(Trials(net(unbuilt=SKIPPED), project, tracing(results)))

    assert (trial.target.built_with.source, trial.target.built_with.place) == ("guessed", "width 3")
    assert [str(outcome) for outcome in told] == ["1 is odd", "2 is too small"]


def test_a_fault_under_arguments_that_the_author_means_is_the_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with(tmp_path, monkeypatch, offering("guessed", 3))

    trial = traced(Trials(net(), project, tracing({"": "faulty", "width 3": "works"})))

    assert trial.target.built_with.source == "defaults"


def test_a_fault_under_other_arguments_is_the_answer_only_if_no_way_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with(tmp_path, monkeypatch, offering("project", 1, 2))
    faulty = {"width 1": "faulty", "width 2": "faulty"}

    better = traced(Trials(net(unbuilt=SKIPPED), project, tracing({**faulty, "width 2": "works"})))
    only = traced(Trials(net(unbuilt=SKIPPED), project, tracing(faulty)))

    assert (better.target.built_with.place, only.target.built_with.place) == ("width 2", "width 1")


def test_where_nothing_works_the_first_failure_or_the_missing_arguments_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with(tmp_path, monkeypatch, offering("project", 1))
    results = {"": "it needs a network", "width 1": "1 is odd"}

    with pytest.raises(TargetError, match="it needs a network"):
        traced(Trials(net(), project, tracing(results)))
    with pytest.raises(NotConstructedError, match="width is not known"):
        traced(Trials(net(unbuilt=SKIPPED), project, tracing(results)))


def test_what_gives_no_model_is_not_tried_with_other_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = project_with(tmp_path, monkeypatch, offering("project", 1), offering("guessed", 2))

    def trace(_: ModelTarget) -> tuple[Any, Any]:
        raise NotAModelError("json:dumps: dumps gives str, not a torch.nn.Module")

    with pytest.raises(NotAModelError, match="gives str"):
        traced(Trials(net(unbuilt=SKIPPED), project, trace))


def test_another_way_is_asked_for_after_one_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    project = project_with(tmp_path, monkeypatch, offering("guessed", 1, 2, told=told))
    trials = Trials(net(unbuilt=SKIPPED), project, tracing({"width 1": "works", "width 2": "works"}))

    first, second, end = trials.another(), trials.another(), trials.another()

    assert first is not None
    assert second is not None
    assert end is None
    assert (first.target.built_with.place, second.target.built_with.place) == ("width 1", "width 2")
    assert told == [None, None]


def test_the_reason_is_that_of_the_way_that_got_furthest_whatever_its_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of the project constructs it and its forward fails: what is missing is no argument."""
    sources = offering("project", 1), offering("guessed", 2)
    project = project_with(tmp_path, monkeypatch, *sources)

    def trace(target: ModelTarget) -> tuple[Any, Any]:
        error = TargetError(f"fails with {target.built_with.place}")
        error.attempt = cast(Any, "inputs") if target.built_with.source == "project" else None
        raise error

    with pytest.raises(NotConstructedError) as caught:
        traced(Trials(net(unbuilt=SKIPPED), project, trace))

    assert caught.value.skipped.reason == "fails with width 1 (constructed as in width 1)"
    assert caught.value.skipped.error is not None


def test_of_ways_that_get_as_far_the_more_telling_source_gives_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = offering("project", 1), offering("guessed", 2)
    project = project_with(tmp_path, monkeypatch, *sources)
    results = {"width 1": "1 is odd", "width 2": "2 is too small"}

    with pytest.raises(NotConstructedError) as caught:
        traced(Trials(net(unbuilt=SKIPPED), project, tracing(results)))

    assert "as in width 1 fails (TargetError: 1 is odd" in caught.value.skipped.reason
