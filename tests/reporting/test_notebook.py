"""The report in a notebook: HTML that stands alone and in which nothing of the user's is markup."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec import structs
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension

from skiplint.reporting.report import Report

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">&'\""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class HtmlFile(SingleFileSnapshotExtension):
    file_extension = "html"


class Reader(HTMLParser):
    """Tags as they nest, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(report: Report) -> Report:
    """The report with markup wherever a user's text can stand."""
    models = [
        structs.replace(
            model,
            name=HOSTILE,
            target=HOSTILE,
            path=HOSTILE,
            reason=HOSTILE,
            inputs=tuple(structs.replace(item, name=HOSTILE, why=HOSTILE) for item in model.inputs),
            skips=tuple(structs.replace(skip, join=HOSTILE, join_op=HOSTILE) for skip in model.skips),
        )
        for model in report.models
    ]
    findings = [
        replace(
            finding,
            message=HOSTILE,
            suggestion=HOSTILE,
            expected=HOSTILE,
            actual=HOSTILE,
            node=HOSTILE,
            url="javascript:alert(1)",
            location=replace(finding.location, path=HOSTILE) if finding.location else None,
        )
        for finding in report.findings
    ]
    return structs.replace(report, models=tuple(models), findings=tuple(findings), notes=(HOSTILE,))


def test_it_looks_like_this(report: Report, snapshot: SnapshotAssertion) -> None:
    assert report._repr_html_().encode() == snapshot(extension_class=HtmlFile)


@pytest.mark.parametrize("bad", [False, True])
def test_it_is_well_formed_and_stands_alone(report: Report, bad: bool) -> None:
    shown = Reader((hostile(report) if bad else report)._repr_html_())
    assert shown.open == []
    assert shown.tags <= set("div style p strong span a pre table thead tbody tr th td h4".split())
    assert {name for name, _ in shown.attributes} <= {"class", "href"}
    assert all(value and value.startswith("https://") for name, value in shown.attributes if name == "href")
    assert (HOSTILE in shown.text) is bad


def test_an_empty_report() -> None:
    assert "0 models traced; nothing was linted" in Report(version="1")._repr_html_()


def test_it_needs_no_extra() -> None:
    code = (
        "import sys\nsys.modules['jinja2'] = None\nfrom skiplint import Report\n"
        "print(Report(version='1')._repr_html_())\nassert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('<div class="skiplint">')


@pytest.mark.zoo
@pytest.mark.skipif(CHROMIUM is None, reason="no browser here")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_real_browser(report: Report, tmp_path: Path, scheme: str) -> None:
    """The user's text is shown and not run, and the page asks for nothing from elsewhere."""
    colors = {"light": "background:#fff;color:#111", "dark": "background:#111;color:#eee"}[scheme]
    page = tmp_path / "page.html"
    body = report._repr_html_() + hostile(report)._repr_html_()
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><title>mine</title><body style="{colors}">{body}', "utf-8"
    )
    picture = tmp_path / f"{scheme}.png"
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={tmp_path}/u",
    ]
    for action in ("--dump-dom", f"--screenshot={picture}"):
        done = subprocess.run(
            [str(CHROMIUM), *flags, "--window-size=900,1200", action, page.as_uri()],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        if action == "--dump-dom":
            assert "<title>mine</title>" in done.stdout
            assert "<img" not in done.stdout
            assert "<script" not in done.stdout
    assert picture.stat().st_size > 10_000
