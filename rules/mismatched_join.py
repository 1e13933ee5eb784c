"""SKL101 mismatched-join."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Advice,
    Analysis,
    Fault,
    Finding,
    ModelGraph,
    Operation,
    Recurring,
    RecurringFaults,
    Rule,
    Severity,
    join_advice,
    shape_text,
    sources_of,
)


class MismatchedJoin(Rule):
    """An addition or concatenation whose operands cannot combine.

    ## What it does
    Runs the forward without values and, where an addition, a product or a concatenation fails on its
    shapes, notes the fault and goes on with the shape that was evidently meant. One run reports every
    independent mismatch with both shapes, the layers that made them and a remedy that was checked by
    shape arithmetic: the projection for the shortcut, the missing padding, the size to resample to, the
    axis to concatenate along.

    ## Why it is bad
    The model does not run. Without this rule mismatches come one at a time, at run time, in a traceback
    that names neither the shortcut nor its layers.

    ## When it is wrong
    Where the forward is never called with inputs like the ones that were tried. Give the inputs in
    `[[tool.skiplint.models]]`.

    ## References
    - He et al. 2016, Deep Residual Learning (arXiv 1512.03385), section 3.2: a linear projection on the
      shortcut where the dimensions change.
    - segmentation_models.pytorch issues 57, 93, 196, 548, 617: decoders whose skips differ in size.
    """

    code = "SKL101"
    name = "mismatched-join"
    severity = Severity.ERROR
    depends_on_sizes = True

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Report the faults of the trace that are joins."""
        graph = analysis.graph
        for each in analysis.of(RecurringFaults):
            if each.fault.kind == "join":
                yield self._finding(graph, each)

    def _finding(self, graph: ModelGraph, recurring: Recurring) -> Finding:
        fault, often = recurring.fault, recurring.note
        operation = graph.operations[fault.operation]
        sources = sources_of(graph, fault)
        shapes = fault.shapes
        odd = next((each for each in sources if each.operand == operation.operands[fault.operand]), None)
        advice = join_advice(graph, operation, fault, odd, sources)
        if not fault.message:
            return self._misdirected(operation, fault, advice, often)
        listed = " with ".join(f"{shape_text(each.shape)} from {each.maker.id}" for each in sources)
        return self.finding(
            f"{operation.name} cannot combine {listed or ' with '.join(map(shape_text, shapes))}{often}",
            node=operation,
            shapes=shapes,
            expected=shape_text(fault.expected),
            actual=shape_text(shapes[fault.operand]),
            suggestion=advice.text,
            fix=advice.fix,
        )

    def _misdirected(self, operation: Operation, fault: Fault, advice: Advice, often: str) -> Finding:
        """A concatenation along the wrong axis, as the layer after it shows."""
        axis, shapes, result = fault.axis or 0, fault.shapes, operation.outputs[0].shape
        made, meant = result[axis], sum(shape[axis] for shape in shapes)
        joined = [dim for dim, size in enumerate(result) if size == sum(each[dim] for each in shapes)]
        used = f"dim {joined[0]}" if joined else "another dim"
        words = "channels" if axis == 1 and len(result) > 2 else "features"
        return self.finding(
            f"{operation.name} uses {used}; the next layer needs dim {axis}, {meant} {words}{often}",
            node=operation,
            shapes=shapes,
            expected=f"{meant} along dim={axis}",
            actual=f"{made} along dim={axis}",
            suggestion=advice.text,
            fix=advice.fix,
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, inside, outside, stride):
                super().__init__()
                self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1)
                self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + x)  # SKL101


        model = Block(8, 16, 2)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3, padding=1)
                self.bottom = nn.Conv2d(8, 8, 3, padding=1)
                self.up = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = self.bottom(F.max_pool2d(skip, 2))
                return self.up(torch.cat([F.interpolate(low, scale_factor=2), skip], dim=1))  # SKL101


        model = UNet()
        inputs = (torch.randn(1, 3, 37, 37),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, inside, outside, stride):
                super().__init__()
                self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1)
                self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1)
                self.project = nn.Conv2d(inside, outside, kernel_size=1, stride=stride)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + self.project(x))


        model = Block(8, 16, 2)
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3, padding=1)
                self.bottom = nn.Conv2d(8, 8, 3, padding=1)
                self.up = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = self.bottom(F.max_pool2d(skip, 2))
                return self.up(torch.cat([F.interpolate(low, size=skip.shape[2:]), skip], dim=1))


        model = UNet()
        inputs = (torch.randn(1, 3, 37, 37),)
        """,
    )
