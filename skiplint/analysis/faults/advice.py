"""The parts of advice on a shape fault: the layer that made an operand, and changes of it or of the call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from skiplint.analysis.faults.remedy import Remedy
from skiplint.analysis.wording import shape_text
from skiplint.graph import ModelGraph, Operand, Operation
from skiplint.operators import Built, Family


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a fault, in words, and as a change of the source where one was checked."""

    text: str
    fix: Remedy | None = None


def advised(fix: Remedy) -> Advice:
    """Advice whose words are the description of ``fix``."""
    return Advice(fix.description, fix)


@dataclass(frozen=True, slots=True)
class Lane:
    """The last weighted layer before an operand, with nothing but shape-preserving calls in between."""

    layer: Operation
    through_norm: bool
    alone: bool
    """Nothing else reads what lies on the way."""


def lane_of(graph: ModelGraph, operand: Operand) -> Lane | None:
    """Follow ``operand`` back to the layer that made it.

    None where anything but activations, norms, transpositions and copies stands in between.
    """
    through_norm, alone = False, True
    sizes_seen = sorted(graph.spec(operand).shape)
    for _ in range(16):
        operation = graph.operations[operand.producer]
        alone = alone and len(graph.consumers[operation.index]) == 1
        if operation.weighted:
            return Lane(operation, through_norm, alone)
        if operation.op.is_a(Family.NORM):
            through_norm = True
        elif not operation.op.is_a(Family.ACTIVATION) and not operation.op.is_unchanged:
            return None
        if not operation.operands or sorted(operation.outputs[0].shape) != sizes_seen:
            return None
        operand = operation.operands[0]
    return None


def input_argument(operation: Operation) -> str | None:
    """The constructor argument for the input width (``in_channels``); None unless a torch module calls."""
    built = _built(operation)
    return built.inputs or None if built is not None else None


def output_argument(operation: Operation) -> str | None:
    """The constructor argument for the output width (``out_channels``); None unless a torch module calls."""
    built = _built(operation)
    return built.outputs or None if built is not None else None


def _built(operation: Operation) -> Built | None:
    built = operation.op.built
    own = built is not None and operation.module_class.startswith(f"torch.nn.modules.{built.part}.")
    return built if own and operation.module else None


def rebuilt(operation: Operation, argument: str, old: Any, new: Any, words: str | None = None) -> Remedy:
    """A remedy that builds the layer of a call with another constructor argument.

    Args:
        operation: the call of the layer.
        argument: the constructor argument.
        old: its value now.
        new: the value that mends the fault.
        words: the description; by default "build ... with argument=new instead of old".
    """
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
    """A remedy that puts another expression in the place of an operand.

    Args:
        operation: the call.
        operand: the operand to replace.
        new: Python source in which ``{}`` stands for the operand, or the module to insert.
        words: the description.
        kind: whether ``new`` is an expression around the operand or a module to send it through.
    """
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
    """An expression such as ``{}.transpose(1, 2)`` that takes shape ``have`` to ``want``, if there is one."""
    if len(have) != len(want) or have == want or sorted(have) != sorted(want):
        return None
    if len(have) > 3 and want == (have[0], have[-1], *have[1:-1]):
        return "{}.movedim(-1, 1)"
    if len(have) > 3 and want == (have[0], *have[2:], have[1]):
        return "{}.movedim(1, -1)"
    differing = [axis for axis, (own, size) in enumerate(zip(have, want, strict=True)) if own != size]
    return f"{{}}.transpose({differing[0]}, {differing[1]})" if len(differing) == 2 else None


def advised_outputs(graph: ModelGraph, operand: Operand, want: tuple[int, ...]) -> Advice:
    """Advice to build the last layer of ``operand`` with as many outputs as the shape ``want`` needs."""
    have = graph.spec(operand).shape
    lane = lane_of(graph, operand)
    last = 1 if lane is not None and lane.layer.op.is_a(Family.CONVOLUTION) else len(have) - 1
    name = output_argument(lane.layer) if lane is not None else None
    if lane is not None and name is not None and lane.alone and not lane.through_norm:
        return advised(rebuilt(lane.layer, name, have[last], want[last]))
    return Advice(f"bring {graph.operations[operand.producer].id} to {shape_text(want)} before the join")
