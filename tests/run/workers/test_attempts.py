"""Whom the death of a process is held against."""

from __future__ import annotations

import msgspec

from skiplint.run.workers.messages import Item, Unit
from skiplint.run.workers.pool import Lost, _Attempt

DONE = msgspec.Raw(b"1")


def attempt(*names: str) -> _Attempt:
    return _Attempt(0, Unit("net.py"), tuple(Item(f"net.py:{name}", name) for name in names))


def reasons(found: _Attempt) -> dict[int, str | None]:
    """Why items are lost, by number; None for one that is done."""
    return {n: result.reason if isinstance(result, Lost) else None for n, result in found.done.items()}


def test_the_item_at_work() -> None:
    found = attempt("First", "Bad", "Last")
    found.item = 1
    found.lose("crashed")
    assert reasons(found) == {1: "crashed"}
    assert found.left() == [0, 2]


def test_nobody_at_first_between_two_items() -> None:
    found = attempt("First", "Last")
    found.end(0, DONE)
    found.lose("crashed")
    assert reasons(found) == {0: None}
    assert found.left() == [1]
    found.lose("crashed again")
    assert reasons(found) == {0: None, 1: "crashed again"}


def test_the_whole_unit_before_its_items_are_known() -> None:
    found = _Attempt(0, Unit("net.py"))
    found.lose("crashed")
    assert reasons(found) == {0: "crashed"}
    assert found.left() == []


def test_a_result_of_the_unit_counts_only_if_no_process_ended_over_it() -> None:
    found = attempt("First", "Last")
    found.end(0, DONE)
    found.end(1, DONE)
    assert found.completed(DONE).end == DONE
    found.lose("crashed")
    assert found.completed(DONE).end is None
