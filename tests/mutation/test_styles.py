"""Faults in models of many styles: each is found at its line, with a remedy, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent

import pytest

import skiplint
from skiplint import Finding, Settings

from . import styles
from .applying import applied
from .architectures import ARCHITECTURES
from .test_planted_shapes import load

PARTS = (styles.RECURRENT, styles.JOINS, styles.PADDINGS, styles.LAYERS, styles.NARROW, styles.LOOPS)
SOURCES = {name: text for part in (*PARTS, ARCHITECTURES) for name, text in part.items()}
HEADER = "import math\nimport torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n"
SHAPES = Settings(select=("SKL101", "SKL102", "SKL103"))
MARK = re.compile(r"# (SKL\d+) (.+)$")


def source_of(name: str) -> str:
    return f"{HEADER}{dedent(SOURCES[name])}\nmodel = Net()\n"


def findings_in(text: str, folder: Path) -> tuple[Finding, ...]:
    model, inputs = load(text, str(folder))
    return skiplint.lint(model, *inputs, settings=SHAPES).findings


@pytest.mark.parametrize("name", SOURCES)
def test_each_fault_is_found_at_its_line_with_a_remedy(name: str, tmp_path: Path) -> None:
    text = source_of(name)
    findings = findings_in(text, tmp_path)
    lines = enumerate(text.splitlines(), 1)
    expected = {(mark[1], number): mark[2] for number, line in lines if (mark := MARK.search(line))}
    found = {(each.code, each.location.line if each.location else 0): each for each in findings}
    assert sorted(found) == sorted(expected)
    assert len(found) == len(findings), "one report a fault"
    for place, piece in expected.items():
        assert piece in (found[place].suggestion or "")
    if all(each.fix for each in findings):
        mended, inputs = load(applied(text, findings), str(tmp_path), "mended.py")
        mended(*inputs)
        assert not skiplint.lint(mended, *inputs, settings=SHAPES).findings
