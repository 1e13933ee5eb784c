"""The code that the guides show does what they say."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from skiplint import Rule
from skiplint.testing import assert_rule

GUIDES = Path(__file__).parents[1] / "docs"
CODE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_rule_in_the_guide_is_a_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    rule, usage = CODE.findall((GUIDES / "own-rules.md").read_text("utf-8"))
    pack = types.ModuleType("teampack.rules")
    monkeypatch.setitem(sys.modules, "teampack", types.ModuleType("teampack"))
    monkeypatch.setitem(sys.modules, "teampack.rules", pack)
    exec(compile(rule, "teampack/rules.py", "exec"), pack.__dict__)
    assert issubclass(pack.WideSpan, Rule)
    assert_rule(pack.WideSpan)
    scope: dict[str, object] = {}
    exec(usage, scope)  # it imports what the package above offers
    scope["test_wide_span"]()  # type: ignore[operator]


def test_every_page_is_in_the_navigation() -> None:
    navigation = (GUIDES.parent / "mkdocs.yml").read_text("utf-8")
    pages = {page.name for page in GUIDES.glob("*.md")}
    assert pages == set(re.findall(r": (\S+\.md)", navigation)) - {"commands.md", "rules/README.md"}
