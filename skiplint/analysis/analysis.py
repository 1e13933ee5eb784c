"""One traced model with names for the usual analyses: what rules and reports read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from skiplint.analysis.ablation.ablation import Ablation, AblationOf
from skiplint.analysis.ablation.options import AblationOptions
from skiplint.analysis.contract import Contract, InputContract
from skiplint.analysis.gradients import Gradients
from skiplint.analysis.live_model import OtherMode, State
from skiplint.analysis.memory import Memory
from skiplint.analysis.paths import Paths
from skiplint.analysis.provider import TracedModel
from skiplint.analysis.skips import Skip, Skips
from skiplint.analysis.skips.words import skip_counts
from skiplint.analysis.unread import Unread, UnreadParameters
from skiplint.display.facts import Facts, Shown

if TYPE_CHECKING:
    from torch import Tensor


class Analysis(TracedModel, Shown):
    """A graph and its analyses, each computed at first use and kept.

    Every property is short for a provider: ``analysis.skips`` is ``analysis.of(Skips)``. Analyses without
    a name here are asked for with :meth:`of`.
    """

    def _headline(self) -> str:
        return self.graph._headline()

    def _facts(self) -> Facts:
        skips = ("skips", skip_counts(self.skips))
        return [*self.graph._facts(), skips, *self.paths._facts(), *self.memory._facts()]

    @property
    def skips(self) -> tuple[Skip, ...]:
        """Every skip connection, one entry a logical join, in execution order."""
        return self.of(Skips)

    @property
    def paths(self) -> Paths:
        """How long the paths from the inputs to the outputs are, and what lies on them."""
        return self.of(Paths)

    @property
    def memory(self) -> Memory:
        """Bytes of the activations: at the peak of inference, saved for backward, in concatenations."""
        return self.of(Memory)

    @property
    def gradients(self) -> Gradients:
        """What gradients do on the real weights; each question runs the model."""
        return self.of(Gradients)

    def ablation(self, options: AblationOptions | None = None) -> Ablation:
        """The model without each of its skips, and without any.

        Raises:
            GradientError: only the graph is at hand, or the model has no values or does not run on them.
        """
        return self.of(AblationOf(options or AblationOptions()))

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Parameters that no forward reads, in either mode; empty where only the graph is at hand."""
        return self.of(UnreadParameters)

    @property
    def contract(self) -> Contract | None:
        """The sizes of the inputs that the model accepts; None where it cannot be asked."""
        return self.of(InputContract)

    @property
    def other_mode(self) -> Analysis | None:
        """The same model in the other mode, training or evaluation; None where that cannot be traced."""
        return self.of(OtherMode)

    @property
    def state(self) -> Mapping[str, Tensor] | None:
        """Parameters and buffers with their values, by name; None where they cannot be had."""
        return self.of(State)
