"""One forward of the model on real weights, and the gradient at its outputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from skiplint.tracing import Subject
    from skiplint.tracing.replay.tape import Tape

Loss = Callable[[Sequence["Tensor"]], "Tensor"]
"""A scalar of the tensors that the model returns, in the order in which it returns them."""


class GradientError(Exception):
    """No gradient can be measured; ``str()`` is one line that says why."""


@dataclass(frozen=True)
class Measured:
    """A forward whose calls can be differentiated, with the gradient of the loss at its outputs."""

    graph: ModelGraph
    tape: Tape
    seeds: dict[tuple[int, int], Tensor]
    """Gradient by tensor, as (producer, output)."""
    training: bool


def run_on_tape(
    subject: Subject, *, loss: Loss | None, training: bool | None, seed: int, woken: Collection[str] = ()
) -> Measured:
    """Run the model once, in training mode where it can be.

    Args:
        subject: the model with its inputs. A floating-point input that is the same number everywhere says
            nothing of gradients and is replaced by normal random numbers.
        loss: what is differentiated; None for :func:`random_gradients`.
        training: the mode; None for training mode, and evaluation mode where the forward refuses that.
        seed: of every random number.
        woken: names of parameters that are zero and count as small random numbers.

    Raises:
        GradientError: the model cannot be had with values, or does not run on them.
    """
    from skiplint.tracing import SubjectError, TraceError
    from skiplint.tracing.replay.tape import Tape

    args, kwargs = varied((subject.args, subject.kwargs), seed)
    error: Exception | None = None
    for mode in (True, False) if training is None else (training,):
        kept: list[Tensor] = []
        try:
            tape = Tape(_as_after_a_step(subject, woken, seed))
            graph = subject.observe(tape, args=args, kwargs=kwargs, training=mode, seed=seed, keep=kept)
        except (SubjectError, TraceError) as failed:
            error = error or failed
            continue
        return Measured(graph, tape, _gradients(graph, kept, loss, seed), mode)
    raise GradientError(str(error)) from error


def varied(inputs: Any, seed: int) -> Any:
    """``inputs`` with normal random numbers in place of floating-point tensors of one single value."""
    import torch

    from skiplint.tracing.recording.trees import replace

    generator = torch.Generator().manual_seed(seed)

    def change(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point() or tensor.numel() < 2 or tensor.is_meta:
            return tensor
        if not bool((tensor == tensor.flatten()[0]).all()):
            return tensor
        return torch.randn(tensor.shape, generator=generator).to(tensor.dtype)

    return replace(inputs, change)


def _as_after_a_step(subject: Subject, names: Collection[str], seed: int) -> dict[int, Tensor]:
    """Small random numbers by the id of the parameter that they stand for."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    parameters = dict(subject.real().named_parameters()) if names else {}
    return {
        id(parameters[name]): 0.02 * torch.randn(parameters[name].shape, generator=generator)
        for name in names
    }


def _gradients(
    graph: ModelGraph, outputs: Sequence[Tensor], loss: Loss | None, seed: int
) -> dict[tuple[int, int], Tensor]:
    """The gradient at each output tensor; at one that is returned twice, the sum."""
    import torch

    leaves = [
        tensor.detach().requires_grad_(tensor.is_floating_point() or tensor.is_complex())
        for tensor in outputs
    ]
    if loss is None:
        gradients = random_gradients(leaves, seed)
    else:
        wanted = [leaf for leaf in leaves if leaf.requires_grad]
        with torch.enable_grad():
            found = iter(torch.autograd.grad(loss(leaves), wanted, allow_unused=True))
        gradients = [next(found) if leaf.requires_grad else None for leaf in leaves]
    sums: dict[tuple[int, int], Tensor] = {}
    for operand, gradient in zip(graph.operations[-1].operands, gradients, strict=True):
        if gradient is not None and graph.operations[operand.producer].data:
            key = operand.producer, operand.output
            sums[key] = sums[key] + gradient if key in sums else gradient
    if not sums:
        raise GradientError(f"{graph.name} returns no numbers that depend on its inputs")
    return sums


def random_gradients(outputs: Sequence[Tensor], seed: int) -> list[Tensor | None]:
    """For each output a random direction of length 1: the gradient of ``sum_i <r_i, y_i> / |r_i|``.

    A scalar, which is a loss already, gets 1; a tensor without numbers None. Unlike a plain sum this does
    not vanish where the model ends in a softmax or a norm, and no output counts more than another.
    """
    import torch

    generator = torch.Generator().manual_seed(seed)
    found: list[torch.Tensor | None] = []
    for tensor in outputs:
        if not (tensor.is_floating_point() or tensor.is_complex()) or not tensor.numel():
            found.append(None)
            continue
        direction = torch.ones(()) if tensor.dim() == 0 else torch.randn(tensor.shape, generator=generator)
        found.append((direction / direction.norm()).to(tensor.dtype))
    return found
