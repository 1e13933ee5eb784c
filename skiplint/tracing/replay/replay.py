"""The recorded calls run again without their modules, on tensors that have shapes and no memory.

Which tensors autograd keeps, which copies a call makes inside and which buffers it needs while it runs
are facts of torch's own formulas and kernels; running the recorded calls on the meta device reads them
off instead of repeating them in a table. No weights, no values and no accelerator are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skiplint.graph import ModelGraph, Operation, TensorSpec
from skiplint.tracing.replay.kernels import as_in_training, as_on_cpu

if TYPE_CHECKING:
    import torch
    from torch import Tensor, fx


@dataclass(slots=True)
class Replay:
    """The tensors of a run, operation by operation. All are held, so that no storage's key is used twice."""

    made: list[list[Tensor]] = field(default_factory=list)
    assumed: list[int] = field(default_factory=list)
    """Operations that do not run without values; their results are as recorded."""


@contextmanager
def on_meta(*, grad: bool) -> Iterator[None]:
    """Where the recorded calls can run: no values, no change of the random state."""
    import torch

    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.set_grad_enabled(grad))
        stack.enter_context(torch.device("meta"))
        yield


def replay(
    graph: ModelGraph,
    *,
    training: bool,
    around: Callable[[Operation, Callable[[], Any]], Any] = lambda _, run: run(),
) -> Replay:
    """Run every call of ``graph`` once, in order; ``around(operation, run)`` runs each.

    ``training`` puts batch norms and dropouts of a graph traced in evaluation mode into training mode.
    """
    done = Replay()
    values: dict[fx.Node, Any] = {}
    for node in graph.fx.nodes:
        operation = node.meta.get("operation")
        if operation is None:  # one of several results
            source, position = node.args
            values[node] = done.made[source.meta["operation"].index][position]
            continue
        if operation.kind == "output":
            done.made.append([])
            continue
        if operation.kind == "call":
            made = _call(node, operation, values, done, training=training, around=around)
        else:
            made = [leaf(operation, spec) for spec in operation.outputs]
        done.made.append(made)
        values[node] = made[0] if made else None
    return done


def _call(
    node: fx.Node,
    operation: Operation,
    values: dict[fx.Node, Any],
    done: Replay,
    *,
    training: bool,
    around: Callable[[Operation, Callable[[], Any]], Any],
) -> list[Tensor]:
    from torch import fx

    def value(argument: fx.Node) -> Any:
        return values[argument]

    args = fx.node.map_arg(node.args, value)
    kwargs = dict(fx.node.map_arg(node.kwargs, value))
    function: Callable[..., Any] = node.target  # type: ignore[assignment]
    if training:
        args, kwargs = as_in_training(operation.op, args, kwargs)
    function = as_on_cpu(operation.op, function)
    reads = [done.made[operand.producer][operand.output] for operand in operation.operands]
    try:
        made = tensors_in(around(operation, lambda: function(*args, **without_device(kwargs))))
    except Exception:  # asks for values, or for a device that is not there
        done.assumed.append(operation.index)
        return [_stand_in(operation, spec, reads) for spec in operation.outputs]
    if operation.inplace and not any(tensor is reads[0] for tensor in made):
        made.append(reads[0])
    if [tuple(tensor.shape) for tensor in made] != [spec.shape for spec in operation.outputs]:
        return _matched(operation, made, reads, done)
    return made


def _matched(operation: Operation, made: list[Tensor], reads: list[Tensor], done: Replay) -> list[Tensor]:
    """One tensor for every recorded result: of what was made, what was written, else a stand-in."""
    rest = [*made, *reads]
    found: list[Tensor] = []
    for spec in operation.outputs:
        fitting = next((tensor for tensor in rest if tuple(tensor.shape) == spec.shape), None)
        if fitting is None:
            done.assumed.append(operation.index)
            fitting = _stand_in(operation, spec, reads)
        else:
            rest = [tensor for tensor in rest if tensor is not fitting]
        found.append(fitting)
    return found


def leaf(operation: Operation, spec: TensorSpec) -> Tensor:
    """An input, a parameter, a buffer or a constant without values."""
    tensor = _empty(spec)
    if operation.kind == "parameter" and (tensor.is_floating_point() or tensor.is_complex()):
        tensor.requires_grad_()
    return tensor


def _stand_in(operation: Operation, spec: TensorSpec, reads: list[Tensor]) -> Tensor:
    """What ``operation`` would have made, with a gradient if what it read has one."""
    for operand, read in zip(operation.operands, reads, strict=True):
        if operation.inplace and operand.argument == "0":
            return read
    tensor = _empty(spec)
    differentiable = tensor.is_floating_point() or tensor.is_complex()
    if differentiable and any(read.requires_grad for read in reads):
        return tensor.requires_grad_().clone()  # not a leaf, which could not be written in place
    return tensor


def _empty(spec: TensorSpec) -> Tensor:
    import torch

    dtype: torch.dtype = getattr(torch, spec.dtype)
    if dtype in _quantized():
        dtype = torch.uint8
    return torch.empty(spec.shape, dtype=dtype, device="meta")


def _quantized() -> tuple[torch.dtype, ...]:
    import torch

    return torch.quint8, torch.qint8, torch.quint4x2, torch.quint2x4


def storage_key(tensor: Tensor) -> int:
    """Which memory a tensor looks into, as long as it lives; one of its own where it has none (sparse)."""
    try:
        return int(tensor.untyped_storage()._cdata)
    except (NotImplementedError, RuntimeError):
        return -id(tensor)


def storage_size(tensor: Tensor) -> int:
    """Bytes of that memory."""
    try:
        return int(tensor.untyped_storage().nbytes())
    except (NotImplementedError, RuntimeError):
        return 0


def tensors_in(value: Any) -> list[Tensor]:
    """The tensors in a result, in the order in which they were recorded."""
    import torch

    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, (list, tuple)):
        return [tensor for item in value for tensor in tensors_in(item)]
    if isinstance(value, dict):
        return [tensor for item in value.values() for tensor in tensors_in(item)]
    return []


def without_device(kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of a call with the meta device in place of any other."""
    return {**kwargs, "device": "meta"} if kwargs.get("device") is not None else kwargs
