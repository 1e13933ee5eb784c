"""Comments in the heads of classes, and the findings of real models in these."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch

import skiplint

HEADER = """\
from torch import nn


def register(*names):
    return lambda cls: cls


"""
BODY = """\
    def __init__(self):
        super().__init__()
        self.relu, self.fc = nn.ReLU(inplace=True), nn.Linear(8, 8)

    def join(self, x, y):
        return x + y

    def forward(self, x):
        return self.join(x, self.fc(self.relu(x)))


"""
INHERITS = "class Base(nn.Module):\n" + BODY
COMMENT = "  # skiplint: ignore[SKL201] the activated value is meant"
MODEL = """\
class Model(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Linear(8, 8), Block())

    def forward(self, x):
        return super().forward(x)
"""


def indented(text: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in text.splitlines(keepends=True))


SOURCES = {
    "plain": f"class Block(nn.Module):{COMMENT}\n{BODY}",
    "decorated": f"@register('a')\nclass Block(nn.Module):{COMMENT}\n{BODY}",
    "on a decorator": f"@register()\n@register(\n    'a',\n){COMMENT}\nclass Block(nn.Module):\n{BODY}",
    "on the last line of the bases": f"class Block(\n    nn.Module,\n):{COMMENT}\n{BODY}",
    "on a base": f"class Block(\n    nn.Module,{COMMENT}\n):\n{BODY}",
    "nested": f"class Outer:\n    class Block(nn.Module):{COMMENT}\n{indented(BODY)}\nBlock = Outer.Block\n",
    "in a function": f"def made():\n    class Block(nn.Module):{COMMENT}\n{indented(BODY)}"
    "    return Block\n\n\nBlock = made()\n",
    "inherited": f"{INHERITS}class Block(Base):{COMMENT}\n    def __init__(self):\n"
    "        super().__init__()\n\n\n",
    "inherited whole": f"{INHERITS}class Block(Base):{COMMENT}\n    pass\n\n\n",
    "on one line": f"{INHERITS}class Block(Base): pass{COMMENT}\n",
    "a decorated method first": f"class Block(nn.Module):{COMMENT}\n    @property\n    def width(self):\n"
    f"        return 8\n\n{BODY}",
}
ELSEWHERE = {
    "on another class": f"class Other(nn.Module):{COMMENT}\n    pass\n\n\nclass Block(nn.Module):\n{BODY}",
    "on the base": f"class Base(nn.Module):{COMMENT}\n    pass\n\n\nclass Block(Base):\n{BODY}",
    "on another method": f"class Block(nn.Module):\n    def other(self):{COMMENT}\n        pass\n\n{BODY}",
    "on the class inside": f"class Block(nn.Module):\n    class Config:{COMMENT}\n        pass\n\n{BODY}",
}


Found = Callable[[str], list[str]]


@pytest.fixture
def found(in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Found:
    """The codes of what is found in the model of a module."""

    def run(text: str) -> list[str]:
        path = in_tmp_path / "net.py"
        path.write_text(HEADER + text + MODEL)
        linecache.checkcache(str(path))
        module = ModuleType("written_net")
        module.__file__ = str(path)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(path.read_text(), str(path), "exec"), module.__dict__)
        report = skiplint.lint(module.Model(), torch.randn(2, 8))
        return [finding.code for finding in report.findings]

    return run


@pytest.mark.parametrize("text", SOURCES.values(), ids=SOURCES.keys())
def test_a_comment_in_the_head_of_a_class_hides_what_is_found_in_it(found: Found, text: str) -> None:
    assert found(text) == []
    assert found(text.replace(COMMENT, "")) == ["SKL201"]


@pytest.mark.parametrize("text", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_a_comment_elsewhere_hides_nothing(found: Found, text: str) -> None:
    assert "SKL201" in found(text)


@pytest.mark.parametrize("text", SOURCES.values(), ids=SOURCES.keys())
def test_a_comment_in_the_head_of_a_class_in_which_nothing_is_found_is_idle(found: Found, text: str) -> None:
    assert found(text.replace("inplace=True", "inplace=False")) == ["SKL001"]


def test_a_class_that_did_not_run_is_not_held_against_its_comment(found: Found) -> None:
    other = f"    class Other(nn.Module):{COMMENT}\n{indented(BODY)}"
    block = f"    class Block(nn.Module):\n{indented(BODY)}"
    text = f"def made():\n{other}\n{block}    return Block\n\n\nBlock = made()\n"
    assert found(text.replace("inplace=True", "inplace=False")) == []
