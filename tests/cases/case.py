"""What a case is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A reported fault: the code that finds it, how often, and the model before and after."""

    source: str
    """Repository and number of the issue or pull request."""
    code: str | None
    """The rule that finds it; None where nothing in the model tells it from what others mean to write."""
    before: Callable[[], nn.Module]
    after: Callable[[], nn.Module] | None
    inputs: Callable[[], tuple[Tensor, ...]]
    joins: tuple[str, ...] = ()
    """Nodes of the findings before the repair."""
    besides: str | None = None
    """Another rule that finds the same joins."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Options that the rule needs to find it."""
