"""Some of a graph's recorded calls run again on real tensors, without the model's code around them.

A rule that has to know a value (a bias at the start, the variance along the stream, whether a backward
pass works) runs just the calls in question; what they read from elsewhere is given by the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from skiplint.graph import ModelGraph, Operation, TensorSpec
from skiplint.tracing.replay.kernels import as_in_training
from skiplint.tracing.replay.replay import tensors_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor, fx

Key = tuple[int, int]
"""A tensor as (producer, output)."""
Leaf = Callable[[Operation, int], "Tensor"]
"""Makes output ``int`` of an operation that is read but not run."""


class ExecutionError(Exception):
    """A recorded call does not run again; ``str()`` is one line that names it."""


@contextmanager
def apart(*, grad: bool, seed: int = 0) -> Iterator[None]:
    """Where calls can run on the CPU without a trace: random numbers from ``seed``, gradients as asked."""
    import torch

    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.set_grad_enabled(grad))
        stack.enter_context(torch.device("cpu"))
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed accelerators too
        yield


def execute(
    graph: ModelGraph,
    members: Collection[int],
    leaf: Leaf,
    *,
    training: bool = False,
    keep: Collection[int] | None = None,
) -> dict[Key, Tensor]:
    """Run the calls of ``graph`` with an index in ``members``, in order.

    Args:
        graph: the graph; it has to come from this process.
        members: indices of the calls.
        leaf: gives the tensors that they read from elsewhere, each asked for once.
        training: run batch norms and dropouts that were recorded in evaluation mode as in training.
        keep: the members whose results are wanted; None means all. Others go when they were last read.

    Returns:
        The results by (operation, output). A tensor that was written to is there as it was left.

    Raises:
        ExecutionError: a call fails, or the graph came from another process.
    """
    run = _Run(graph, frozenset(members), leaf, training=training, keep=keep)
    try:
        nodes = graph.fx.nodes
    except RuntimeError as error:
        raise ExecutionError(str(error)) from error
    for node in nodes:
        operation = node.meta.get("operation")
        if operation is not None and operation.kind == "call" and operation.index in run.members:
            run.call(node, operation)
    return run.values if keep is None else {key: run.values[key] for key in run.values if key[0] in run.keep}


class _Run:
    def __init__(
        self,
        graph: ModelGraph,
        members: frozenset[int],
        leaf: Leaf,
        *,
        training: bool,
        keep: Collection[int] | None,
    ) -> None:
        self.graph = graph
        self.members = members
        self.keep = members if keep is None else frozenset(keep)
        self.values: dict[Key, Tensor] = {}
        self._leaf = leaf
        self._training = training
        self._last = self._last_reads() if keep is not None else {}

    def _last_reads(self) -> dict[int, list[Key]]:
        """For each member the tensors that nothing reads after it."""
        last: dict[Key, int] = {}
        for index in sorted(self.members):
            for operand in self.graph.operations[index].operands:
                last[operand.producer, operand.output] = index
        rows: dict[int, list[Key]] = {}
        for key, index in last.items():
            rows.setdefault(index, []).append(key)
        return rows

    def call(self, node: fx.Node, operation: Operation) -> None:
        from torch import fx

        args = fx.node.map_arg(node.args, self._value)
        kwargs = dict(fx.node.map_arg(node.kwargs, self._value))
        if self._training:
            args, kwargs = as_in_training(operation.op, args, kwargs)
        if kwargs.get("device") is not None:
            kwargs["device"] = "cpu"
        function: Callable[..., Any] = node.target  # type: ignore[assignment]
        reads = [self.values[operand.producer, operand.output] for operand in operation.operands]
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise ExecutionError(f"{operation.id} does not run again: {said}") from error
        self._keep(operation, tensors_in(result), reads)
        for key in self._last.get(operation.index, ()):
            if key[0] not in self.keep:
                self.values.pop(key, None)

    def _value(self, node: fx.Node) -> Tensor:
        position = 0
        if node.meta.get("operation") is None:  # one of several results
            source, position = node.args  # type: ignore[assignment]
            node = source  # type: ignore[assignment]
        operation: Operation = node.meta["operation"]
        key = operation.index, position
        if key not in self.values:
            self.values[key] = self._leaf(operation, position)
        return self.values[key]

    def _keep(self, operation: Operation, made: list[Tensor], reads: list[Tensor]) -> None:
        if operation.inplace and not any(tensor is reads[0] for tensor in made):
            made = [reads[0], *made]
        if len(made) < len(operation.outputs):
            made = [*made, *(tensor for tensor in reads if not any(tensor is each for each in made))]
        for output, spec in enumerate(operation.outputs):
            if output >= len(made) or tuple(made[output].shape) != spec.shape:
                raise ExecutionError(f"{operation.id} gives another result than when it was recorded")
            self.values[operation.index, output] = made[output]


def filled(spec: TensorSpec, *, zero: bool = False) -> Tensor:
    """A tensor as ``spec`` says: standard normal, or zeros where asked or where it holds no features.

    Raises:
        ExecutionError: a quantized tensor, which has no plain values.
    """
    import torch

    dtype: torch.dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.zeros(spec.shape, dtype=dtype) if zero else torch.randn(spec.shape).to(dtype)
    if spec.dtype.startswith(("quint", "qint")):
        raise ExecutionError("quantized tensors have no plain values")
    return torch.zeros(spec.shape, dtype=dtype)
