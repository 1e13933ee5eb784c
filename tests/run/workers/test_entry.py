"""Workers do whatever their entry point says; this one counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from skiplint.run.workers import (
    Completed,
    Item,
    ItemDone,
    Listener,
    Lost,
    Pool,
    Unit,
    Work,
    WorkerError,
    Workers,
    Working,
)

ENTRY = "tests.run.workers.test_entry:counting"


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3]))


def counting(threads: int) -> Callable[[bytes], Work]:
    """An entry: a unit "3" has three items, each with its number times a factor as result."""

    def work_of(setup: bytes) -> Work:
        factor = msgspec.json.decode(setup, type=int)

        def work(unit: Unit, listener: Listener, leave_out: frozenset[int]) -> None:
            count = int(unit.target)
            listener.found([Item(f"{unit.target}:{number}", str(number)) for number in range(count)])
            for number in set(range(count)) - leave_out:
                listener.working(number, "it was counted")
                # Text that is no valid Unicode cannot be sent.
                listener.made(number, number * factor if number < 2 else "\ud800")
            listener.finished(count)

        return work

    return work_of


def run(entry: str) -> tuple[dict[str, list[int | str]], list[str]]:
    units = [Unit("1"), Unit("3")]
    begun: list[str] = []
    found: dict[str, list[int | str]] = {unit.target: [] for unit in units}
    with Pool(Workers(jobs=1), entry, b"10") as pool:
        for number, happening in pool.run(units):
            target = units[number].target
            if isinstance(happening, Working):
                begun.append(f"{target}:{happening.item}")
            elif isinstance(happening, ItemDone):
                result = happening.result
                found[target].append(
                    f"{result.item.target} {result.reason}"
                    if isinstance(result, Lost)
                    else msgspec.json.decode(result)
                )
            elif isinstance(happening, Completed):
                assert happening.end is not None
                assert msgspec.json.decode(happening.end) == int(target)
    return found, begun


def test_results_come_back() -> None:
    found, begun = run(ENTRY)
    assert found["1"] == [0]
    assert found["3"][:2] == [0, 10]
    assert begun == ["1:0", "3:0", "3:1", "3:2"]


def test_what_cannot_be_sent_is_lost_alone() -> None:
    lost = run(ENTRY)[0]["3"][2]
    assert str(lost).startswith("3:2 UnicodeEncodeError: ")


def test_an_entry_that_is_not_there() -> None:
    with pytest.raises(WorkerError, match="failed to start: ModuleNotFoundError"):
        run("no_such_module:counting")
