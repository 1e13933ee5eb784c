"""How memory grows and whether it fits, as labelled lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skiplint.analysis.memory.byte_sizes import byte_size

Fact = tuple[str, str]

_BLAMED = 3


def growth_facts(growth: Mapping[str, Any], names: Mapping[str, str]) -> list[Fact]:
    """What each of the figures in ``names`` (key to words) grows with, and how well the fits hold."""
    known = {dimension: each for dimension, each in growth.items() if each["reason"] is None}
    lines = []
    for key, words in names.items():
        powers = [
            f"{name}^{each['exponents'][key]:.2f}" for name, each in known.items() if key in each["exponents"]
        ]
        if powers:
            lines.append(f"{words} with {', '.join(powers)}")
    if lines:
        lines.append(f"between the sizes of the fits {_checks(known, list(names))}")
    lines += [f"not known with {name}: {each['reason']}" for name, each in growth.items() if each["reason"]]
    return [("grows" if not place else "", line) for place, line in enumerate(lines)]


def _checks(known: Mapping[str, Any], keys: Sequence[str]) -> str:
    """How far the fits are from traces that took no part in them."""
    found = []
    for name, each in known.items():
        errors = [abs(error) for key, error in each["check_error"].items() if key in keys]
        if errors:
            found.append(f"{max(errors):.1%} off at {name} {each['checked_at']}")
    return ", ".join(found)


def budget_facts(budget: Mapping[str, Any]) -> list[Fact]:
    """Whether training fits, what it takes, and what takes most of it."""
    if budget["reason"] is not None:
        return [("budget", f"cannot be told: {budget['reason']}")]
    total, limit = byte_size(budget["total_bytes"]), byte_size(budget["budget_bytes"])
    verdict = (
        f"fits into {limit}" if budget["fits"] else f"{byte_size(budget['over_bytes'])} more than the {limit}"
    )
    parts = {
        "saved activations": budget["activation_bytes"],
        "weights": budget["weight_bytes"],
        "gradients": budget["gradient_bytes"],
        f"{budget['optimizer']} states": budget["optimizer_bytes"],
        "inputs": budget["input_bytes"],
    }
    facts = [
        ("budget", f"training with batch {budget['batch']} takes {total}: {verdict}"),
        ("", ", ".join(f"{name} {byte_size(size)}" for name, size in parts.items() if size)),
        ("", _largest(budget["largest_batch"])),
    ]
    joins = ", ".join(f"{each['node']} {byte_size(each['bytes'])}" for each in budget["joins"][:_BLAMED])
    return [*facts, ("", f"joins whose results take most: {joins}")] if joins else facts


def _largest(batch: int | None) -> str:
    if batch is None:
        return "the largest batch that fits cannot be told"
    return f"the largest batch that fits is {batch}" if batch else "not even a batch of 1 fits"
