"""SKL201 mutated-skip-source."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Connection,
    Family,
    Finding,
    Flow,
    Operand,
    Operation,
    Owners,
    Remedy,
    Rule,
    Severity,
    Skip,
    common_owner,
    inside,
    past_views,
    tensor_name,
)


class MutatedSkipSource(Rule):
    """A branch changes its input in place before the skip joins that same tensor.

    ## What it does
    Reports a skip whose shortcut is a tensor that was made outside the block, and that the block's own
    branch overwrote before its first layer read it: by `nn.ReLU(inplace=True)`, `x.mul_(...)`,
    `F.dropout(x, inplace=True)`. The tensor object at the join is still the block's input, but its values
    are those after the in-place operation.

    ## Why it is bad
    `x + branch(x)` silently becomes `relu(x) + branch(x)`. The identity path, which is the point of the
    block, passes no negative value and no gradient for one; in a stack of blocks all of them pass through
    every ReLU. Nothing fails, also not in the backward pass, and the model still trains, only worse. Tools
    that export the graph rewrite in-place operations and show the ReLU on the main path, as if it had been
    meant.

    ## When it is wrong
    Where the activated value is meant to be the shortcut. Then apply the activation before the block, or
    write `x = torch.relu(x)`, which says so and leaves the caller's tensor alone.

    ## References
    - rosinality/vq-vae-2-pytorch issue 60: `nn.ReLU(inplace=True)` first in a residual branch.
    - iduta/iresnet pull request 2: ONNX export shows the ReLU on the identity path.
    - lanpa/tensorboardX issue 215: the concatenated input of a U-Net level is leaky-ReLUed in place.
    - He et al. 2016, Identity Mappings in Deep Residual Networks (arXiv 1603.05027): what a clean identity
      path is worth.
    """

    code = "SKL201"
    name = "mutated-skip-source"
    severity = Severity.ERROR

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look, for every shortcut, whether the branch wrote into the tensor that it starts from."""
        flow = analysis.of(Flow)
        owning = analysis.of(Owners)
        for skip in analysis.skips:
            for connection in skip.connections:
                mutation = _mutation(flow, owning, skip, connection)
                if mutation is not None:
                    yield self._finding(flow, skip, *mutation)
                    break

    def _finding(self, flow: Flow, skip: Skip, write: Operation, source: Operand, owner: str) -> Finding:
        graph = flow.graph
        join = graph.operations[skip.join]
        name = tensor_name(graph, source)
        where = owner or "the model"
        return self.finding(
            f"{write.id} ({write.name}) overwrites {name} inside {where}, so the shortcut joined here "
            f"carries the result of {write.base_name}",
            node=join,
            expected=f"{name} as it came in",
            actual=f"the same memory after {write.name}",
            shapes=graph.shapes(skip.operands),
            suggestion=f"make {write.id} work out of place ({_out_of_place(write)}); if the changed value is "
            f"meant, apply {write.base_name} before {where} is called",
            fix=_fix(write),
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.branch = nn.Sequential(
                    nn.ReLU(inplace=True),
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(channels, channels, 1),
                )

            def forward(self, x):
                out = self.branch(x)
                out += x  # SKL201
                return out


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Level(nn.Module):
            \"\"\"One level of a U-Net that is nested by recursion.\"\"\"

            def __init__(self, channels, inner):
                super().__init__()
                self.model = nn.Sequential(
                    nn.LeakyReLU(0.2, inplace=True),
                    nn.Conv2d(channels, channels, 4, stride=2, padding=1),
                    *inner,
                    nn.ReLU(inplace=True),
                    nn.ConvTranspose2d(channels, channels, 4, stride=2, padding=1),
                )

            def forward(self, x):
                return torch.cat([x, self.model(x)], dim=1)  # SKL201


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Level(8, []), nn.Conv2d(16, 3, 1))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.branch = nn.Sequential(
                    nn.ReLU(),
                    nn.Conv2d(channels, channels, 3, padding=1),
                    nn.ReLU(inplace=True),
                    nn.Conv2d(channels, channels, 1),
                )

            def forward(self, x):
                out = self.branch(x)
                out += x
                return out


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Block(nn.Module):
            """Post-activation: the ReLU in place ends the block, on a tensor that the block made."""

            def __init__(self, channels):
                super().__init__()
                self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
                self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
                self.relu = nn.ReLU(inplace=True)

            def forward(self, x):
                out = self.conv2(self.relu(self.conv1(x)))
                out += x
                return self.relu(out)


        model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), Block(8), Block(8))
        inputs = (torch.randn(1, 3, 16, 16),)
        ''',
    )


def _mutation(
    flow: Flow, owning: Owners, skip: Skip, connection: Connection
) -> tuple[Operation, Operand, str] | None:
    """The write, the tensor written to, and the module inside which that happened; None if all is well.

    The write belongs to the branch when the innermost module that holds both the write and a layer that
    reads its result does not hold what made the tensor, and the join is of that module or outside it.
    """
    operations = flow.graph.operations
    block = owning.of(operations[skip.join])
    shortcut = {*skip.steps, *connection.path}
    readers = [index for index in flow.readers[connection.fork.producer] if index not in shortcut]
    found: tuple[Operation, Operand, str] | None = None
    change = _change(flow, operations[connection.fork.producer])
    while change is not None:
        write, read = change
        source = past_views(flow, read)
        maker = operations[source.producer]
        owners = [common_owner(write.module, operations[reader].module) for reader in readers]
        owner = max(owners, key=len, default="")
        from_outside = maker.kind == "input" or not inside(maker.module, owner)
        if readers and from_outside and (block == owner or not inside(block, owner)):
            found = write, source, owner
        change = _change(flow, operations[read.producer])
    return found


def _change(flow: Flow, operation: Operation) -> tuple[Operation, Operand] | None:
    """The write that made ``operation``'s result of a tensor, in place or through a view, and that tensor."""
    reads = flow.reads[operation.index]
    if operation.op.is_a(Family.UPDATE) and len(operation.operands) == 2 and reads:
        through = flow.graph.operations[operation.operands[1].producer]
        return (through, operation.operands[0]) if through.inplace else None
    return (operation, reads[0]) if operation.inplace and len(reads) == 1 else None


def _fix(write: Operation) -> Remedy:
    of_module = write.module_class.startswith("torch.nn.")
    return Remedy(
        kind="module-argument" if of_module else "call-argument",
        target=write.module if of_module else write.id,
        argument="inplace",
        old=True,
        new=False,
        description=f"make {write.id} work out of place",
    )


def _out_of_place(write: Operation) -> str:
    kind = write.module_class.rpartition(".")[2]
    if write.module_class.startswith("torch.nn."):
        return f"{kind}(inplace=False)"
    return f"{write.base_name} instead of {write.name}, or inplace=False"
