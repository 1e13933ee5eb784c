"""``skiplint --fix`` on real files, in real processes."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

BLOCK = """\
import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.branch = nn.Sequential(
            nn.ReLU(inplace=True),  # first
            nn.Conv2d(channels, channels, 3, padding=1),
        )

    def forward(self, x):
        out = self.branch(x)
        out += x
        return out


model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
"""


def test_fix_writes_what_was_tried_and_reports_what_is_left(tmp_path: Path, skiplint: Run) -> None:
    file = tmp_path / "block.py"
    file.write_bytes(BLOCK.replace("\n", "\r\n").encode())
    file.chmod(0o640)
    result = skiplint("block.py", "--fix", "--quiet")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "", "quiet, and nothing is left"
    assert result.stderr == "skiplint: fixed 2 findings in block.py\n"
    wanted = BLOCK.replace("nn.ReLU(inplace=True)", "nn.ReLU(inplace=False)")
    assert file.read_bytes() == wanted.replace("\n", "\r\n").encode()
    assert file.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != "") == ["block.py"]


@pytest.mark.parametrize(
    ("prefix", "encoding"),
    [("", "utf-8-sig"), ("# coding: latin-1\n# caf\u00e9\n", "latin-1"), ("\f\n", "utf-8")],
    ids=["byte order mark", "latin-1", "form feed"],
)
def test_a_file_stays_in_its_encoding(tmp_path: Path, skiplint: Run, prefix: str, encoding: str) -> None:
    file = tmp_path / "block.py"
    file.write_bytes((prefix + BLOCK).encode(encoding))
    shown = skiplint("block.py", "--show-fixes").stdout
    assert [line for line in shown.splitlines() if line[:2] in ("+ ", "- ")] == [
        "-            nn.ReLU(inplace=True),  # first",
        "+            nn.ReLU(inplace=False),  # first",
    ]
    result = skiplint("block.py", "--fix", "--quiet")
    assert (result.returncode, result.stderr) == (0, "skiplint: fixed 2 findings in block.py\n")
    assert file.read_bytes() == (prefix + BLOCK.replace("inplace=True", "inplace=False")).encode(encoding)


def test_a_read_only_file_is_left_alone_and_so_are_the_others(tmp_path: Path, skiplint: Run) -> None:
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text(BLOCK)
    (tmp_path / "two.py").chmod(0o444)
    result = skiplint("one.py", "two.py", "--fix", "--quiet")
    assert result.returncode == 2
    assert result.stderr == "skiplint: error: cannot write two.py: it is read-only\n"
    assert (tmp_path / "one.py").read_text() == (tmp_path / "two.py").read_text() == BLOCK


def test_show_fixes_prints_a_diff_that_applies_and_writes_nothing(tmp_path: Path, skiplint: Run) -> None:
    file = tmp_path / "block.py"
    file.write_text(BLOCK)
    result = skiplint("block.py", "--show-fixes")
    assert result.returncode == 1
    assert result.stdout.startswith("--- a/block.py\n+++ b/block.py\n@@ ")
    assert "+            nn.ReLU(inplace=False),  # first\n" in result.stdout
    assert result.stderr == "skiplint: would fix 2 findings in block.py\n"
    assert file.read_text() == BLOCK
    subprocess.run(["git", "apply", "-"], input=result.stdout, text=True, cwd=tmp_path, check=True)
    assert file.read_text() == BLOCK.replace("nn.ReLU(inplace=True)", "nn.ReLU(inplace=False)")


SHAPES = """\
import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return x + self.second(F.relu(self.first(x)))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.block = Block(8)
        self.down = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        self.up = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x):
        skip = self.block(self.stem(x))
        low = F.interpolate(self.down(skip), size=skip.shape[2:])
        return self.up(torch.cat([low, skip], dim=1))
