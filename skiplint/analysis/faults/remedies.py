"""What remedies are made of: the layer that an operand comes from, and changes to it or to the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from skiplint.analysis.faults.remedy import Remedy
from skiplint.analysis.skips.roles import is_unchanged
from skiplint.analysis.structure.reading import ACTIVATIONS, NORMS, sizes
from skiplint.graph import ModelGraph, Operand, Operation

INPUTS = {
    "conv": ("conv", "in_channels"),
    "linear": ("linear", "in_features"),
    "batch_norm": ("batchnorm", "num_features"),
    "instance_norm": ("instancenorm", "num_features"),
    "group_norm": ("normalization", "num_channels"),
    "layer_norm": ("normalization", "normalized_shape"),
    "rms_norm": ("normalization", "normalized_shape"),
    "multi_head_attention_forward": ("activation", "embed_dim"),
    "lstm": ("rnn", "input_size"),
    "gru": ("rnn", "input_size"),
    "rnn": ("rnn", "input_size"),
}
"""By call: the part of torch.nn that builds the layer, and the argument that counts its inputs."""
OUTPUTS = {
    "conv": ("conv", "out_channels"),
    "linear": ("linear", "out_features"),
    "embedding": ("sparse", "embedding_dim"),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do, in words, and as a mechanical change where that was checked."""

    text: str
    fix: Remedy | None = None


def advised(fix: Remedy) -> Advice:
    """A change, and its description for the words."""
    return Advice(fix.description, fix)


@dataclass(frozen=True, slots=True)
class Lane:
    """The way back from an operand to the layer that made it."""

    layer: Operation
    through_norm: bool
    alone: bool
    """Nothing else reads what lies on the way."""


def lane_of(graph: ModelGraph, operand: Operand) -> Lane | None:
    """None where anything but activations, norms, turns and copies of one size stands in between."""
    through_norm, alone = False, True
    sizes_seen = sorted(graph.spec(operand).shape)
    for _ in range(16):
        operation = graph.operations[operand.producer]
        alone = alone and len(graph.consumers[operation.index]) == 1
        if operation.weighted:
            return Lane(operation, through_norm, alone)
        name = operation.base_name
        if name in NORMS:
            through_norm = True
        elif name not in ACTIVATIONS and not is_unchanged(operation):
            return None
        if not operation.operands or sorted(operation.outputs[0].shape) != sizes_seen:
            return None
        operand = operation.operands[0]
    return None


def built_argument(names: dict[str, tuple[str, str]], operation: Operation) -> str | None:
    """The constructor's argument in ``names``, if the call is all that a module of torch's own does."""
    for name, (part, argument) in names.items():
        if operation.base_name.startswith(name):
            own = operation.module and operation.module_class.startswith(f"torch.nn.modules.{part}.")
            return argument if own else None
    return None


def rebuilt(operation: Operation, argument: str, old: Any, new: Any, words: str | None = None) -> Remedy:
    """The layer built with another argument."""
    return Remedy(
        kind="module-argument",
        target=operation.module,
        argument=argument,
        old=old,
        new=new,
        description=words or f"build {operation.id} with {argument}={new} instead of {old}",
    )


def wrapped(
    operation: Operation,
    operand: Operand,
    new: str,
    words: str,
    kind: Literal["wrap-operand", "insert-module"] = "wrap-operand",
) -> Remedy:
    """Another expression in the place of an operand."""
    return Remedy(
        kind=kind,
        target=operation.id,
        argument=operand.argument,
        old=None,
        new=new,
        description=words,
        safe=False,  # It runs, which does not say that a layer in between was not meant to fit by itself.
    )


def turned(have: tuple[int, ...], want: tuple[int, ...]) -> str | None:
    """The expression that takes one shape to the other by moving an axis; None if none does."""
    if len(have) != len(want) or have == want or sorted(have) != sorted(want):
        return None
    if len(have) > 3 and want == (have[0], have[-1], *have[1:-1]):
        return "{}.movedim(-1, 1)"
    if len(have) > 3 and want == (have[0], *have[2:], have[1]):
        return "{}.movedim(1, -1)"
    differing = [axis for axis, (own, size) in enumerate(zip(have, want, strict=True)) if own != size]
    return f"{{}}.transpose({differing[0]}, {differing[1]})" if len(differing) == 2 else None


def advised_outputs(graph: ModelGraph, operand: Operand, want: tuple[int, ...]) -> Advice:
    """The number of outputs of the operand's own last layer for the shape ``want``."""
    have = graph.spec(operand).shape
    lane = lane_of(graph, operand)
    last = 1 if lane is not None and lane.layer.name.startswith("conv") else len(have) - 1
    name = built_argument(OUTPUTS, lane.layer) if lane is not None else None
    if lane is not None and name is not None and lane.alone and not lane.through_norm:
        return advised(rebuilt(lane.layer, name, have[last], want[last]))
    return Advice(f"bring {graph.operations[operand.producer].id} to {sizes(want)} before the join")
