"""Worker processes as models meet them: what is lost is told by fields, not by sentences."""

from __future__ import annotations

import pytest

from skiplint.run.processes import _outcome_of_lost
from skiplint.run.workers import Item, Lost

NET = Item("net.py:Net", "Net", "/nets/net.py", 3)


@pytest.mark.parametrize(
    ("lost", "reason"),
    [
        (
            Lost(NET, "its process crashed", "it was built, in line 9"),
            "its process crashed while it was built, in line 9",
        ),
        (
            Lost(NET, "it ran out of memory", "its forward ran", out_of_memory=True),
            "it ran out of memory (one model may take 1.0 GiB: --memory-limit) while its forward ran",
        ),
        (
            Lost(NET, "OverflowError: too big", unsendable=True),
            "skiplint itself failed on this model, please report it: OverflowError: too big",
        ),
    ],
)
def test_why_a_model_is_lost(lost: Lost, reason: str) -> None:
    report = _outcome_of_lost(lost, 1 << 30).report
    assert (report.target, report.line, report.status, report.reason) == ("net.py:Net", 3, "failed", reason)
