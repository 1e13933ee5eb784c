"""Small projects and what is found in them for the tests of constructor arguments."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from skiplint.targets import ModelTarget, Projects, build, constructions, resolve

NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, dim, depth):
        super().__init__()
        self.layers = nn.Sequential(*[nn.Linear(dim, dim) for _ in range(depth)])

    def forward(self, x):
        return x + self.layers(x)
"""
"""A model whose arguments nothing in its own file says."""


@dataclass(frozen=True)
class Found:
    """One way to construct a model."""

    source: str
    place: str
    arguments: dict[str, Any]
    target: ModelTarget

    def build(self) -> Any:
        return build(self.target).model


Project = Callable[..., list[Found]]


@pytest.fixture
def ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Write a project's files and list the ways to construct one model of it that it tells.

    ``files`` maps names to sources; ``pkg/net.py`` holds :data:`NET` unless it is among them.
    """
    monkeypatch.chdir(tmp_path)

    def make(files: dict[str, str], of: str = "pkg/net.py:Net") -> list[Found]:
        everything = {"pyproject.toml": "", "pkg/__init__.py": "", "pkg/net.py": NET, **files}
        for name, source in everything.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(source))
        projects = Projects()
        (target,) = resolve(of, projects=projects)
        assert isinstance(target, ModelTarget)
        found = []
        for way in constructions(target, projects.of(tmp_path / of.partition(":")[0])):
            if way.built_with.source == "guessed":
                break  # the last source, which always has more
            args, kwargs = way.built_with.arguments()
            arguments = {**{str(number): value for number, value in enumerate(args)}, **kwargs}
            found.append(Found(way.built_with.source, way.built_with.place, arguments, way))
        return found

    return make
