"""What to find out about each model beyond what every report says; each takes further runs of the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from skiplint.analysis.ablation.options import AblationOptions

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

    def memory(self, analysis: Analysis) -> dict[str, Any]:
        """What else to say of a model's memory."""
        from skiplint.reporting.describe_growth import describe_budget, describe_growth

        found: dict[str, Any] = {}
        if self.growth:
            found["growth"] = describe_growth(analysis)
        if self.budget is not None:
            found["budget"] = describe_budget(analysis, self.budget, self.optimizer)
        return found

    def removed(self, analysis: Analysis) -> dict[str, Any] | None:
        """What removing skips does; None where that was not asked for.

        Raises:
            GradientError: no gradient can be measured.
        """
        if self.ablation is None:
            return None
        from skiplint.reporting.describe_ablation import describe_ablation

        return dict(describe_ablation(analysis.ablation(self.ablation)))
