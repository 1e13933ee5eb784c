"""The code that the guides show does what they say."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import skiplint
from skiplint import Rule
from skiplint.testing import assert_rule

GUIDES = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_rule_in_the_guide_is_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, usage, _ = CODE.findall((GUIDES / "own-rules.md").read_text("utf-8"))
    pack = types.ModuleType("teampack.rules")
    monkeypatch.setitem(sys.modules, "teampack", types.ModuleType("teampack"))
    monkeypatch.setitem(sys.modules, "teampack.rules", pack)
    exec(compile(rule, "teampack/rules.py", "exec"), pack.__dict__)
    assert issubclass(pack.WideSpan, Rule)
    assert_rule(pack.WideSpan)
    scope: dict[str, object] = {}
    exec(usage, scope)  # it imports what the package above offers
    scope["test_wide_span"]()  # type: ignore[operator]


def test_the_provider_in_the_guide_is_one() -> None:
    *_, provider = CODE.findall((GUIDES / "own-rules.md").read_text("utf-8"))
    scope: dict[str, Any] = {}
    exec(provider, scope)
    model = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8))
    assert skiplint.analyze(model, torch.rand(1, 8)).of(scope["Bottleneck"]) == "0"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (GUIDES.parent / "mkdocs.yml").read_text("utf-8")
    pages = {page.name for page in GUIDES.glob("*.md")}
    assert pages == set(re.findall(r": (\S+\.md)", navigation)) - {"commands.md", "rules/README.md"}
