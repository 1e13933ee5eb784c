"""What is tried after arguments that do not do, until a model can be constructed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skiplint.targets import ModelTarget, Projects, TargetError, build, constructions, resolve
from tests.targets.conftest import Write

Constructed = Callable[[str], dict[str, Any]]


@pytest.fixture
def constructed(write: Write) -> Constructed:
    """The guessed arguments with which ``Net`` of a file can be constructed."""

    def of(source: str) -> dict[str, Any]:
        path = write("net.py", source)
        projects = Projects()
        (target,) = (each for each in resolve(str(path), projects=projects) if each.name == "Net")
        assert isinstance(target, ModelTarget)
        ways = constructions(target, projects.of(Path(path)))
        outcome: Exception | None = None
        way = next(ways)
        while True:
            try:
                build(way)
            except TargetError as error:
                outcome = error
                way = ways.send(outcome)
            else:
                assert way.built_with.source == "guessed"
                return way.built_with.arguments()[1]

    return of


def test_a_default_that_does_not_do_is_replaced(constructed: Constructed) -> None:
    """Every argument has a default, and with None for the encoder nothing can be constructed."""
    found = constructed("""
        class Encoder(nn.Module):
            def __init__(self):
                super().__init__()
                self.width = 8
                self.layer = nn.Linear(8, 8)

            def forward(self, x):
                return self.layer(x)

        class Net(nn.Module):
            def __init__(self, encoder=None, classes=10):
                super().__init__()
                self.encoder = encoder
                self.head = nn.Linear(encoder.width, classes)

            def forward(self, x):
                return self.head(self.encoder(x))
        """)
    assert type(found["encoder"]).__name__ == "Encoder"


def test_what_is_moved_to_a_device_is_a_tensor(constructed: Constructed) -> None:
    found = constructed("""
        class Net(nn.Module):
            def __init__(self, width, groups=[]):
                super().__init__()
                self.register_buffer("groups", groups.to(torch.float32))
                self.layer = nn.Linear(width, width)

            def forward(self, x):
                return self.layer(x @ self.groups)
        """)
    assert found["groups"].shape == (found["width"], found["width"])


def test_defaults_that_contradict_each_other_are_made_to_fit(constructed: Constructed) -> None:
    found = constructed("""
        class Net(nn.Module):
            def __init__(self, width=16, speakers=128):
                super().__init__()
                assert speakers == width
                self.layer = nn.Linear(width, speakers)

            def forward(self, x):
                return self.layer(x)
        """)
    assert {"width": 16, "speakers": 128, **found} in (
        {"width": 16, "speakers": 16},
        {"width": 128, "speakers": 128},
    )


def test_a_word_is_a_key_of_the_table_that_a_class_holds(constructed: Constructed) -> None:
    found = constructed("""
        class Net(nn.Module):
            WIDTHS = {"DCU-10": 8, "DCU-16": 16}

            def __init__(self, architecture: str):
                super().__init__()
                self.layer = nn.Linear(self.WIDTHS[architecture], 4)

            def forward(self, x):
                return self.layer(x)
        """)
    assert found["architecture"] in ("DCU-10", "DCU-16")
