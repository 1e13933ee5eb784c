"""What a model does to its process harms nothing but its own entry.

All disasters are linted at once, in one folder, in two workers with short patience.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

linux = pytest.mark.skipif(sys.platform != "linux", reason="forked workers and memory limits are Linux's")

MODEL = """
class {name}(nn.Module):
    def __init__(self):
        super().__init__()
        {init}
        self.fc = nn.Linear(4, 4)

    def forward(self, x):
        {forward}
        return x + self.fc(x)
"""
HEAD = "import ctypes, os, sys, time\nimport torch\nfrom torch import nn\n"


def model(name: str, init: str = "pass", forward: str = "pass") -> str:
    return MODEL.format(name=name, init=init, forward=forward)


def between_good_ones(**fault: str) -> str:
    """A faulty model with a healthy one before and one after it."""
    return HEAD + model("First") + model("Bad", **fault) + model("Last")


SEGFAULT = "ctypes.string_at(0)"
IN_A_MODEL = {
    "segfault_forward": {"forward": SEGFAULT},
    "segfault_init": {"init": SEGFAULT},
    "exit_forward": {"forward": "os._exit(3)"},
    "exit_zero": {"init": "os._exit(0)"},
    "sys_exit_forward": {"forward": "sys.exit(5)"},
    "sys_exit_init": {"init": "sys.exit(5)"},
    "interrupt": {"forward": "raise KeyboardInterrupt"},
    "loop": {"forward": "\n        while True: pass"},
    "sleep": {"forward": "time.sleep(1e6)"},
    "terabyte": {"forward": "bytearray(1 << 40)"},
    "growing": {"forward": "\n        hoard = []\n        while True: hoard.append(bytearray(1 << 20))"},
    "killed": {"init": "os.kill(os.getpid(), 9)"},
    "abort": {"forward": "os.abort()"},
    # Holds the GIL, so that no signal handler and no thread written in Python can run.
    "loop_in_c": {"forward": "pow(7, 10 ** 9)"},
}
AT_IMPORT = {
    "import_segfault": SEGFAULT,
    "import_exit": "os._exit(4)",
    "import_loop": "while True: pass",
    "import_sys_exit": "sys.exit(6)",
    "import_raises": "1 / 0",
}
CHATTER = """
        import warnings; warnings.warn("deprecated")
        print("printed by Python")
        os.write(1, b'{"type":"Finished"}\\n')
