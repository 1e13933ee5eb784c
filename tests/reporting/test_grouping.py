"""Neighbouring rows that are alike become one."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from skiplint.reporting.grouping import group_findings, group_skips
from skiplint.reporting.report import Report


def test_joins_that_differ_in_their_last_number(report: Report) -> None:
    groups = group_skips(report.models[0].skips)
    assert [(group.where, len(group.skips), group.span) for group in groups] == [
        ("layer1.0 … layer1.2", 3, "2-3"),
        ("layer2.0", 1, "2"),
        ("layer2.1", 1, "2"),
        ("add_1", 1, "1"),
        ("up.0", 1, "14"),
    ]


def test_only_neighbours_are_grouped(report: Report) -> None:
    first, second, *_ = report.models[0].skips
    other = structs.replace(first, kind="gated")
    assert len(group_skips([first, other, second])) == 3


def test_shapes_from_first_to_last(report: Report) -> None:
    first, second, *_ = report.models[0].skips
    wider = structs.replace(second, shapes=((1, 128, 28, 28),))
    assert group_skips([first, wider])[0].shape == "64x56x56 … 128x28x28"


def test_one_fault_in_many_blocks_is_one(report: Report) -> None:
    groups = group_findings(report.findings)
    assert [(group.first.code, len(group.findings)) for group in groups] == [
        ("SKL002", 1),
        ("SKL305", 1),
        ("SKL205", 6),
        ("SKL205", 1),
    ]
    assert groups[2].nodes[:2] == ("layer1.0/add", "layer1.1/add")


def test_blocks_that_one_change_of_a_line_mends_are_one(report: Report) -> None:
    """The suggestions name another block each; where they name another figure, each is shown."""
    found = [finding for finding in report.findings if finding.code == "SKL205"][:4]
    suggestions = [
        "padding=2 in blocks.1.conv",
        "padding=2 in up.blocks.2.conv",
        "padding=4 in blocks.2.conv",
    ]
    apart = [
        replace(finding, location=found[0].location, suggestion=suggestion)
        for finding, suggestion in zip(found, suggestions, strict=False)
    ]
    assert [len(group.findings) for group in group_findings(apart)] == [2, 1]
