"""Run a model forward and backward with some skips removed, and measure it.

It is the model's own forward that runs, not its recorded calls: regions without gradients, random choices
and tensors that Python made are as in training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from skiplint.analysis.ablation.removal import NOTHING, Removal
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    import torch
    from torch import Tensor


class Plan:
    """Which call of a forward each operation of a graph is; the calls come in the same order every time."""

    def __init__(self, graph: ModelGraph, numbers: Mapping[int, int]) -> None:
        """Hold the ``graph`` of a forward and the number of the call for each operation."""
        self.graph = graph
        self._numbers = numbers

    def number(self, operation: int) -> int | None:
        """The number of the call that is ``operation``; None for one that only the trace has."""
        return self._numbers.get(operation)


class Probe:
    """Observes a recorded forward and removes skips from it."""

    def __init__(self, plan: Plan | None = None, removal: Removal = NOTHING, watched: Sequence[int] = ()):
        """Remove ``removal`` and measure the operations ``watched``, both of the graph of ``plan``.

        Without a plan nothing is removed or measured; :attr:`numbers` is then the input of a new plan.
        """
        self.numbers: dict[int, int] = {}
        """The number of the call for each operation."""
        self.variances: dict[int, float] = {}
        """The variance of the elements of the first result, by watched operation."""
        self.reads: dict[int, Tensor] = {}
        """The first operand, by watched operation."""
        self._count = 0
        self._zero: dict[int | None, frozenset[int]] = {}
        self._zero_results: set[int | None] = set()
        self._watched: dict[int | None, int] = {}
        if plan is not None:
            self._zero = {plan.number(index): places for index, places in removal.operands.items()}
            self._zero_results = {plan.number(index) for index in removal.results}
            self._watched = {plan.number(index): index for index in watched}

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a call, with zeros in place of what is removed."""
        from skiplint.tracing.recording.trees import tensors_in

        number = self._count
        self._count += 1
        if number in self._zero:
            args, kwargs = _with_zeros(function, args, kwargs, self._zero[number])
        result = function(*args, **kwargs)
        if number in self._zero_results:
            (result if result is not None else args[0]).zero_()
        if number in self._watched:
            index = self._watched[number]
            read, made = tensors_in(args, kwargs), tensors_in(result)
            # At once, before the forward writes into them.
            if made:
                self.variances[index] = variance(made[0])
            if read:
                self.reads[index] = read[0].detach().clone()
        return result

    def recorded(self, index: int) -> None:
        """The call that ran last has become record ``index``."""
        self.numbers[index] = self._count - 1

    def start(self, buffers: frozenset[int]) -> None:
        """Nothing to note."""

    def bound(self, producer: int, output: int, tensor: Tensor) -> None:
        """Nothing to note."""

    def entered(self, tensor: Tensor) -> None:
        """Nothing to note."""


def _with_zeros(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    places: frozenset[int],
) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """The arguments with zeros at the tensors ``places``; a tensor written in place is set to zero itself."""
    import torch

    from skiplint.tracing.recording.naming import function_name
    from skiplint.tracing.recording.trees import tensors_in, with_tensors

    given = tensors_in(args, kwargs)
    for place in places:
        written = place == 0 and function_name(function).endswith("_")
        given[place] = given[place].zero_() if written else torch.zeros_like(given[place])
    return with_tensors(args, kwargs, given)


def weight_gradients(
    graph: ModelGraph,
    model: torch.nn.Module,
    outputs: Sequence[Tensor],
    seeds: Sequence[Tensor | None],
) -> dict[int, float]:
    """Norm of the gradient at the weights of each weighted layer, by operation in execution order.

    Layers whose weights are computed from other parameters, or that no gradient reaches, are left out.

    Args:
        graph: the recorded forward.
        model: the model that computed ``outputs``.
        outputs: results of its forward.
        seeds: the gradient at each output, of its shape; None where there is none.
    """
    import torch

    parameters = {name: each for name, each in model.named_parameters() if each.requires_grad}
    used = [
        (at, seed) for at, seed in zip(outputs, seeds, strict=True) if seed is not None and at.requires_grad
    ]
    if not used or not parameters:
        return {}
    found = torch.autograd.grad(
        [at for at, _ in used],
        list(parameters.values()),
        [seed for _, seed in used],
        allow_unused=True,
    )
    gradients = {name: each for name, each in zip(parameters, found, strict=True) if each is not None}
    norms: dict[int, float] = {}
    seen: set[str] = set()
    for operation in graph:
        names = [name for name in operation.parameters if name in gradients and name not in seen]
        if operation.weighted and names:
            seen.update(names)
            square = sum(float(gradients[name].detach().double().square().sum()) for name in names)
            norms[operation.index] = square**0.5
    return norms


def variance(tensor: Tensor) -> float:
    """The variance of the elements of a tensor."""
    values = tensor.detach()
    return float((values.abs() if values.is_complex() else values).double().var(correction=0))


def information(inputs: Tensor, representation: Tensor) -> float | None:
    """How much of the geometry of the inputs a representation preserves, from 0 to 1.

    The correlation (Pearson) between the distances of all pairs of inputs and those of their
    representations, 0 where it is negative. It falls when all inputs become one (collapse), and when near
    inputs become as different as far ones (Balduzzi et al. 2017, arXiv 1702.08591).

    Args:
        inputs: distances ``[B, B]``.
        representation: ``[B, ...]``.

    Returns:
        None for fewer than three inputs.
    """
    import torch

    batch = inputs.shape[0]
    if batch < 3 or not representation.dim() or representation.shape[0] % batch:
        return None
    flat = representation.detach().reshape(batch, -1).double()
    if not bool(flat.isfinite().all()):
        return 0.0
    pairs = torch.triu_indices(batch, batch, offset=1)
    found = torch.stack([inputs.double()[tuple(pairs)], torch.cdist(flat, flat)[tuple(pairs)]])
    if bool((found.std(dim=1) <= 1e-9 * found.abs().amax(dim=1)).any()):
        return 0.0
    return max(0.0, float(torch.corrcoef(found)[0, 1]))
