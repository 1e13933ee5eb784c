"""SKL304 gate-bias."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiplint.rules_api import (
    Analysis,
    Connection,
    ExecutionError,
    Family,
    Finding,
    Flow,
    Norms,
    Operand,
    Operation,
    Rule,
    RuleOptions,
    Severity,
    Skip,
    TensorId,
    apart,
    execute,
    filled,
    tensor_name,
)

if TYPE_CHECKING:
    from torch import Tensor

_MIXES = (
    Family.ADDITION,
    Family.PRODUCT,
    Family.NEGATION,
    Family.BLEND,
    Family.ADDED_PRODUCT,
    Family.CHOICE,
    Family.STACK,
    Family.SUM,
)
_STATE = frozenset({"parameter", "buffer"})


@dataclass(frozen=True)
class _Mix:
    """How a join puts its operands together: the calls of it, the gates in it, the layers of those."""

    steps: frozenset[int]
    gates: tuple[int, ...]
    computes: frozenset[int]
    """The calls that make the gates of the results of ``layers``, those included."""
    layers: tuple[Operation, ...]


class GateBias(Rule):
    """A Highway-style gate starts by transforming, where it should carry.

    ## What it does
    Looks at skips with a gate that mixes the input with the branch, such as `t * h + (1 - t) * x`, and works
    out how much of the input they carry at the start: from the biases that the layers of the gate really
    have, for features of zero. It reports those that carry less than a bias of `least` in favour of carrying
    would; 1 is a carry share of 73%. Recurrent cells, attention gates, squeeze-and-excitation and gated
    linear units are something else and left alone, and so is `x + t * h`, which carries all of its input.

    ## Why it is bad
    With the default bias near 0 every layer halves what it carries, so ten layers carry a thousandth, and
    the gradient of the first layers is that of a plain network. Highway networks of 50 layers and more only
    train because the transform gates start at -1 to -4, so that the network is almost the identity at first.

    ## Options
    `least`: the least bias in favour of carrying that is fine.

    ## When it is wrong
    In a model of few layers, where halving does no harm; and for a trained model that is loaded from a
    checkpoint, whose gates are what they have learned to be.

    ## References
    - Srivastava, Greff and Schmidhuber 2015, Highway Networks (arXiv 1505.00387), section 2.2: negative
      biases; -2 for MNIST and -4 for CIFAR-100 in the experiments.
    - Parisotto et al. 2019, Stabilizing Transformers for Reinforcement Learning (arXiv 1910.06764): a bias in
      the gate of GTrXL so that it starts near the identity.
    """

    code = "SKL304"
    name = "gate-bias"
    severity = Severity.WARNING

    class Options(RuleOptions, frozen=True):
        """How far a gate must lean towards carrying."""

        least: float = 1.0

    options: Options

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Work out what each gated skip carries at the start."""
        skips = [skip for skip in analysis.skips if skip.kind == "gated" and not skip.long]
        if not skips:
            return
        flow = analysis.of(Flow)
        norms = analysis.of(Norms)
        readers = Counter(name for each in analysis.graph if each.weighted for name in each.parameters)
        for skip in skips:
            mix = _mix(flow, norms, skip)
            if mix is None or any(readers[name] > 1 for layer in mix.layers for name in layer.parameters):
                continue  # one set of weights in many steps: a recurrent cell
            state = analysis.state
            if state is None:
                return
            yield from self._judged(flow, skip, mix, state)

    def _judged(self, flow: Flow, skip: Skip, mix: _Mix, state: Mapping[str, Tensor]) -> Iterator[Finding]:
        try:
            gates = _gates_at_start(flow, mix, state)
            carried = _share(flow, skip, mix, gates, state, of=skip.connections[0])
            if _share(flow, skip, mix, gates, state, of=None) > 1 - 1e-6:
                return  # the branch comes in whole: no gate between the two
            shut = _share(flow, skip, mix, _all(gates, 0), state, of=skip.connections[0])
            opened = _share(flow, skip, mix, _all(gates, 1), state, of=skip.connections[0])
        except ExecutionError:
            return
        leaning = _logit(carried)
        if leaning > self.options.least - 1e-3:
            return
        yield self._finding(flow, skip, mix, carried=carried, leaning=leaning, transforms=shut > opened)

    def _finding(
        self, flow: Flow, skip: Skip, mix: _Mix, *, carried: float, leaning: float, transforms: bool
    ) -> Finding:
        graph = flow.graph
        layer = mix.layers[0].id
        sign = -1 if transforms else 1
        bias = round(sign * leaning, 2) + 0.0  # never -0.00
        kind = "transform" if transforms else "carry"
        return self.finding(
            f"the gate from {layer} carries {carried:.0%} of {tensor_name(graph, skip.connections[0].fork)} "
            f"at the start, a {kind} gate's bias of {bias:+.2f}",
            node=graph.operations[skip.join],
            expected=f"a bias of {sign * self.options.least:+g} or further in favour of carrying",
            actual=f"{bias:+.2f}",
            shapes=graph.shapes(skip.operands),
            suggestion=f"start the bias of {layer} at {2 * sign:+d} (nn.init.constant_)",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Highway(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.transform = nn.Linear(width, width)
                self.gate = nn.Linear(width, width)

            def forward(self, x):
                t = torch.sigmoid(self.gate(x))
                return t * torch.relu(self.transform(x)) + (1 - t) * x  # SKL304


        model = nn.Sequential(nn.Linear(4, 64), Highway(64), Highway(64))
        inputs = (torch.randn(2, 4),)
        """,
        """
        import torch
        from torch import nn


        class Highway(nn.Module):
            \"\"\"The bias has the sign of a transform gate, but the gate carries.\"\"\"

            def __init__(self, width):
                super().__init__()
                self.both = nn.Linear(width, 2 * width)
                with torch.no_grad():
                    self.both.bias[width:] = -2.0

            def forward(self, x):
                h, c = self.both(x).chunk(2, dim=-1)
                return torch.lerp(torch.relu(h), x, torch.sigmoid(c))  # SKL304


        model = nn.Sequential(nn.Linear(4, 64), Highway(64), Highway(64))
        inputs = (torch.randn(2, 4),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Highway(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.transform = nn.Linear(width, width)
                self.gate = nn.Linear(width, width)
                nn.init.constant_(self.gate.bias, -2.0)

            def forward(self, x):
                t = torch.sigmoid(self.gate(x))
                return t * torch.relu(self.transform(x)) + (1 - t) * x


        model = nn.Sequential(nn.Linear(4, 64), Highway(64), Highway(64))
        inputs = (torch.randn(2, 4),)
        """,
        '''
        import torch
        from torch import nn


        class Cell(nn.Module):
            """A recurrent cell written by hand: its gates decide per step, and start at 0."""

            def __init__(self, width):
                super().__init__()
                self.update = nn.Linear(2 * width, width)
                self.candidate = nn.Linear(2 * width, width)

            def forward(self, x, h):
                both = torch.cat([x, h], dim=-1)
                z = torch.sigmoid(self.update(both))
                return (1 - z) * h + z * torch.tanh(self.candidate(both))


        model = Cell(8)
        inputs = (torch.randn(2, 8), torch.randn(2, 8))
        ''',
    )


def _mix(flow: Flow, norms: Norms, skip: Skip) -> _Mix | None:
    """How ``skip`` is mixed; None where that is not by gates that are computed from its fork."""
    operations = flow.graph.operations
    fork = skip.connections[0].fork
    if operations[skip.join].op.is_a(Family.CONCATENATION):
        return None
    steps, gates = _walk(flow, [skip.join], fork.tensor)
    computes: set[int] = set()
    layers: list[Operation] = []
    pending = list(gates)
    while pending:
        operation = operations[pending.pop()]
        if operation.index in computes or operation.kind != "call":
            continue
        if norms.source(Operand(operation.index, 0, "0")) is not None:
            return None  # the norm takes the bias away
        computes.add(operation.index)
        if operation.weighted:
            layers.append(operation)
        else:
            pending.extend(operand.producer for operand in operation.operands)
    if not layers or not all(flow.tree.dominates(fork.producer, layer.index) for layer in layers):
        return None  # a gate that listens to something else: a cell, or attention
    return _Mix(
        frozenset(steps),
        tuple(gates),
        frozenset(computes),
        tuple(sorted(layers, key=lambda each: each.index)),
    )


def _walk(flow: Flow, start: list[int], fork: TensorId) -> tuple[set[int], list[int]]:
    """The element-wise calls before a join, up to the fork, the gates and whatever else is mixed."""
    operations = flow.graph.operations
    steps: set[int] = set()
    gates: dict[int, None] = {}
    pending = list(start)
    while pending:
        operation = operations[pending.pop()]
        if operation.index in steps:
            continue
        if operation.op.is_a(Family.SIGMOID):
            gates[operation.index] = None
        elif operation.kind == "call" and (operation.op.is_a(*_MIXES) or operation.op.is_unchanged):
            steps.add(operation.index)
            pending.extend(each.producer for each in operation.operands if each.tensor != fork)
    return steps, list(gates)


def _gates_at_start(flow: Flow, mix: _Mix, state: Mapping[str, Tensor]) -> dict[TensorId, Tensor]:
    """The value of each gate for features of zero."""
    with apart(grad=False):
        return execute(flow.graph, mix.computes, lambda each, at: _leaf(each, at, state), keep=mix.gates)


def _share(
    flow: Flow,
    skip: Skip,
    mix: _Mix,
    gates: Mapping[TensorId, Tensor],
    state: Mapping[str, Tensor],
    *,
    of: Connection | None,
) -> float:
    """How much of the shortcut ``of`` (None: of all else) is in the sum, on average."""
    fork = skip.connections[0].fork.tensor

    def leaf(operation: Operation, output: int) -> Tensor:
        key = operation.index, output
        if key in gates:
            return gates[key]
        value = _leaf(operation, output, state)
        features = operation.kind not in _STATE and value.is_floating_point() and operation.data
        return value + 1 if features and (key == fork) == (of is not None) else value

    with apart(grad=False):
        values = execute(flow.graph, mix.steps, leaf, keep=(skip.join,))
    return float(values[skip.join, 0].float().mean())


def _all(gates: Mapping[TensorId, Tensor], value: float) -> dict[TensorId, Tensor]:
    return {key: gate.new_full(gate.shape, value) for key, gate in gates.items()}


def _leaf(operation: Operation, output: int, state: Mapping[str, Tensor]) -> Tensor:
    if operation.kind not in _STATE:
        return filled(operation.outputs[output], zero=True)
    if operation.id not in state:
        raise ExecutionError(f"nothing is known of {operation.id}")
    return state[operation.id].detach().clone()


def _logit(share: float) -> float:
    if not 0 < share < 1:
        return math.inf if share >= 1 else -math.inf
    return math.log(share / (1 - share))
