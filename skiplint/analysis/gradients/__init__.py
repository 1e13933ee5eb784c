"""What gradients do in a model with real weights: which paths carry them, and what each skip is worth."""

from __future__ import annotations

from skiplint.analysis.gradients.effective import EffectiveLengths, EffectivePaths
from skiplint.analysis.gradients.gradients import Gradients
from skiplint.analysis.gradients.measure import GradientError, Loss

__all__ = ["EffectiveLengths", "EffectivePaths", "GradientError", "Gradients", "Loss"]
