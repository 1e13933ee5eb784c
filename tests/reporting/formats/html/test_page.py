"""The page of ``skiplint report``: its pictures, what it escapes, and how a real browser shows it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from skiplint.reporting.formats import render
from skiplint.reporting.formats.html.pictures import WIDTH, arcs, histogram, timeline
from skiplint.reporting.report import ModelReport, Report, SkipReport
from skiplint.run.check import check as check_targets
from tests.reporting.conftest import skip


def model(*skips: SkipReport) -> ModelReport:
    return ModelReport(target="net.py:Net", name="Net", status="traced", skips=skips)


def test_the_widest_skip_is_the_highest_arc_and_lies_below_the_others() -> None:
    short, long = skip("a", fork_index=10, join_index=20), skip("b", fork_index=0, join_index=100)
    picture = arcs(model(short, long))
    assert picture is not None
    first, second = ([float(number) for number in re.findall(r"-?[\d.]+", arc.path)] for arc in picture.arcs)
    assert "b/add_" in picture.arcs[0].title, "the wide one is drawn first"
    assert first[0] < second[0] < second[-2] < first[-2]
    assert first[3] < second[3] < picture.baseline, "y grows downwards"
    # A cubic Bézier with both handles at y reaches three quarters of the way to them.
    top = picture.baseline - 0.75 * (picture.baseline - first[3])
    assert top >= 0


def test_a_model_without_skips_has_no_arcs() -> None:
    assert arcs(model()) is None


def test_a_skip_around_nothing_else_fills_the_line() -> None:
    picture = arcs(model(skip("a", fork_index=4, join_index=5)))
    assert picture is not None
    assert picture.marks == (WIDTH - 12,)


def test_bars_are_as_high_as_their_share() -> None:
    bars = histogram({"histogram": {"0": "1", "1": "2", "2": "1"}})
    assert [bar.label for bar in bars] == ["0", "1", "2"]
    assert bars[1].height == pytest.approx(2 * bars[0].height)
    assert bars[1].title == "length 1: 50% of the paths"
    assert histogram({"histogram": {"7": "3"}}) == histogram(None) == ()


def test_the_area_is_as_high_as_the_most_bytes() -> None:
    area = timeline({"timeline": [0, 1024, 512]})
    assert area is not None
    assert area.most == "1.0 KiB"
    heights = [float(point.split(",")[1]) for point in area.outline.split()[1:-1]]
    assert heights == [120, 8, 64]
    assert timeline({"timeline": []}) is timeline(None) is None


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_needs_nothing_from_elsewhere(report: Report) -> None:
    page = render(report, "html")
    tags = Tags(page).found
    assert {tag for tag, _ in tags}.isdisjoint({"script", "link", "img", "iframe", "object"})
    assert not any("src" in attributes or "href" in attributes for _, attributes in tags)
    assert "@import" not in page
    assert "url(" not in page


def test_names_are_escaped(report: Report) -> None:
    hostile = "<script>alert('x')</script>"
    models = [replace(each, name=hostile, target=hostile) for each in report.models]
    findings = [replace(each, message=hostile) for each in report.findings]
    page = render(replace(report, models=tuple(models), findings=tuple(findings)), "html")
    assert hostile not in page
    assert "&lt;script&gt;" in page


def test_the_page_is_the_same_every_time(report: Report) -> None:
    assert render(report, "html") == render(report, "html")


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    driver = shutil.which("chromedriver")
    if driver is None:
        pytest.skip("no chromedriver is installed")
    options = webdriver.ChromeOptions()
    for flag in (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-dev-shm-usage --window-size=900,900"
    ).split():
        options.add_argument(flag)
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope="module")
def unet_page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    example = Path(__file__).parents[4] / "examples"
    report = check_targets([str(example / "unet.py"), str(example / "mismatched_unet.py")])
    page = tmp_path_factory.mktemp("page") / "report.html"
    page.write_text(render(report, "html"), encoding="utf-8")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it(browser: webdriver.Chrome, unet_page: Path, scheme: str) -> None:
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(unet_page.as_uri())
    assert browser.title == "skiplint report"
    first, second = browser.find_elements(By.CSS_SELECTOR, "svg.skips")
    assert len(first.find_elements(By.CSS_SELECTOR, "path.arc.concatenative")) == 4
    assert len(second.find_elements(By.CSS_SELECTOR, "path.arc")) == 2
    for arc in browser.find_elements(By.CSS_SELECTOR, "path.arc"):
        assert arc.rect["width"] > 0
        assert arc.rect["height"] > 0
    assert "decoder2.0 gets 192 channels" in browser.find_element(By.CSS_SELECTOR, ".card.error").text
    wide = browser.execute_script("return document.documentElement.scrollWidth > innerWidth")
    assert not wide, "the page does not scroll sideways"
    paper, ink = browser.execute_script(
        "const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"
    )
    brightness = [sum(map(int, re.findall(r"\d+", color)[:3])) for color in (paper, ink)]
    assert (brightness[0] > brightness[1]) == (scheme == "light")
    assert browser.get_log("browser") == []
