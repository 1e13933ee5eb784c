"""What the live model knows beside its graph: the values of its weights, its other mode."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from skiplint.analysis.provider import Model, TracedModel

if TYPE_CHECKING:
    from torch import Tensor


class State:
    """Parameters and buffers with their values, by name; None where they cannot be had."""

    @staticmethod
    def compute(analysis: TracedModel) -> Mapping[str, Tensor] | None:
        """Read the values from the live model."""
        return analysis.subject.state() if analysis.subject is not None else None


class OtherMode:
    """The same model in training mode if it was traced in evaluation mode, and the other way round.

    None where only the graph is at hand or where the model does not run in the other mode.
    """

    @staticmethod
    def compute(analysis: Model) -> Model | None:
        """Trace the model in the other mode."""
        if analysis.subject is None:
            return None
        graph = analysis.subject.in_mode(training=not analysis.graph.training)
        return None if graph is None else type(analysis)(graph, analysis.subject)
