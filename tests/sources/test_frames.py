"""From a running frame to the range of its call."""

from __future__ import annotations

import sys
from typing import Any

from skiplint import Location
from skiplint.sources.frames import call_location

FILE = "net.py"


def places_in(source: str) -> list[Location]:
    """Where each call of ``here`` stands in ``source``, in the order in which they run."""
    found: list[Location] = []

    def here(*_: Any) -> Any:
        found.append(call_location(sys._getframe(1)))
        return here

    exec(compile(source, FILE, "exec"), {"here": here})
    return found


def test_a_call_on_one_line() -> None:
    (place,) = places_in("x = here(1)\n")
    assert (place.line, place.column, place.end_line, place.end_column) == (1, 5, 1, 12)


def test_a_call_over_several_lines() -> None:
    (place,) = places_in("x = here(\n    1,\n  )\n")
    assert (place.line, place.column, place.end_line, place.end_column) == (1, 5, 3, 4)


def test_columns_count_bytes_as_those_of_python() -> None:
    (place,) = places_in("x = here('é')\n")
    assert place.end_column == len("x = here('é')".encode()) + 1


def test_calls_that_begin_at_one_place_are_equal() -> None:
    inner, outer = places_in("here(1)(2)\n")
    assert inner == outer
    assert hash(inner) == hash(outer)
    assert (inner.end_column, outer.end_column) == (8, 11)
