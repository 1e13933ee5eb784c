"""What a case is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Case:
    """A reported fault: the code that finds it, how often, and the model before and after."""

    source: str
    """Repository and number of the issue or pull request."""
    code: str | None
    """The rule that finds it; None for a report that was a misunderstanding."""
    before: Callable[[], nn.Module]
    after: Callable[[], nn.Module] | None
    inputs: Callable[[], tuple[Tensor, ...]]
    joins: tuple[str, ...] = ()
    """Nodes of the findings before the repair."""
