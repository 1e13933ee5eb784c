"""One graph and everything that is known about it, each analysis computed once and only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from skiplint.analysis.skips.words import skip_counts
from skiplint.display.facts import Facts, Shown
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from torch import Tensor

    from skiplint.analysis.contract import Contract
    from skiplint.analysis.contract.probing import Answers
    from skiplint.analysis.gradients import Gradients
    from skiplint.analysis.memory import Memory
    from skiplint.analysis.paths import Paths
    from skiplint.analysis.skips import Skip
    from skiplint.analysis.unread import Unread
    from skiplint.tracing import Subject


class Analysis(Shown):
    """A graph with its analyses, the one thing that rules and reports read.

    Most analyses are pure functions of the frozen graph. Those that have to run the model again ask
    ``subject`` for it; it is None where only the graph is at hand. Each is computed at first use and kept.
    """

    def __init__(self, graph: ModelGraph, subject: Subject | None = None) -> None:
        """Wrap ``graph`` and the live model that it was traced from; nothing is computed yet."""
        self.graph = graph
        self.subject = subject

    def __repr__(self) -> str:
        return f"Analysis({self.graph.name!r}, {len(self.graph)} operations)"

    def _headline(self) -> str:
        return self.graph._headline()

    def _facts(self) -> Facts:
        skips = ("skips", skip_counts(self.skips))
        return [*self.graph._facts(), skips, *self.paths._facts(), *self.memory._facts()]

    @cached_property
    def skips(self) -> tuple[Skip, ...]:
        """Every skip connection, one entry a logical join, in execution order."""
        from skiplint.analysis.skips import find_skips

        return find_skips(self.graph)

    @cached_property
    def paths(self) -> Paths:
        """How long the paths from the inputs to the outputs are, and what lies on them."""
        from skiplint.analysis.paths import Paths

        return Paths(self.graph, self.skips)

    @cached_property
    def memory(self) -> Memory:
        """What the activations take: at the peak of inference, for backward, in concatenations."""
        from skiplint.analysis.memory import Memory
        from skiplint.analysis.memory.training_mode import training_graph

        return Memory(
            self.graph,
            lambda: self.skips,
            lambda: training_graph(self.graph, self.subject, lambda: self.other_mode),
        )

    @cached_property
    def gradients(self) -> Gradients:
        """What gradients do on the real weights; each question runs the model."""
        from skiplint.analysis.gradients import Gradients

        return Gradients(self.subject, self.graph.name)

    @cached_property
    def unread(self) -> tuple[Unread, ...]:
        """Parameters that no forward reads, in either mode; empty where only the graph is at hand."""
        from skiplint.analysis.unread import unread_parameters

        return () if self.subject is None else unread_parameters(self.graph, self.subject)

    @property
    def contract_found(self) -> bool:
        """Whether :attr:`contract` has been asked for."""
        return "contract" in vars(self)

    @cached_property
    def sizes_tried(self) -> Answers:
        """Shapes of the inputs at which the model was run without values, and why it does not run there."""
        return {}

    @cached_property
    def contract(self) -> Contract | None:
        """The sizes of the inputs that the model accepts, None where it cannot be asked."""
        from skiplint.analysis.contract import find_contract

        return find_contract(self.graph, self.subject, self.sizes_tried)

    @cached_property
    def other_mode(self) -> Analysis | None:
        """The same model traced in training mode if this is evaluation mode, and the other way round.

        None where only the graph is at hand or where the model does not run so.
        """
        graph = self.subject.in_mode(training=not self.graph.training) if self.subject is not None else None
        return Analysis(graph, self.subject) if graph is not None else None

    @cached_property
    def state(self) -> Mapping[str, Tensor] | None:
        """Parameters and buffers with their values, by name; None where they cannot be had."""
        return self.subject.state() if self.subject is not None else None
