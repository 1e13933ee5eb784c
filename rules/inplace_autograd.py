"""SKL206 inplace-autograd."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from skiplint.rules_api import (
    Analysis,
    ExecutionError,
    Family,
    Finding,
    ModelGraph,
    Operation,
    Remedy,
    Rule,
    Severity,
    apart,
    execute,
    filled,
)

if TYPE_CHECKING:
    from torch import Tensor

_STATE = frozenset({"parameter", "buffer", "constant"})
_FAILED = "modified by an inplace operation"


class InplaceAutograd(Rule):
    """A join or an activation in place overwrites what the backward pass needs.

    ## What it does
    Looks for in-place operations (`out += x`, `nn.ReLU(inplace=True)`, `x.mul_(...)`) that write into a
    tensor that an earlier operation keeps for its gradient: the result of a ReLU, a sigmoid or a softmax, the
    input of a convolution or a linear layer, a factor of a product. Each candidate is tried: the calls
    around it are run on small random tensors, with a backward pass, and where the model's weights are at
    hand the whole model too. Only what fails there is reported.

    ## Why it is bad
    The forward pass runs, also under `torch.no_grad()`, in evaluation and in every export; the first training
    step stops with "one of the variables needed for gradient computation has been modified by an inplace
    operation", which names a shape and no line. Old releases of PyTorch did not notice some of these and
    trained with wrong gradients.

    ## When it is wrong
    For a model that is never trained, or where the part in question never is. Then say so in a comment, or
    do not select the rule.

    ## References
    - pytorch/pytorch issue 5687: `out += residual` after a ReLU in place, found as a loss that did not fall.
    - osmr/imgclsmob issue 13, argusswift/YOLOv4-pytorch issue 247: the same in published models.
    - PyTorch, Autograd mechanics, "In-place operations with autograd".
    """

    code = "SKL206"
    name = "inplace-autograd"
    severity = Severity.ERROR

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Try every write that may destroy something, then the model itself."""
        graph = analysis.graph
        confirmed = list(_confirmed(graph))
        if confirmed and _trains(analysis):
            return
        for write, saver in confirmed:
            made = saver.outputs[0].storage == write.outputs[0].storage and saver.op.is_a(Family.SAVES_RESULT)
            what = "its own result" if made else "what it read"
            yield self.finding(
                f"{write.id} ({write.name}) overwrites what {saver.id} ({saver.name}) keeps for its gradient "
                f"({what}), so the backward pass fails",
                node=write,
                expected=f"{saver.id} finds {what} as it was",
                actual=f"changed in place by {write.name}",
                shapes=(write.outputs[0].shape,),
                suggestion=f"write the result of {write.base_name} into a new tensor"
                + (" (out = out + x)" if write.op.is_a(Family.ADDITION) else " (inplace=False)"),
                fix=_fix(write),
            )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                out = torch.relu(self.conv1(x))
                out = torch.sigmoid(self.conv2(out))
                out += x  # SKL206
                return out


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.first = nn.Linear(width, width)
                self.second = nn.Linear(width, width)

            def forward(self, x):
                hidden = self.first(x)
                out = self.second(hidden)
                hidden.mul_(0.5)  # SKL206
                return out + hidden


        model = nn.Sequential(nn.Linear(8, 8), Block(8))
        inputs = (torch.randn(2, 8),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                out = torch.relu(self.conv1(x))
                out = torch.sigmoid(self.conv2(out))
                return out + x


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Block(nn.Module):
            """Nothing here keeps what is overwritten: a norm needs its input, a ReLU its result."""

            def __init__(self, channels):
                super().__init__()
                self.conv = nn.Conv2d(channels, channels, 3, padding=1)
                self.norm = nn.BatchNorm2d(channels)
                self.relu = nn.ReLU(inplace=True)

            def forward(self, x):
                out = self.relu(self.norm(self.conv(x)))
                out = self.norm(self.conv(out))
                out += x
                return self.relu(out)


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8)).eval()
        inputs = (torch.randn(1, 3, 16, 16),)
        ''',
    )


def _fix(write: Operation) -> Remedy | None:
    """For a layer that works in place; an operator or a call has to be written in another way."""
    if not write.module_class.startswith("torch.nn."):
        return None
    return Remedy(
        kind="module-argument",
        target=write.module,
        argument="inplace",
        old=True,
        new=False,
        description=f"make {write.id} work out of place",
    )


@dataclass
class _Memory:
    """One piece of memory: what used it so far, in order, and the writes that may be wrong."""

    uses: list[Operation] = field(default_factory=list)
    savers: list[Operation] = field(default_factory=list)
    writes: list[tuple[int, Operation]] = field(default_factory=list)
    """How many uses there are up to the write, and the last operation before it that keeps something."""


def _confirmed(graph: ModelGraph) -> Iterator[tuple[Operation, Operation]]:
    """The writes that break a backward pass, with the operation whose gradient is lost."""
    found: list[tuple[Operation, Operation]] = []
    for memory in _memories(graph):
        # Once broken, always broken: if the last write leaves all well, the earlier ones do too.
        if memory.writes and _fails(graph, memory, memory.writes[-1]):
            first = bisect_left(memory.writes, True, key=lambda write: _fails(graph, memory, write))
            count, saver = memory.writes[first]
            found.append((memory.uses[count - 1], saver))
    yield from sorted(found, key=lambda pair: pair[0].index)


def _memories(graph: ModelGraph) -> Iterable[_Memory]:
    found: defaultdict[int, _Memory] = defaultdict(_Memory)
    for operation in graph:
        for storage in _storages(graph, operation):
            memory = found[storage]
            memory.uses.append(operation)
            own = memory.uses[0].kind not in _STATE
            written = operation.inplace and operation.learned and operation.outputs[0].storage == storage
            if own and written and memory.savers:
                memory.writes.append((len(memory.uses), memory.savers[-1]))
            if _may_save(graph, operation, storage):
                memory.savers.append(operation)
    return found.values()


def _storages(graph: ModelGraph, operation: Operation) -> set[int]:
    """The memory that ``operation`` makes, reads or writes."""
    made = {spec.storage for spec in operation.outputs}
    return made | {graph.spec(operand).storage for operand in operation.operands}


def _may_save(graph: ModelGraph, operation: Operation, storage: int) -> bool:
    """Whether the gradient of ``operation`` may need what is in ``storage``."""
    if operation.kind != "call" or not operation.learned:
        return False
    if operation.op.is_a(Family.SAVES_RESULT) and any(spec.storage == storage for spec in operation.outputs):
        return True
    if operation.view or operation.op.is_a(Family.SAVES_NO_OPERAND):
        return False
    # A call in place saves a copy of what it overwrites, if it needs it.
    reads = operation.operands[1:] if operation.inplace else operation.operands
    return any(graph.spec(operand).storage == storage for operand in reads)


def _fails(graph: ModelGraph, memory: _Memory, write: tuple[int, Operation]) -> bool:
    """Whether a backward pass fails after all uses up to a write were run on random tensors."""
    members = [operation.index for operation in memory.uses[: write[0]] if operation.kind == "call"]
    with apart(grad=True):
        try:
            values = execute(graph, members, _random_leaf, training=not graph.training)
        except ExecutionError:
            return False  # a backward pass that cannot be tried confirms nothing
        return _backward_fails(list(values.values()))


def _random_leaf(operation: Operation, output: int) -> Tensor:
    """A random tensor that needs a gradient where the real one does, and that may be written to."""
    spec = operation.outputs[output]
    tensor = filled(spec)
    needs = operation.kind == "parameter" or operation.learned
    return tensor.requires_grad_().clone() if needs and tensor.is_floating_point() else tensor


def _backward_fails(results: list[Tensor]) -> bool:
    each = {id(tensor): tensor for tensor in results}.values()
    totals = [tensor.abs().sum() for tensor in each if tensor.requires_grad and tensor.is_floating_point()]
    if not totals:
        return False
    try:
        sum(totals[1:], totals[0]).backward()  # type: ignore[no-untyped-call]
    except RuntimeError as error:
        return _FAILED in str(error)
    return False


def _trains(analysis: Analysis) -> bool:
    """Whether the whole model gets through a backward pass; False where that cannot be tried.

    It does where the part in question runs under `torch.no_grad()`, which no graph shows.
    """
    from skiplint.rules_api import tensors_in

    if analysis.subject is None:
        return False
    try:
        with analysis.subject.running(training=True) as (model, args, kwargs):
            results = [tensor for tensor in tensors_in(model(*args, **kwargs)) if tensor.requires_grad]
            return not _backward_fails(results)
    except Exception:
        return False  # needs weights, memory or a larger batch: what was tried above stands