"""
CHATTY = HEAD + model("Good", init=CHATTER, forward="print('printed by forward')")
# Through the C library: what Python starts is refused.
LEFT_BEHIND = """ctypes.CDLL(None).system(b'sh -c "sleep 1000; : left-behind-{tag}" &')"""


def lint(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "skiplint", ".", "--no-cache", "--output-format", "json", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


@pytest.fixture(scope="module")
def disasters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("disasters")
    for name, fault in IN_A_MODEL.items():
        (folder / f"{name}.py").write_text(between_good_ones(**fault))
    for name, statement in AT_IMPORT.items():
        # In a class, since a statement of its own is not run.
        (folder / f"{name}.py").write_text(HEAD + model("First") + f"class Trap:\n    {statement}\n")
    (folder / "healthy.py").write_text(CHATTY)
    tag = f"{os.getpid()}-{time.time_ns()}"
    (folder / "parent.py").write_text(
        HEAD + model("Good") + model("Bad", init=LEFT_BEHIND.format(tag=tag), forward=SEGFAULT)
    )
    # Named in the configuration, because a folder's files that run something when imported are left alone.
    entries = [f'[[models]]\ntarget = "{name}.py:First"\n' for name in AT_IMPORT]
    entries.append('[[models]]\ntarget = "healthy.py:Good"\n')
    (folder / "skiplint.toml").write_text("\n".join(entries))
    done = lint(folder, "-j", "2", "--timeout", "5", "--memory-limit", "1G")
    return {"done": done, "report": json.loads(done.stdout), "tag": tag}


def reasons(disasters: dict[str, Any], file: str) -> dict[str, str | None]:
    return {
        item["target"]: item["reason"]
        for item in disasters["report"]["models"]
        if item["target"].partition(":")[0] == f"{file}.py"
    }


@linux
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("segfault_forward", ["killed by signal 11 (segmentation fault) while its forward ran, in line 22"]),
        ("segfault_init", ["killed by signal 11 (segmentation fault) while it was built, in line 18"]),
        ("exit_forward", ["it ended its process (exit code 3) while its forward ran"]),
        ("exit_zero", ["it ended its process (exit code 0) while it was built"]),
        ("sys_exit_forward", ["exit code 5"]),
        ("sys_exit_init", ["exit code 5"]),
        ("interrupt", ["it ended its process (exit code 1) while its forward ran"]),
        ("loop", ["took longer than 5 s while its forward ran, in line 23; --timeout"]),
        ("loop_in_c", ["took longer than 5 s while its forward ran, in line 22; --timeout"]),
        ("sleep", ["took longer than 5 s while its forward ran, in line 22; --timeout"]),
        ("terabyte", ["MemoryError", "1.0 GiB", "--memory-limit"]),
        ("growing", ["emory", "1.0 GiB", "--memory-limit"]),
        ("killed", ["killed by signal 9, most likely because the machine ran out of memory"]),
        ("abort", ["killed by signal 6 (aborted) while its forward ran, in line 22"]),
    ],
)
def test_a_model_loses_its_own_entry_only(disasters: dict[str, Any], file: str, words: list[str]) -> None:
    found = reasons(disasters, file)
    assert list(found) == [f"{file}.py:{name}" for name in ("First", "Bad", "Last")]
    assert found[f"{file}.py:First"] is None
    assert found[f"{file}.py:Last"] is None
    said = found[f"{file}.py:Bad"]
    assert said is not None
    assert all(word in said for word in words), said
    assert f"{file}.py:Bad: " in disasters["done"].stderr


@linux
@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("import_segfault", "killed by signal 11 (segmentation fault) while it was imported, in line 15"),
        ("import_exit", "it ended its process (exit code 4) while it was imported"),
        ("import_loop", "took longer than 5 s while it was imported, in line 15; --timeout"),
        ("import_sys_exit", "exit code 6"),
        ("import_raises", "ZeroDivisionError"),
    ],
)
def test_a_file_that_cannot_be_imported_loses_itself_only(
    disasters: dict[str, Any], file: str, words: str
) -> None:
    found = reasons(disasters, file)
    assert list(found) == [f"{file}.py"]
    assert words in str(found[f"{file}.py"])


def test_everything_else_is_linted_and_the_exit_code_is_2(disasters: dict[str, Any]) -> None:
    assert disasters["done"].returncode == 2
    assert reasons(disasters, "healthy") == {"healthy.py:Good": None}
    models = {item["target"]: item for item in disasters["report"]["models"]}
    assert len(models["healthy.py:Good"]["skips"]) == 1
    assert list(models) == sorted(models, key=lambda target: target.partition(":")[0])


PRINTED = ("printed by Python", '{"type":"Finished"}', "printed by forward", "deprecated")


def test_what_models_print_is_not_shown(disasters: dict[str, Any]) -> None:
    # It would come again with every input that is tried. That stdout was JSON is shown by the fixture.
    lines = disasters["done"].stderr.splitlines()
    assert not [line for line in lines if any(each in line for each in PRINTED)]


def test_what_models_print_is_shown_to_who_asks(tmp_path: Path) -> None:
    (tmp_path / "healthy.py").write_text(CHATTY)
    (tmp_path / "skiplint.toml").write_text('[[models]]\ntarget = "healthy.py:Good"\n')
    done = lint(tmp_path, "--verbose")
    assert json.loads(done.stdout)["models"][0]["status"] == "traced"
    for each in PRINTED[:-1]:  # warnings are not
        assert any(each in line for line in done.stderr.splitlines()), each


def running(words: str) -> list[str]:
    """Processes of which the command line holds ``words``."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # It has ended.
        if words in text:
            found.append(text)
    return found


@linux
def test_no_process_is_left_behind(disasters: dict[str, Any]) -> None:
    assert "killed by signal 11" in str(reasons(disasters, "parent")["parent.py:Bad"])
    assert running(f"left-behind-{disasters['tag']}") == []
