"""A project with one good and one bad model."""

from __future__ import annotations

from pathlib import Path

import pytest

GOOD = """\
from torch import nn


class Good(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x):
        return x + self.layer(x)
"""
BAD = GOOD.replace("class Good", "class Bad").replace(
    "return x + self.layer(x)", "y = self.layer(x)\n        return y + y"
)
NEEDS = """

class Needs(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, 8)

    def forward(self, x):
        return x + self.layer(x)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """``nets/good.py`` has Good and Needs, which cannot be built as it stands; ``nets/bad.py`` has Bad."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "good.py").write_text(GOOD + NEEDS)
    (tmp_path / "nets" / "bad.py").write_text(BAD)
    return tmp_path
