"""The same model at another batch size, resolution or sequence length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.analysis.memory.resizing import ResizeError, Resizing, resize
from skiplint.analysis.provider import Model, TracedModel

if TYPE_CHECKING:
    from torch import Tensor


class SizeError(Exception):
    """The model cannot be had at another size; ``str()`` is one line that says why."""


def first_input(analysis: TracedModel) -> tuple[int, ...]:
    """The shape of the first tensor that goes in, which the others follow; () where there is none."""
    return analysis.graph.inputs[0].spec.shape if analysis.graph.inputs else ()


def analysis_at(analysis: Model, wanted: Resizing) -> Model:
    """``analysis`` of the same model with inputs of another size.

    Where values do not matter the inputs have none, so that any size takes no memory.

    Raises:
        SizeError: there is no live model, its inputs have no such dimension, or it does not run so.
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
        backends = None if analysis.graph.backend == "eager" else ("meta", "fake")
        return type(analysis)(resized.trace(backends=backends), resized)  # type: ignore[arg-type]
    except (ResizeError, TraceError) as error:
        raise SizeError(str(error)) from error


def _without_values(value: Any) -> Any:
    import torch

    from skiplint.tracing.recording.trees import replace

    def bare(tensor: Tensor) -> Tensor:
        return torch.empty(tensor.shape, dtype=tensor.dtype, device="meta") if tensor.dim() else tensor

    return replace(value, bare)
