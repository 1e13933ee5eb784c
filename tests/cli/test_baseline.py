"""``--write-baseline`` once, ``--baseline`` from then on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

Run = Callable[..., CompletedProcess[str]]

NET = """\
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        x = self.conv(x)
        return x + x
"""


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.py"
    path.write_text(NET)
    return path


def test_write_then_use(net: Path, skiplint: Run) -> None:
    written = skiplint("net.py", "--write-baseline", "baseline.json")
    assert written.returncode == 0, written.stderr
    assert "wrote 1 finding to baseline.json" in written.stderr
    assert [path.name for path in net.parent.iterdir() if "baseline" in path.name] == ["baseline.json"]

    net.write_text("# moved\n\n" + NET.replace("x = self.conv(x)", "x = self.conv(x)\n        x = x + x"))
    done = skiplint("net.py", "--baseline", "baseline.json", "--output-format", "concise")
    assert done.returncode == 1
    assert done.stdout.count("SKL205") == 1
    assert "net.py:13:" in done.stdout, "the new addition, not the known one"
    assert "1 finding is in baseline.json and not shown" in done.stderr


def test_from_the_configuration(net: Path, skiplint: Run) -> None:
    (net.parent / "skiplint.toml").write_text('baseline = "known/baseline.json"\n')
    (net.parent / "known").mkdir()
    missing = skiplint("net.py")
    assert missing.returncode == 2
    assert missing.stderr == (
        "skiplint: error: baseline known/baseline.json does not exist; "
        "write it with --write-baseline known/baseline.json\n"
    )
    assert skiplint("net.py", "--write-baseline", "known/baseline.json").returncode == 0
    assert skiplint("net.py").returncode == 0
    (net.parent / "sub").mkdir()
    assert skiplint("../net.py", cwd=net.parent / "sub").returncode == 0


def test_a_folder_that_is_not_there(net: Path, skiplint: Run) -> None:
    done = skiplint("net.py", "--write-baseline", "no/where.json")
    assert done.returncode == 2
    assert done.stderr == "skiplint: error: cannot write no/where.json: there is no folder no\n"
    assert done.stdout == ""
