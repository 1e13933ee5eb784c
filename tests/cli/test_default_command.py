"""``skiplint TARGET`` is ``skiplint check TARGET``."""

from __future__ import annotations

import pytest

from skiplint.cli.app import with_default_command


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ([], []),
        (["model.py"], ["check", "model.py"]),
        (["--select", "SKL2", "model.py"], ["check", "--select", "SKL2", "model.py"]),
        (["check", "model.py"], ["check", "model.py"]),
        (["rules"], ["rules"]),
        (["./rules"], ["check", "./rules"]),
        (["--version"], ["--version"]),
        (["-h"], ["-h"]),
    ],
)
def test_arguments(typed: list[str], meant: list[str]) -> None:
    assert with_default_command(typed) == meant
