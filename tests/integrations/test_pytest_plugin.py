"""The pytest plugin, in runs of pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
MODULE = "skiplint.integrations.pytest_plugin"

TESTS = """\
import pytest
import torch
from nets.bad import Bad
from nets.good import Good


def test_good(skiplint_check):
    report = skiplint_check(Good(), torch.zeros(2, 8))
    assert [skip.kind for skip in report.models[0].skips] == ["additive"]


def test_bad(skiplint_check):
    skiplint_check(Bad(), torch.zeros(2, 8))


def test_bad_by_keyword(skiplint_check):
    skiplint_check(Bad(), x=torch.zeros(2, 8), select="SKL205, SKL3")


def test_ignored(skiplint_check):
    skiplint_check(Bad(), torch.zeros(2, 8), ignore=["degenerate-skip"])


def test_below_fail_on(skiplint_check):
    assert len(skiplint_check(Bad(), torch.zeros(2, 8), fail_on="error").findings) == 1


def test_no_such_rule(skiplint_check):
    with pytest.raises(Exception, match="no rule matches 'SKL999'"):
        skiplint_check(Bad(), torch.zeros(2, 8), select="SKL999")
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    installed = any(point.value == MODULE for point in entry_points(group="pytest11"))
    plugin = [] if installed else ["-p", MODULE]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", *plugin, *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def outcomes(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """Outcome by the end of the test's name, from the summary that ``-rA`` prints."""
    lines = [line.split() for line in done.stdout.splitlines()]
    return {
        words[1].rpartition("::")[2]: words[0]
        for words in lines
        if len(words) > 1 and words[0] in {"PASSED", "FAILED", "ERROR", "SKIPPED"}
    }


def test_the_fixture(project: Path) -> None:
    (project / "test_nets.py").write_text(TESTS)
    done = run(project, "test_nets.py")
    assert outcomes(done) == {
        "test_good": "PASSED",
        "test_bad": "FAILED",
        "test_bad_by_keyword": "FAILED",
        "test_ignored": "PASSED",
        "test_below_fail_on": "PASSED",
        "test_no_such_rule": "PASSED",
    }, done.stdout
    # What fails is the line of the test, and the reason is the finding as the command line shows it.
    assert ">       skiplint_check(Bad(), torch.zeros(2, 8))" in done.stdout
    assert "--> nets/bad.py:11:" in done.stdout
    assert "pytest_items.py" not in done.stdout


def test_models_as_tests(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nskiplint_paths = nets\n")
    (project / "nets" / "broken.py").write_text("import torch.nn as nn\n\nclass A(nn.Module): (\n")
    (project / "test_other.py").write_text("def test_other(): pass\n")
    done = run(project, "--skiplint")
    shown = outcomes(done)
    assert shown["skiplint:Good"] == "PASSED"
    assert shown["skiplint:Bad"] == "FAILED"
    assert shown["test_other"] == "PASSED"
    assert shown["skiplint:models"] == "FAILED"
    assert "2 failed, 3 passed" in done.stdout
    assert "nets/bad.py:11:" in done.stdout
    assert "Traceback" not in done.stdout
    assert "nets/broken.py: syntax error in line" in done.stdout


def test_files_that_are_named(project: Path) -> None:
    """One named file; it is no test module, so pytest does not import it besides; settings count."""
    (project / "skiplint.toml").write_text('ignore = ["SKL205"]')
    done = run(project, "--skiplint", "nets/bad.py")
    assert outcomes(done) == {"skiplint:Bad": "PASSED"}


def test_nothing_is_loaded_unless_used(project: Path) -> None:
    """A project that does not use the plugin pays for one small module."""
    (project / "test_light.py").write_text(
        "import sys\n\n\ndef test_light():\n"
        "    ours = sorted(name for name in sys.modules if name.startswith('skiplint'))\n"
        f"    assert ours == ['skiplint', 'skiplint.integrations', {MODULE!r}, 'skiplint.version']\n"
        "    assert not {'torch', 'networkx', 'rich', 'typer', 'msgspec'} & set(sys.modules)\n"
    )
    done = run(project, "test_light.py")
    assert outcomes(done) == {"test_light": "PASSED"}, done.stdout


def test_the_entry_point_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["entry-points"]["pytest11"] == {"skiplint": MODULE}
