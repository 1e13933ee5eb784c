"""Run the recorded calls of a graph again, without the model's code around them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.utils.checkpoint import checkpoint

from skiplint.graph import Operation
from skiplint.operators import Op
from skiplint.tracing.recording.trees import tensors_in
from skiplint.tracing.replay.kernels import as_in_training, as_on_cpu
from skiplint.tracing.replay.surroundings import Device, ExecutionError, stand_in

Leaf = Callable[[Operation, int], Tensor]
"""Makes output ``int`` of an operation that is not run: an input, a parameter, a value from outside."""
Around = Callable[[Operation | None, Callable[[], Any]], Any]
"""Runs one call, the second argument, and returns its result; without an operation for a rewritten call."""


class Region:
    """A part of a graph that is checkpointed: not kept for the backward pass but run again in it.

    To be the target of a node; ``graph`` has a placeholder for each argument and returns one tensor.
    """

    def __init__(self, graph: fx.Graph) -> None:
        """Hold ``graph``."""
        self.graph = graph

    def __call__(self, *given: Tensor, run: Callable[..., tuple[Tensor]]) -> Tensor:
        """The result of ``run(*given)``, checkpointed where gradients are recorded."""
        if torch.is_grad_enabled():
            (result,) = checkpoint(run, *given, use_reentrant=False)
        else:
            (result,) = run(*given)
        return result


class Interpreter(fx.Interpreter):
    """Runs a graph of recorded calls, in order; each value is freed after its last reader.

    A node that stands for a recorded operation carries it in ``meta["operation"]``. Others are calls that
    rewriting a graph has added: they need a target only, and those for a recorded function carry its
    :class:`~skiplint.operators.Op` in ``meta["op"]``.
    """

    def __init__(
        self,
        graph: fx.Graph,
        leaf: Leaf,
        *,
        device: Device = "cpu",
        training: bool = False,
        around: Around = lambda _, run: run(),
        assume: bool = False,
    ) -> None:
        """Prepare to run ``graph``.

        Args:
            graph: the calls.
            leaf: makes the inputs, parameters, buffers and constants.
            device: where the calls run, whatever device they were recorded with. On ``meta`` they make and
                save what the kernels of the CPU do.
            training: put batch norms and dropouts that were recorded in evaluation mode in training mode.
            around: runs each call.
            assume: replace the results of calls that fail by stand-ins as recorded, and hold all results in
                :attr:`made`. Else the first such call raises.
        """
        super().__init__(nn.Module(), garbage_collect_values=not assume, graph=graph)
        self.extra_traceback = False
        self.made: dict[int, list[Tensor]] = {}
        """With ``assume``: the results of each operation."""
        self.assumed: list[int] = []
        """Operations with a stand-in among their results."""
        self._leaf = leaf
        self._device = device
        self._training = training
        self._around = around
        self._assume = assume

    def run_node(self, n: fx.Node) -> Any:
        """The value of ``n``; a list where its operation has several results.

        Raises:
            ExecutionError: a call fails, or gives another result than when it was recorded.
        """
        operation: Operation | None = n.meta.get("operation")
        if n.op == "output" or (operation is None and n.op != "call_function"):
            return super().run_node(n)
        if n.op == "call_function":
            made = self._called(n, operation)
        else:
            assert operation is not None
            made = [self._leaf(operation, n.meta.get("output", 0))]
        if self._assume and operation is not None:
            self.made[operation.index] = made
        several = operation is not None and len(operation.outputs) > 1 and n.op == "call_function"
        return (made if several else made[0]) if n.users and made else None

    def _called(self, node: fx.Node, operation: Operation | None) -> list[Any]:
        """The results of a call."""
        args, kwargs = self.fetch_args_kwargs_from_env(node)
        function: Any = node.target
        if isinstance(function, Region):
            inner = Interpreter(function.graph, self._leaf, device=self._device, training=self._training)
            return [function(*args, run=inner.run)]
        reads = tensors_in(args, kwargs)
        versions = [read._version for read in reads]
        op: Op = operation.op if operation is not None else node.meta.get("op", Op(node.name))
        if self._training:
            args, kwargs = as_in_training(op, args, kwargs)
        if self._device == "meta":
            function = as_on_cpu(op, function)
        try:
            args, kwargs = self._on_device(args, kwargs)
            result = self._around(operation, partial(function, *args, **kwargs))
        except Exception as error:  # asks for values, or for a device that is not there
            if operation is None or not self._assume:
                said = f"{type(error).__name__}: {error}".splitlines()[0]
                raise ExecutionError(f"{_title(node)} does not run again: {said}") from error
            self.assumed.append(operation.index)
            return [stand_in(operation, spec, reads) for spec in operation.outputs]
        if operation is None:
            return [result]
        written = [read for read, version in zip(reads, versions, strict=True) if read._version != version]
        return self._results(operation, tensors_in(result), reads, written)

    def _on_device(
        self, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if kwargs.get("device") is not None:
            kwargs = {**kwargs, "device": self._device}
        if self._device == "cpu":  # what was recorded on the meta device says x.to(meta)
            args = tuple(torch.device("cpu") if isinstance(arg, torch.device) else arg for arg in args)
        return args, kwargs

    def _results(
        self, operation: Operation, made: list[Tensor], reads: list[Tensor], written: list[Tensor]
    ) -> list[Tensor]:
        """One tensor for each recorded output: of what was made, else of what was written or read."""
        if operation.inplace and not any(tensor is reads[0] for tensor in made):
            made = [reads[0], *made]
        if len(made) < len(operation.outputs):
            made = [*made, *written, *reads]
        found: list[Tensor] = []
        for spec in operation.outputs:
            fitting = next((tensor for tensor in made if tuple(tensor.shape) == spec.shape), None)
            if fitting is None:
                if not self._assume:
                    raise ExecutionError(f"{operation.id} gives another result than when it was recorded")
                self.assumed.append(operation.index)
                fitting = stand_in(operation, spec, reads)
            made = [tensor for tensor in made if tensor is not fitting]
            found.append(fitting)
        return found


def _title(node: fx.Node) -> str:
    operation: Operation | None = node.meta.get("operation")
    return operation.id if operation is not None else node.name
