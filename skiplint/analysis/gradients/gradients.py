"""What is measured on the real weights, each once and when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from skiplint.analysis.gradients.effective import EffectivePaths, effective_paths
from skiplint.analysis.gradients.measure import GradientError, Loss
from skiplint.analysis.provider import TracedModel
from skiplint.display.facts import Facts, Shown

if TYPE_CHECKING:
    from skiplint.tracing import Subject


class Gradients(Shown):
    """One model's gradients on its real weights."""

    def __init__(self, subject: Subject | None, name: str) -> None:
        """Wrap the live model; nothing is run yet."""
        self._subject = subject
        self._name = name

    @classmethod
    def compute(cls, analysis: TracedModel) -> Gradients:
        """The gradients of a traced model; nothing is run yet."""
        return cls(analysis.subject, analysis.graph.name)

    @cached_property
    def effective(self) -> EffectivePaths:
        """The effective path lengths for a random direction at the outputs.

        Raises:
            GradientError: see :meth:`effective_for`.
        """
        return self.effective_for()

    def effective_for(
        self, loss: Loss | None = None, *, training: bool | None = None, seed: int = 0
    ) -> EffectivePaths:
        """The effective path lengths for another loss, mode or seed.

        Args:
            loss: a scalar of the tensors that the model returns; None for a random direction at each.
            training: the mode; None for training mode, or evaluation mode where the forward refuses that.
            seed: of the random direction and of what the forward draws.

        Raises:
            GradientError: only the graph is at hand, or the model has no values, or no finite gradient
                reaches an input.
        """
        return effective_paths(self.subject, loss=loss, training=training, seed=seed)

    def __repr__(self) -> str:
        return f"Gradients({self._name!r})"

    def _headline(self) -> str:
        return f"Gradients of {self._name}"

    def _facts(self) -> Facts:
        # To print an object must not run a model, which takes memory for real weights.
        if "effective" in vars(self):
            return self.effective._facts()
        return [
            ("effective", "not measured yet; .effective runs a forward and a backward on the real weights")
        ]

    @property
    def subject(self) -> Subject:
        """The live model.

        Raises:
            GradientError: only the graph is at hand.
        """
        if self._subject is None:
            raise GradientError(f"{self._name}: only its graph is at hand, gradients need the model itself")
        return self._subject
