"""The graph of a model in training mode, where it may differ from the graph in evaluation mode.

What a training step saves for backward depends on the model in training mode. Batch norms and
dropouts are called with a flag, so their calls recorded in evaluation mode can be run again as in training;
but where Python code reads ``self.training`` (stochastic depth, the dropout handed to fused attention,
auxiliary heads, recomputation) other calls are made, and only another trace sees them.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from skiplint.analysis.live_model import OtherMode
from skiplint.analysis.provider import TracedModel
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from torch import nn

_ATTRIBUTE = "training"


class TrainingGraph:
    """The graph of a traced model as it is in training mode.

    It is the graph at hand if that was traced in training mode, if the model's code does not depend on the
    mode, or if the model does not run in training mode (a batch norm with one value for each channel).
    """

    @staticmethod
    def compute(analysis: TracedModel) -> ModelGraph:
        """Trace the model in training mode if it may call other operations there."""
        graph, subject = analysis.graph, analysis.subject
        if graph.training or graph.faults or subject is None or not depends_on_mode(subject.model):
            return graph
        other = analysis.of(OtherMode)
        return graph if other is None else other.graph


def depends_on_mode(model: nn.Module) -> bool:
    """Whether the model may call other operations in training mode than in evaluation mode.

    It may if a method of the model, or a function that one calls by name, reads an attribute ``training``.
    """
    seen: set[CodeType] = set()
    kinds = {type(module) for module in model.modules()}
    if any(_hides_calls(module) for module in model.modules()):
        return True
    own = [value for module in model.modules() for value in vars(module).values()]
    pending = [value for value in own if isinstance(value, FunctionType)]  # a forward set on the instance
    pending += [function for kind in kinds for function in _methods(kind)]
    while pending:
        function = pending.pop()
        if function.__code__ in seen or _is_torch(function):
            continue
        seen.add(function.__code__)
        names = set(_names(function.__code__))
        if _ATTRIBUTE in names:
            return True
        called = (function.__globals__.get(name) for name in names)
        pending += [each for each in called if isinstance(each, FunctionType)]
    return False


def _hides_calls(module: nn.Module) -> bool:
    """Whether ``module`` is one of torch's that calls other functions in training.

    A dropout in place is not recorded in evaluation mode: it returns its argument.
    """
    from torch import nn
    from torch.nn.modules.dropout import _DropoutNd

    if isinstance(module, _DropoutNd):
        return module.inplace and module.p > 0
    return isinstance(module, (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder))


def _is_torch(thing: Any) -> bool:
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "torch"


def _methods(kind: type) -> Iterator[FunctionType]:
    for base in kind.__mro__:
        if not _is_torch(base):
            yield from (value for value in vars(base).values() if isinstance(value, FunctionType))


def _names(code: CodeType) -> Iterator[str]:
    """Attributes and globals that ``code`` reads, nested functions included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
