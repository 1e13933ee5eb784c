"""One to five faults in the shapes of a network: all are found, at their lines, and nothing else is.

Then every remedy is applied to the source, and what comes out runs.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import skiplint
from skiplint import Finding, Settings

from . import networks
from .applying import applied
from .networks import Source, Writer

IMAGE, TOKENS = "torch.zeros(2, 3, 64, 64)", "torch.zeros(2, 10, 6)"
WIDTHS, SMALL = st.sampled_from([8, 16]), st.integers(1, 3)
FAMILIES: dict[str, tuple[str, st.SearchStrategy[Writer]]] = {
    "resnet": (
        IMAGE,
        st.builds(
            networks.resnet, st.lists(st.tuples(WIDTHS, st.sampled_from([1, 2])), min_size=1, max_size=4)
        ),
    ),
    "unet": (IMAGE, st.builds(networks.unet, SMALL, st.sampled_from([4, 6]))),
    "densenet": (IMAGE, st.builds(networks.densenet, st.integers(1, 5), st.sampled_from([4, 8]), WIDTHS)),
    "transformer": (
        TOKENS,
        st.builds(
            networks.transformer,
            SMALL,
            st.sampled_from([2, 4]),
            st.sampled_from([4, 6]),
            SMALL.map(lambda n: 24 * n + 8),
        ),
    ),
}
QUICK = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
LONG = settings(QUICK, max_examples=100, derandomize=False)


@st.composite
def planted(draw: st.DrawFn, family: str) -> Source:
    """A network of ``family`` with one to five faults."""
    inputs, architectures = FAMILIES[family]
    write = draw(architectures)
    sound = Source(inputs)
    write(sound)
    sites = [site for site, kinds in sound.offers.items() if kinds]
    where = draw(st.lists(st.sampled_from(sites), min_size=1, max_size=5, unique=True))
    chosen = {site: draw(st.sampled_from(sound.offers[site])) for site in where}
    faulty = Source(inputs, chosen)
    write(faulty)
    return faulty


def load(text: str, folder: str, name: str = "network.py") -> tuple[Any, tuple[Any, ...]]:
    path = Path(folder) / name
    path.write_text(text, "utf-8")
    scope: dict[str, Any] = {"__name__": "network"}
    exec(compile(text, str(path), "exec"), scope)
    return scope["model"].eval(), scope["inputs"]


def marked(text: str) -> set[tuple[str, int]]:
    marks = re.compile(r"# (SKL\d+)$")
    lines = enumerate(text.splitlines(), 1)
    return {(mark[1], number) for number, line in lines if (mark := marks.search(line))}


def places(findings: Sequence[Finding]) -> list[tuple[str, int]]:
    return [(each.code, each.location.line if each.location else 0) for each in findings]


# A U-Net that halves takes some sizes only, sound or not.
ANY_SIZE = Settings(ignore=("SKL104",))


def check(source: Source) -> None:
    with tempfile.TemporaryDirectory() as folder:
        model, inputs = load(source.text, folder)
        findings = skiplint.lint(model, *inputs, settings=ANY_SIZE).findings
        assert sorted(places(findings)) == sorted(marked(source.text)), source.text
        mended, inputs = load(applied(source.text, findings), folder, "mended.py")
        with torch.device("meta"):
            mended.to("meta")(*(each.to("meta") for each in inputs))


@pytest.mark.parametrize("family", FAMILIES)
def test_all_that_is_planted_and_nothing_else(family: str) -> None:
    @QUICK
    @given(planted(family))
    def every(source: Source) -> None:
        check(source)

    every()


@pytest.mark.soak
@pytest.mark.parametrize("family", FAMILIES)
def test_all_that_is_planted_and_nothing_else_in_many(family: str) -> None:
    @LONG
    @given(planted(family))
    def every(source: Source) -> None:
        check(source)

    every()


@pytest.mark.parametrize("family", FAMILIES)
def test_sound_networks_are_silent(family: str) -> None:
    @settings(QUICK, max_examples=2)
    @given(FAMILIES[family][1])
    def every(write: Writer) -> None:
        source = Source(FAMILIES[family][0])
        write(source)
        check(source)

    every()


def test_operands_after_a_fault_are_as_its_mending_makes_them() -> None:
    """Once the first concatenation runs along the channels, padding alone mends the second one."""
    source = Source(IMAGE, {"0.join": "dim", "1.join": "padding"})
    networks.densenet(2, growth=8, width=8)(source)
    check(source)


def test_two_concatenations_along_one_wrong_axis_do_not_vouch_for_each_other() -> None:
    """Nor do the layers between them, which count wrong as well; what is left to tell is the last layer."""
    chosen = {"0.join": "dim", "1.norm": "features", "1.conv": "in", "1.join": "dim"}
    source = Source(IMAGE, chosen)
    networks.densenet(2, growth=4, width=8)(source)
    check(source)
    with tempfile.TemporaryDirectory() as folder:
        model, inputs = load(source.text, folder)
        (norm, *_) = skiplint.lint(model, *inputs, settings=Settings(select=("SKL102",))).findings
    assert norm.message.startswith("norm1 gets 12 channels (8 + 4 from the concatenation in line 20)")
