"""``skiplint report`` writes a page."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]
EXAMPLES = Path(__file__).parents[2] / "examples"


def test_a_page_is_written_and_findings_do_not_fail(tmp_path: Path, skiplint: Run) -> None:
    result = skiplint("report", str(EXAMPLES / "mismatched_unet.py"), "-o", "page.html")
    assert result.returncode == 0
    assert result.stdout == ""
    assert result.stderr == "skiplint: wrote page.html\n"
    assert "SKL102 mismatched-layer" in (tmp_path / "page.html").read_text("utf-8")


def test_a_target_that_fails_is_on_the_page_and_in_the_exit_code(tmp_path: Path, skiplint: Run) -> None:
    result = skiplint("report", "missing.py")
    assert result.returncode == 2
    assert "missing.py" in result.stderr
    assert "missing.py" in (tmp_path / "skiplint-report.html").read_text("utf-8")
