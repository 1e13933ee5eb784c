"""Whom the death of a process is held against."""

from __future__ import annotations

from skiplint.reporting.report import ModelReport
from skiplint.run.outcome import untraced
from skiplint.run.workers.messages import Named, Unit
from skiplint.run.workers.pool import _Attempt


def attempt(*names: str) -> _Attempt:
    return _Attempt(0, Unit("net.py"), tuple(Named(f"net.py:{name}", name) for name in names))


def reasons(found: _Attempt) -> dict[int, str | None]:
    return {number: outcome.report.reason for number, outcome in found.done.items()}


def test_the_model_at_work() -> None:
    found = attempt("First", "Bad", "Last")
    found.model = 1
    found.fail("crashed", "")
    assert reasons(found) == {1: "crashed"}
    assert found.left() == [0, 2]


def test_nobody_at_first_between_two_models() -> None:
    found = attempt("First", "Last")
    found.done[0] = untraced(ModelReport(target="net.py:First", name="First", status="failed", reason="full"))
    found.fail("crashed", "")
    assert reasons(found) == {0: "full"}
    assert found.left() == [1]
    found.fail("crashed again", "")
    assert reasons(found) == {0: "full", 1: "crashed again"}


def test_the_whole_file_while_it_is_imported() -> None:
    found = _Attempt(0, Unit("net.py"))
    found.fail("crashed", "")
    assert reasons(found) == {0: "crashed"}
    assert found.left() == []
