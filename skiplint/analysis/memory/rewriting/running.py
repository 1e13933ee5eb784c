"""A graph of recorded and rewritten calls run on the meta device, to see what it keeps and takes.

The same kernels and modes as in :mod:`skiplint.tracing.replay.replay`, but for any :class:`torch.fx.Graph`:
nodes that stand for a recorded operation carry it in ``meta["operation"]``, new ones only need a target.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from skiplint.operators import Op
from skiplint.tracing.replay.kernels import as_in_training, as_on_cpu
from skiplint.tracing.replay.replay import (
    leaf,
    on_meta,
    storage_key,
    storage_size,
    tensors_in,
    without_device,
)

if TYPE_CHECKING:
    from torch import Tensor, fx


class NoValuesError(Exception):
    """A call needs values, so that nothing can be measured."""


class Region:
    """A part of a graph that is not kept for backward but run again: ``torch.utils.checkpoint``."""

    def __init__(self, graph: fx.Graph) -> None:
        """Hold ``graph``, whose placeholders are the arguments and whose output is one tensor."""
        self.graph = graph

    def __call__(self, *given: Tensor, training: bool) -> Tensor:
        """Run it on the arguments, in a checkpoint where gradients are recorded."""
        import torch
        from torch.utils.checkpoint import checkpoint

        inner = [node for node in self.graph.nodes if node.op == "placeholder"]

        def run(*tensors: Tensor) -> Tensor:
            (result,) = _run(self.graph, dict(zip(inner, tensors, strict=True)), training=training)
            return result  # type: ignore[no-any-return]

        if not torch.is_grad_enabled():
            return run(*given)
        return checkpoint(run, *given, use_reentrant=False)  # type: ignore[no-any-return]


@dataclass(slots=True)
class _Values:
    """The values of the nodes that are still needed."""

    held: dict[fx.Node, Any] = field(default_factory=dict)
    several: dict[fx.Node, list[Tensor]] = field(default_factory=dict)

    def drop(self, nodes: Iterable[fx.Node]) -> None:
        for node in nodes:
            self.held.pop(node, None)
            self.several.pop(node, None)


def saved_bytes(graph: fx.Graph, *, training: bool) -> int:
    """Bytes that a training forward over ``graph`` saves for backward, parameters and buffers not counted.

    ``training`` puts batch norms and dropouts of a graph traced in evaluation mode into training mode.

    Raises:
        NoValuesError: a call needs values.
    """
    import torch

    saved: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        saved.append(tensor.detach())  # the tensor itself would hold the node that holds it
        return saved[-1]

    with on_meta(grad=True), torch.autograd.graph.saved_tensors_hooks(pack, lambda kept: kept):
        leaves, kept = _leaves(graph)
        outputs = _run(graph, dict(leaves), training=training)
    del outputs
    state = {storage_key(tensor) for node, tensor in leaves.items() if node.op == "get_attr"}
    sizes = {storage_key(tensor): storage_size(tensor) for tensor in saved}
    del kept
    return sum(size for key, size in sizes.items() if key not in state)


def peak_bytes(graph: fx.Graph) -> int:
    """The most bytes that results of calls take at once in inference, each freed after its last reader.

    Raises:
        NoValuesError: a call needs values.
    """
    from skiplint.tracing.replay.live_storages import live_storages

    with on_meta(grad=False):
        leaves, kept = _leaves(graph)
        live = live_storages({storage_key(tensor) for tensor in kept})
        with live:
            _run(graph, dict(leaves), training=False)
    return int(live.peak)


def _leaves(graph: fx.Graph) -> tuple[dict[fx.Node, Tensor], list[Tensor]]:
    """Inputs and state; the list holds them, so that no storage's key is used twice."""
    made = {
        node: leaf(node.meta["operation"], node.meta["operation"].outputs[0])
        for node in graph.nodes
        if node.op in ("placeholder", "get_attr")
    }
    return made, list(made.values())


def _run(graph: fx.Graph, given: dict[fx.Node, Any], *, training: bool) -> tuple[Any, ...]:
    """Run the calls in order from the values that are given; what ``graph`` returns."""
    values = _Values(given)
    done_with = _last_uses(graph)
    for node in graph.nodes:
        if node.op == "output":
            return tuple(values.held[each] for each in node.all_input_nodes)
        if node.op == "call_function":
            _call(node, values, training=training)
        values.drop(done_with.get(node, ()))
    return ()


def _last_uses(graph: fx.Graph) -> dict[fx.Node, list[fx.Node]]:
    """For each node what nobody reads after it."""
    last: dict[fx.Node, fx.Node] = {}
    for node in graph.nodes:
        last[node] = node
        for read in node.all_input_nodes:
            last[read] = node
    found: dict[fx.Node, list[fx.Node]] = {}
    for node, reader in last.items():
        found.setdefault(reader, []).append(node)
    return found


def _call(node: fx.Node, values: _Values, *, training: bool) -> None:
    operation = node.meta.get("operation")
    target: Any = node.target
    if isinstance(target, Region):
        values.held[node] = target(*(values.held[each] for each in node.all_input_nodes), training=training)
        return
    if operation is None and len(node.args) == 2 and node.args[0] in values.several:
        source, position = node.args
        values.held[node] = values.several[source][position]  # type: ignore[index]
        return
    made = _made(node, target, values, training=training)
    if operation is not None and [tuple(each.shape) for each in made] != [s.shape for s in operation.outputs]:
        raise NoValuesError(operation.id)
    values.held[node] = made[0] if made else None
    if len(made) > 1:
        values.several[node] = made


def _made(node: fx.Node, target: Callable[..., Any], values: _Values, *, training: bool) -> list[Tensor]:
    from torch import fx

    def value(each: fx.Node) -> Any:
        return values.held[each]

    operation = node.meta.get("operation")
    op = operation.op if operation is not None else node.meta.get("op", Op(node.name))
    args = fx.node.map_arg(node.args, value)
    kwargs = dict(fx.node.map_arg(node.kwargs, value))
    if training:
        args, kwargs = as_in_training(op, args, kwargs)
    try:
        made = tensors_in(as_on_cpu(op, target)(*args, **without_device(kwargs)))
    except Exception as error:  # asks for values, or for a device that is not there
        raise NoValuesError(operation.id if operation is not None else op.name) from error
    if operation is not None and operation.inplace:
        written = tensors_in((args, kwargs))[0]
        if not any(each is written for each in made):
            made.append(written)
    return made
