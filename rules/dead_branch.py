"""SKL202 dead-branch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    Location,
    ModelGraph,
    Operation,
    Rule,
    Severity,
    asks_for_mode,
    is_read,
)

_KEPT = frozenset({"buffer", "parameter"})


class DeadBranch(Rule):
    """Layers or joins that are computed but reach no output of the model.

    ## What it does
    Reports weighted layers (convolutions, linear layers) and joins of features whose result no output
    depends on, one finding for each connected part, at the last operation of it. Where there is such a part,
    the model is traced in the other mode too, and what an output depends on in training or in evaluation is
    not dead. What is written into a buffer or a parameter, or kept as an attribute or in a list or dictionary
    that is one, is used. Where the function reads the result under a condition or after an early return (a
    loss that is computed only for given labels), the part may belong to another call than the traced one and
    is not reported; nor is it where the function asks `self.training` and the model does not run in the other
    mode.

    ## Why it is bad
    The layers cost time and memory in every forward pass, get no gradient and never learn; with
    `DistributedDataParallel` training stops with "parameters that were not used". Worse is what it says
    about the rest: a residual that is summed up and never read again, or an encoder feature that no
    decoder takes, is a skip connection that the model was to have and does not. Nothing fails and the loss
    goes down.

    ## When it is wrong
    Where a result leaves the model by another way than its output: read by a hook, or turned into a Python
    number in a function that is not the one that computes it. Return it, or ignore the line with a comment
    that says where it goes.

    ## References
    - lucidrains/vit-pytorch pull request 265: the second residual of ResiDual, summed and never used again.
    - Multiview2Novelview issue 11: encoder features that never reach the decoder.
    - NVlabs/PWC-Net issue 110: a layer without use stops distributed training.
    """

    code = "SKL202"
    name = "dead-branch"
    severity = Severity.ERROR

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Collect what no output reads and report each connected part that learns or joins something."""
        graph = analysis.graph
        if graph.ended_by:  # Nothing has reached an output, for another reason.
            return
        flow = analysis.of(Flow)
        live = _live(graph)
        dead = [index for index in range(len(graph)) if not live[index] and graph.operations[index].data]
        for part in _parts(graph, dead):
            matters = [operation for operation in part if operation.weighted or _joins(flow, operation)]
            if (
                matters
                and not _used_elsewhere(graph, part)
                and not _lives_in_other_mode(analysis, part, matters)
            ):
                yield self._finding(part, matters)

    def _finding(self, part: Sequence[Operation], matters: Sequence[Operation]) -> Finding:
        layers = [operation for operation in matters if operation.weighted]
        last = next((each for each in reversed(part) if each.location), part[-1])
        what = (
            f"{len(layers)} weighted layers from {layers[0].id} to {layers[-1].id} are"
            if len(layers) > 1
            else f"{(layers or matters)[0].id} is"
        )
        shape = last.outputs[0].shape if last.outputs else ()
        return self.finding(
            f"{what} computed, but no output of the model depends on the result of {last.id}",
            node=last,
            expected="a path to the model's output",
            actual="no reader",
            shapes=(shape,) if shape else (),
            suggestion=f"use the result of {last.id} {list(shape)} where it was meant to go (a join, the "
            "decoder, the return value), or remove what computes it",
        )

    bad = (
        """
        import torch
        from torch import nn


        class Encoder(nn.Module):
            def __init__(self, width, depth):
                super().__init__()
                self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
                self.norm = nn.LayerNorm(width)

            def forward(self, x):
                residual = x
                for layer in self.layers:
                    out = layer(self.norm(x))
                    residual = residual + out  # SKL202
                    x = x + out
                return x


        model = nn.Sequential(nn.Linear(8, 8), Encoder(8, depth=3))
        inputs = (torch.randn(2, 8),)
        """,
        """
        import torch
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down1 = nn.Conv2d(3, 8, 3, padding=1)
                self.lateral = nn.Conv2d(8, 8, 1)
                self.down2 = nn.Conv2d(8, 8, 3, padding=1, stride=2)
                self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
                self.head = nn.Conv2d(8, 1, 1)

            def forward(self, x):
                fine = torch.relu(self.down1(x))
                coarse = torch.relu(self.down2(fine))
                skip = self.lateral(fine)  # SKL202
                return self.head(self.up(coarse))


        model = UNet()
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down1 = nn.Conv2d(3, 8, 3, padding=1)
                self.lateral = nn.Conv2d(8, 8, 1)
                self.down2 = nn.Conv2d(8, 8, 3, padding=1, stride=2)
                self.up = nn.ConvTranspose2d(8, 8, 2, stride=2)
                self.head = nn.Conv2d(16, 1, 1)

            def forward(self, x):
                fine = torch.relu(self.down1(x))
                coarse = torch.relu(self.down2(fine))
                skip = self.lateral(fine)
                return self.head(torch.cat([self.up(coarse), skip], dim=1))


        model = UNet()
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Classifier(nn.Module):
            """The auxiliary head is returned in training only."""

            def __init__(self):
                super().__init__()
                self.body = nn.Linear(8, 8)
                self.auxiliary = nn.Linear(8, 2)
                self.head = nn.Linear(8, 2)

            def forward(self, x):
                x = torch.relu(self.body(x))
                auxiliary = self.auxiliary(x)
                return (self.head(x), auxiliary) if self.training else self.head(x)


        model = Classifier().eval()
        inputs = (torch.randn(2, 8),)
        ''',
    )


def _live(graph: ModelGraph) -> bytearray:
    """For each operation whether an output, or a buffer or parameter that it writes to, depends on it."""
    live = bytearray(len(graph))
    kept = _kept_storages(graph)
    for operation in reversed(graph.operations):
        writes = operation.inplace and any(spec.storage in kept for spec in operation.outputs)
        if operation.kind == "output" or writes or live[operation.index]:
            live[operation.index] = 1
            for operand in operation.operands:
                live[operand.producer] = 1
    return live


def _kept_storages(graph: ModelGraph) -> set[int]:
    return {spec.storage for operation in graph if operation.kind in _KEPT for spec in operation.outputs}


def _parts(graph: ModelGraph, dead: Sequence[int]) -> list[list[Operation]]:
    """Dead operations that read one another, together, each part in execution order."""
    root = {index: index for index in dead}

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for index in dead:
        for operand in graph.operations[index].operands:
            if operand.producer in root:
                root[find(operand.producer)] = find(index)
    parts: dict[int, list[Operation]] = {}
    for index in dead:
        parts.setdefault(find(index), []).append(graph.operations[index])
    return list(parts.values())


def _joins(flow: Flow, operation: Operation) -> bool:
    """Whether ``operation`` joins learned features."""
    if not operation.op.is_a(Family.ADDITION, Family.CONCATENATION):
        return False
    makers = [flow.graph.operations[operand.producer] for operand in flow.reads[operation.index]]
    return sum(maker.learned for maker in makers) >= 2


def _lives_in_other_mode(analysis: Analysis, part: Sequence[Operation], matters: Sequence[Operation]) -> bool:
    """Whether an output depends on the part in the other mode, or may do so where that cannot be tried."""
    other = analysis.other_mode
    if other is None:
        return any(asks_for_mode(place) for place in _places(part))
    live = _live(other.graph)
    names = {(operation.name, operation.location) for operation in matters}
    ids = {operation.id for operation in matters if operation.weighted}
    return any(
        live[each.index] and (each.id in ids or (each.name, each.location) in names) for each in other.graph
    )


def _places(part: Sequence[Operation]) -> set[Location]:
    return {place for operation in (part[0], part[-1]) for place in operation.stack}


def _used_elsewhere(graph: ModelGraph, part: Sequence[Operation]) -> bool:
    """Whether the source says that other arguments or other code use the part."""
    ran = frozenset((place.path, place.line) for operation in graph for place in operation.stack)
    return any(is_read(place, ran) for place in _places(part))