"""


def test_a_model_that_does_not_run_is_mended(tmp_path: Path, skiplint: Run) -> None:
    file = tmp_path / "net.py"
    file.write_text(SHAPES)
    result = skiplint("net.py", "--fix")
    assert result.returncode == 0, result.stderr
    assert "1 model traced; no findings" in result.stdout
    mended = SHAPES.replace("nn.Conv2d(channels, channels, 3)", "nn.Conv2d(channels, channels, 3, padding=1)")
    assert file.read_text() == mended.replace("nn.Conv2d(16, 8", "nn.Conv2d(24, 8")


AXIS_AND_SIZE = """\
import torch
import torch.nn.functional as F
from torch import nn


class WrongAxis(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.second = nn.Conv2d(8, 4, 3, padding=1)
        self.head = nn.Conv2d(12, 4, 1)

    def forward(self, x):
        x = self.first(x)
        return self.head(torch.cat([x, self.second(x)], 2))


class EvenOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, padding=1)
        self.bottom = nn.Conv2d(8, 8, 3, padding=1)
        self.up = nn.Conv2d(16, 8, 3, padding=1)

    def forward(self, x):
        skip = self.down(x)
        low = F.interpolate(self.bottom(F.max_pool2d(skip, 2)), scale_factor=2)
        return self.up(torch.cat([low, skip], dim=1))
"""


def test_what_may_not_be_meant_is_mended_only_when_asked_for(tmp_path: Path, skiplint: Run) -> None:
    file = tmp_path / "nets.py"
    file.write_text(AXIS_AND_SIZE)
    mended = AXIS_AND_SIZE.replace("self.second(x)], 2)", "self.second(x)], 1)")
    result = skiplint("nets.py", "--fix", "--quiet")
    assert result.stderr == "skiplint: fixed 1 finding in nets.py\n"
    assert "1 warning (1 fixable with --fix --unsafe-fixes)" in result.stdout
    assert file.read_text() == mended
    result = skiplint("nets.py", "--fix", "--unsafe-fixes", "--quiet")
    assert result.returncode == 0, result.stdout
    mended = mended.replace("torch.cat([low,", "torch.cat([F.interpolate(low, size=skip.shape[2:]),")
    assert file.read_text() == mended


VALID = """\
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3)
        self.bottom = nn.Conv2d(8, 8, 3)
        self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)

    def forward(self, x):
        skip = self.down(x)
        low = self.up(self.bottom(F.max_pool2d(skip, 2)))
        return low + skip
"""


def test_an_operand_of_a_plus_sign_is_resampled(tmp_path: Path, skiplint: Run) -> None:
    file = tmp_path / "net.py"
    file.write_text(VALID)
    result = skiplint("net.py", "--fix", "--unsafe-fixes", "--quiet")
    assert (result.returncode, result.stderr) == (0, "skiplint: fixed 1 finding in net.py\n"), result.stdout
    assert file.read_text().endswith("return low + F.interpolate(skip, size=low.shape[2:])\n")


def test_the_summary_says_what_can_be_fixed(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK)
    assert "2 errors (2 fixable with --fix)" in skiplint("block.py", "--quiet").stdout


def test_another_model_without_end_does_not_hold_up_the_trial(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK)
    endless = BLOCK.replace("out = self.branch(x)", "time.sleep(1e6)").replace("out += x", "out = x")
    (tmp_path / "endless.py").write_text("import time\n" + endless)
    result = skiplint(".", "--fix", "--timeout", "8", "--quiet")
    assert result.returncode == 2
    assert "took longer than 8 s" in result.stderr
    assert "skiplint: fixed 2 findings in block.py" in result.stderr
    assert "nn.ReLU(inplace=False)" in (tmp_path / "block.py").read_text()


def test_what_the_model_prints_during_a_trial_stays_off_stdout(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK + "print('loud')\n")
    result = skiplint("block.py", "--fix", "--output-format", "json")
    assert result.stdout.startswith("{")
    assert '"findings": []' in result.stdout
