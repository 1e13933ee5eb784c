"""The same model at another batch size, resolution or sequence length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.resizing import ResizeError, Resizing, resize
from skiplint.analysis.provider import Model, TracedModel

if TYPE_CHECKING:
    from torch import Tensor

    from skiplint.graph import Backend


class SizeError(Exception):
    """The model does not run at another size; ``str()`` is one line that says why."""


def first_input(analysis: TracedModel) -> tuple[int, ...]:
    """The shape of the first input, which is resized first; () for a model without inputs."""
    return analysis.graph.inputs[0].spec.shape if analysis.graph.inputs else ()


def analysis_at(analysis: Model, wanted: Resizing) -> Model:
    """The analysis of the same model with inputs of another size.

    Unless the model needs values, the inputs are on the meta device and take no memory.

    Raises:
        SizeError: there is no live model, its inputs lack the dimension, or it does not run at this size.
    """
    from skiplint.tracing import TraceError

    subject = analysis.subject
    if subject is None:
        raise SizeError("only the graph of the model is at hand, not the model")
    args, kwargs = subject.args, subject.kwargs
    if analysis.graph.backend != "eager":
        args, kwargs = _without_values(args), _without_values(kwargs)
    try:
        resized = subject.with_inputs(*resize(args, kwargs, wanted))
        without_values: tuple[Backend, ...] = ("meta", "fake")
        backends = None if analysis.graph.backend == "eager" else without_values
        return type(analysis)(resized.trace(backends=backends), resized)
    except (ResizeError, TraceError) as error:
        raise SizeError(str(error)) from error


def _without_values(value: Any) -> Any:
    import torch

    from skiplint.tracing.recording.trees import replace

    def bare(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta") if tensor.dim() else tensor

    return replace(value, bare)
