"""Results go on in the order of the targets, whatever the order in which they come."""

from __future__ import annotations

from skiplint.linting.registry import Registry
from skiplint.reporting.report import Interruption, ModelReport
from skiplint.run.course import Course
from skiplint.run.follower import Follower
from skiplint.run.gather import Gathering
from skiplint.run.outcome import Outcome, UnitResult
from skiplint.run.plan import Plan
from skiplint.run.workers import Item, Unit
from skiplint.settings.settings import Settings

A, B, C = (Unit(f"nets/{name}.py", member=True) for name in "abc")


class Printed(Follower):
    """Keeps the names of the models whose place is fixed."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def reported(self, model: ModelReport) -> None:
        self.names.append(model.name)


def outcome(name: str) -> Outcome:
    return Outcome(ModelReport(target=name, name=name, status="traced"))


class Run:
    """A run over the files a, b and c of a folder, and over b once more."""

    def __init__(self) -> None:
        self.printed = Printed()
        self.gathering = Gathering(Registry(()), Settings())
        self.kept: list[tuple[Unit, UnitResult]] = []
        plans = [Plan("nets", (A, B, C)), Plan("nets/b.py", (B,))]
        self.course = Course(plans, self.gathering, self.printed)

    def found(self, unit: Unit, *names: str) -> None:
        self.course.found(unit, [Item(name, name) for name in names])

    def end(self, unit: Unit) -> None:
        self.course.listener(unit, lambda *pair: self.kept.append(pair)).finished(None)


def test_each_model_goes_on_as_soon_as_all_before_it_are_there() -> None:
    run = Run()
    run.found(B, "b1")
    run.course.made(B, outcome("b1"))
    run.end(B)
    assert run.printed.names == []
    run.found(A, "a1", "a2")
    run.course.made(A, outcome("a1"))
    assert run.printed.names == ["a1"]
    run.course.made(A, outcome("a2"))
    assert run.printed.names == ["a1", "a2"]
    run.end(A)
    assert run.printed.names == ["a1", "a2", "b1"]
    run.found(C)
    run.end(C)
    assert run.printed.names == ["a1", "a2", "b1", "b1"]
    assert [model.name for model in run.gathering.report().models] == run.printed.names
    assert [(unit, len(result.outcomes)) for unit, result in run.kept] == [(B, 1), (A, 2), (C, 0)]


def test_what_an_interrupted_run_has_done() -> None:
    run = Run()
    run.found(A, "a1", "a2")
    run.course.made(A, outcome("a1"))
    run.found(B, "b1")
    run.course.made(B, outcome("b1"))
    run.end(B)
    run.course.cut_short(2)
    report = run.gathering.report()
    assert [model.name for model in report.models] == run.printed.names == ["a1", "b1", "b1"]
    assert report.interruption == Interruption(2, 1, 3, "file")
    assert report.notes == ()  # "no model in nets/c.py" is not known.


def test_models_are_counted_where_there_is_one_unit() -> None:
    gathering = Gathering(Registry(()), Settings())
    course = Course([Plan("a.py", (Unit("a.py"),))], gathering, Follower())
    course.cut_short(15)
    assert str(gathering.report().interruption) == "interrupted before the first model"
    course.found(Unit("a.py"), [Item("x", "x"), Item("y", "y")])
    course.made(Unit("a.py"), outcome("x"))
    course.cut_short(15)
    assert str(gathering.report().interruption) == "interrupted after 1 of 2 models"
