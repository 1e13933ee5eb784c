"""The mechanism of all analyses: each is a provider, and ``analysis.of(provider)`` runs it once.

Nothing here knows a provider. Those that skiplint comes with stand in the modules that compute them, and
:class:`skiplint.analysis.analysis.Analysis` gives the usual ones a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from typing_extensions import Self

from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from skiplint.tracing import Subject

Model = TypeVar("Model", bound="TracedModel")
Result = TypeVar("Result")
Model_contra = TypeVar("Model_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Provider(Protocol[Model_contra, Result_co]):
    """Something that can be computed from a traced model: anything hashable with a method ``compute``.

    Most often a class whose ``compute`` is a class method and returns an instance::

        class WidestLayer(NamedTuple):
            channels: int

            @classmethod
            def compute(cls, analysis: Analysis) -> WidestLayer:
                flow = analysis.of(Flow)
                ...

        analysis.of(WidestLayer).channels

    An analysis with options is a frozen dataclass whose fields are the options and whose ``compute`` is an
    ordinary method: ``analysis.of(AblationOf(options))``. Equal providers share one result.
    """

    def compute(self, analysis: Model_contra, /) -> Result_co:
        """Compute the result; other analyses are asked for with ``analysis.of``."""
        ...


class CircularAnalysisError(RuntimeError):
    """A provider needs its own result to compute it; the message names the chain."""


class TracedModel:
    """A graph, the live model where there is one, and every analysis that was asked for.

    Most analyses are pure functions of the frozen graph. Those that have to run the model again do so
    through ``subject``; it is None where only the graph is at hand.
    """

    def __init__(self, graph: ModelGraph, subject: Subject | None = None) -> None:
        """Wrap ``graph`` and the live model that it was traced from; nothing is computed yet."""
        self.graph = graph
        self.subject = subject
        self._results: dict[Any, Any] = {}
        self._computing: list[Any] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.graph!r})"

    def of(self, provider: Provider[Self, Result]) -> Result:
        """The result of ``provider``, computed at the first request and kept.

        An exception is not kept: the next request computes again.

        Raises:
            CircularAnalysisError: ``provider`` is being computed already.
        """
        key: Any = provider
        if key not in self._results:
            if key in self._computing:
                circle = [*self._computing[self._computing.index(key) :], key]
                raise CircularAnalysisError("circular: " + ", which needs ".join(map(_name, circle)))
            self._computing.append(key)
            try:
                self._results[key] = provider.compute(self)
            finally:
                self._computing.pop()
        return cast(Result, self._results[key])

    def has(self, provider: Provider[Any, Any]) -> bool:
        """Whether the result of ``provider`` has been computed."""
        return provider in self._results


def _name(provider: object) -> str:
    return provider.__name__ if isinstance(provider, type) else repr(provider)
