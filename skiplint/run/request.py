"""What to find out about each model beyond what every report says; each takes further runs of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import UNSET, UnsetType

from skiplint.analysis.ablation.options import AblationOptions
from skiplint.reporting.describe_ablation import describe_ablation
from skiplint.reporting.describe_memory import describe_budget, describe_growth, describe_memory
from skiplint.reporting.sections import AblationReport, MemoryReport

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


@dataclass(frozen=True, slots=True)
class Measuring:
    """Nothing by default. Plain values, so that it can be sent to another process."""

    contract: bool = False
    """Which sizes of its inputs it takes, also where no rule asks."""
    growth: bool = False
    """How the figures of memory grow with batch, resolution and length."""
    budget: int | None = None
    """Bytes into which a training step is to fit."""
    optimizer: Literal["adam", "sgd", "none"] = "adam"
    """What keeps numbers for every weight, for the budget."""
    gradients: bool = False
    """How much gradient paths of each length carry, on real weights."""
    ablation: AblationOptions | None = None
    """What each skip is worth, on real weights."""

    def memory(self, analysis: Analysis) -> MemoryReport | None:
        """The memory of a model, with its growth and the budget where they were asked for."""
        memory = describe_memory(analysis)
        if memory is None:
            return None
        return msgspec.structs.replace(
            memory,
            growth=describe_growth(analysis) if self.growth else UNSET,
            budget=UNSET if self.budget is None else describe_budget(analysis, self.budget, self.optimizer),
        )

    def removed(self, analysis: Analysis) -> AblationReport | UnsetType:
        """What removing skips does; unset where that was not asked for.

        Raises:
            GradientError: no gradient can be measured.
        """
        if self.ablation is None:
            return UNSET
        return describe_ablation(analysis.gradients.ablation(self.ablation))
