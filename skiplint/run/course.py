"""The course of a run: results come from the units in any order and go on in the order of the targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from skiplint.reporting.report import Interruption
from skiplint.run.follower import Follower
from skiplint.run.gather import Gathering, as_shown
from skiplint.run.outcome import Outcome, UnitResult
from skiplint.run.plan import Plan
from skiplint.run.workers import Item, Unit
from skiplint.sources.footprint import Footprint


@dataclass
class _State:
    """What is known of one unit."""

    items: Sequence[Item] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    """In the order of the items."""
    over: bool = False


class Course:
    """Takes in what happens to each unit, and gathers each outcome as soon as all before it are there."""

    def __init__(self, plans: Sequence[Plan], gathering: Gathering, follower: Follower) -> None:
        """Begin the course of a run.

        Args:
            plans: what each target comes to.
            gathering: takes in the outcomes, in order.
            follower: is told how the run goes.
        """
        self._plans = plans
        self._gathering = gathering
        self._follower = follower
        self._states = {unit: _State() for plan in plans for unit in plan.units}
        # The place of the next outcome: a plan, a unit of it, and how many outcomes of that are gathered.
        self._plan = self._unit = self._taken = 0
        self._noun: Literal["file", "target"] = (
            "file" if any(unit.member for unit in self._states) else "target"
        )
        follower.planned(len(self._states), self._noun)

    @property
    def units(self) -> Sequence[Unit]:
        """All units of the run, each once."""
        return tuple(self._states)

    def listener(self, unit: Unit, keep: Callable[[Unit, UnitResult], None]) -> UnitListener:
        """Listens to what happens to ``unit``.

        Args:
            unit: the unit.
            keep: called with its result when it is done.
        """
        return UnitListener(self, unit, keep)

    def recall(self, unit: Unit, outcomes: Sequence[Outcome]) -> None:
        """Take in the outcomes of ``unit`` from an earlier run."""
        self.found(unit, [Item(each.report.target, each.report.name) for each in outcomes])
        for outcome in outcomes:
            self.made(unit, outcome)
        self.over(unit)

    def found(self, unit: Unit, items: Sequence[Item]) -> None:
        """``unit`` holds ``items``."""
        self._states[unit].items = items
        self._follower.found(len(items))

    def working(self, unit: Unit, item: int, stage: str) -> None:
        """Work on an item of ``unit`` goes on."""
        self._follower.working(self._states[unit].items[item].target, stage)

    def made(self, unit: Unit, outcome: Outcome) -> None:
        """The next item of ``unit`` is done."""
        self._states[unit].outcomes.append(outcome)
        self._follower.done(outcome.report.target, outcome.report.status)
        self.gather()

    def over(self, unit: Unit) -> tuple[Outcome, ...]:
        """``unit`` is done; its outcomes."""
        state = self._states[unit]
        state.over = True
        self._follower.unit_done()
        self.gather()
        return tuple(state.outcomes)

    def gather(self) -> None:
        """Gather what follows on what is gathered already."""
        while self._plan < len(self._plans):
            plan = self._plans[self._plan]
            while self._unit < len(plan.units):
                state = self._states[plan.units[self._unit]]
                self._take(state)
                if not state.over:
                    return
                self._unit, self._taken = self._unit + 1, 0
            plan.conclude([o for unit in plan.units for o in self._states[unit].outcomes], self._gathering)
            self._plan, self._unit = self._plan + 1, 0

    def cut_short(self, signal: int) -> None:
        """Gather what is there of all units, since no more will come.

        Args:
            signal: the number of the one that ended the run.
        """
        for number, plan in enumerate(self._plans[self._plan :]):
            for unit in plan.units[self._unit if number == 0 else 0 :]:
                self._take(self._states[unit])
                self._taken = 0
        states = list(self._states.values())
        if len(states) == 1:
            (only,) = states
            how_far = Interruption(signal, len(only.outcomes), len(only.items), "model")
        else:
            how_far = Interruption(signal, sum(state.over for state in states), len(states), self._noun)
        self._gathering.interrupt(how_far)

    def _take(self, state: _State) -> None:
        while self._taken < len(state.outcomes):
            outcome = state.outcomes[self._taken]
            self._taken += 1
            if outcome.is_model:
                for report in self._gathering.add(outcome):
                    self._follower.reported(as_shown(report))


class UnitListener:
    """Tells the course of a run what happens to one unit."""

    def __init__(self, course: Course, unit: Unit, keep: Callable[[Unit, UnitResult], None]) -> None:
        self._course = course
        self._unit = unit
        self._keep = keep

    def found(self, items: Sequence[Item]) -> None:
        """The unit holds ``items``."""
        self._course.found(self._unit, items)

    def working(self, item: int, stage: str) -> None:
        """Work on an item goes on."""
        self._course.working(self._unit, item, stage)

    def made(self, item: int, result: Outcome) -> None:
        """An item is done; items come in their order."""
        del item
        self._course.made(self._unit, result)

    def finished(self, result: Footprint | None) -> None:
        """The unit is done and depended on ``result``."""
        outcomes = self._course.over(self._unit)
        self._keep(self._unit, UnitResult(outcomes, result))
