"""SKL102 mismatched-layer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from skiplint.rules_api import (
    Analysis,
    Family,
    Fault,
    Finding,
    ModelGraph,
    RecurringFaults,
    Rule,
    Severity,
    Shape,
    Source,
    concatenated_axis,
    layer_advice,
    shape_advice,
    shape_text,
    sources_of,
)


class MismatchedLayer(Rule):
    """A layer that gets other channels or features than it was built for.

    ## What it does
    Runs the forward without values and, where a convolution, a linear layer, a norm, a matrix product or
    a reshape fails on the shape of its input, notes the fault and goes on as if the input had been right.
    Names the layer, what it was built for, what it gets and which tensors make that up.

    ## Why it is bad
    The model does not run. The usual cause is a concatenation that was added or changed: the layer after
    it still counts the old channels.

    ## When it is wrong
    Where the forward is never called with inputs like the ones that were tried: a linear layer after a
    flatten fits one image size only. Give the inputs in `[[tool.skiplint.models]]`.

    ## References
    - segmentation_models.pytorch issue 617: decoder channels that do not count the skips.
    """

    code = "SKL102"
    name = "mismatched-layer"
    severity = Severity.ERROR
    depends_on_sizes = True

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Report the faults of the trace that are no joins."""
        graph = analysis.graph
        for each in analysis.of(RecurringFaults):
            if each.fault.kind != "join":
                yield self._finding(graph, each.fault, each.note)

    def _finding(self, graph: ModelGraph, fault: Fault, often: str) -> Finding:
        operation = graph.operations[fault.operation]
        have = fault.actual
        axis = _axis(have, fault.expected)
        shapes = fault.shapes[:2]
        if axis is None or fault.kind == "shape":
            advice = shape_advice(graph, operation, fault)
            return self.finding(
                f"{operation.id} cannot take {shape_text(have)}{often}: {fault.message}",
                node=operation,
                shapes=shapes,
                expected=shape_text(fault.expected),
                actual=shape_text(have),
                suggestion=advice.text if advice else None,
                fix=advice.fix if advice else None,
            )
        given, built = have[axis], fault.expected[axis]
        unit = "features" if axis == len(have) - 1 else "channels"
        source = next(iter(sources_of(graph, fault)), None)
        found = layer_advice(graph, operation, fault, axis, unit)
        return self.finding(
            f"{operation.id} gets {given} {unit}{_parts(graph, source)} but was built for {built}{often}",
            node=operation,
            shapes=shapes,
            expected=f"{built} {unit}",
            actual=f"{given} {unit}",
            suggestion=found.text,
            fix=found.fix,
        )

    bad = (
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3, padding=1)
                self.bottom = nn.Conv2d(8, 16, 3, padding=1)
                self.up = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = F.interpolate(self.bottom(F.max_pool2d(skip, 2)), scale_factor=2)
                return self.up(torch.cat([low, skip], dim=1))  # SKL102


        model = UNet()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )
    good = (
        """
        import torch
        import torch.nn.functional as F
        from torch import nn


        class UNet(nn.Module):
            def __init__(self):
                super().__init__()
                self.down = nn.Conv2d(3, 8, 3, padding=1)
                self.bottom = nn.Conv2d(8, 16, 3, padding=1)
                self.up = nn.Conv2d(16 + 8, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = F.interpolate(self.bottom(F.max_pool2d(skip, 2)), scale_factor=2)
                return self.up(torch.cat([low, skip], dim=1))


        model = UNet()
        inputs = (torch.randn(1, 3, 32, 32),)
        """,
    )


def _axis(have: Shape, want: Shape) -> int | None:
    """The one axis on which two shapes differ."""
    if len(have) != len(want):
        return None
    differing = [axis for axis, (left, right) in enumerate(zip(have, want, strict=True)) if left != right]
    return differing[0] if len(differing) == 1 else None


def _parts(graph: ModelGraph, source: Source | None) -> str:
    """`` (128 + 64 from the concatenation cat in line 37)`` for what a concatenation gives."""
    if source is None or not source.maker.op.is_a(Family.CONCATENATION) or source.maker.location is None:
        return ""
    # Of a concatenation that is at fault itself, what it was meant to put together.
    fault = next((each for each in graph.faults if each.operation == source.maker.index), None)
    axis = concatenated_axis(source.maker, len(source.maker.outputs[0].shape))
    shapes: Sequence[Shape] = [graph.spec(operand).shape for operand in source.maker.operands]
    if fault is not None:
        axis, shapes = axis if fault.axis is None else fault.axis, fault.shapes or shapes
    if axis is None or any(axis >= len(shape) for shape in shapes):
        return ""
    sizes = " + ".join(str(shape[axis]) for shape in shapes)
    return f" ({sizes} from the concatenation in line {source.maker.location.line})"
