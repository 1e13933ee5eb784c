"""SKL101 mismatched-join."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint import Finding, Rule, Severity
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.shapes import (
    Shape,
    Source,
    is_convolutional,
    matching_stride,
    sources_of,
    unpadded_layers,
)
from skiplint.graph import Fault, ModelGraph, Operation


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

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Report the faults of the trace that are joins."""
        graph = analysis.graph
        for fault in graph.faults:
            if fault.kind == "join":
                yield self._finding(graph, fault)

    def _finding(self, graph: ModelGraph, fault: Fault) -> Finding:
        operation = graph.operations[fault.operation]
        sources = sources_of(graph, fault)
        shapes = tuple(graph.spec(operand).shape for operand in operation.operands)
        odd = next((each for each in sources if each.operand == operation.operands[fault.operand]), None)
        listed = " with ".join(f"{_sizes(each.shape)} from {each.maker.id}" for each in sources)
        return self.finding(
            f"{operation.name} cannot combine {listed or ' with '.join(map(_sizes, shapes))}",
            node=operation,
            shapes=shapes,
            expected=_sizes(fault.expected),
            actual=_sizes(shapes[fault.operand]),
            suggestion=_remedy(graph, operation, fault, odd, sources),
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


def _sizes(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "a scalar"


def _remedy(
    graph: ModelGraph, operation: Operation, fault: Fault, odd: Source | None, sources: tuple[Source, ...]
) -> str:
    have, want = graph.spec(operation.operands[fault.operand]).shape, fault.expected
    if odd is None or len(have) != len(want):
        return f"bring both operands to one shape, such as {_sizes(want)}"
    if operation.base_name == "cat":
        axis = _other_axis(operation, [each.shape for each in sources])
        if axis is not None:
            return f"concatenate along dim={axis}, the only axis on which the operands differ"
    if is_convolutional(odd):
        return _spatial_remedy(graph, odd, have, want, sources, projected=operation.base_name != "cat")
    if have[:-1] == want[:-1]:
        return f"project {odd.maker.id} with nn.Linear({have[-1]}, {want[-1]}) before the join"
    return f"bring {odd.maker.id} to {_sizes(want)} before the join"


def _other_axis(operation: Operation, shapes: list[Shape]) -> int | None:
    """The one axis on which the operands differ, if it is not the one that is concatenated."""
    if len({len(shape) for shape in shapes}) != 1:
        return None
    differing = [axis for axis, sizes in enumerate(zip(*shapes, strict=True)) if len(set(sizes)) > 1]
    given = operation.argument(1, "dim", 0)
    if len(differing) != 1 or not isinstance(given, int):
        return None
    # Sizes that differ by little are a rounded resolution, not another axis.
    sizes = sorted(shape[differing[0]] for shape in shapes)
    spatial = differing[0] >= 2 and sizes[-1] - sizes[0] <= max(sizes[0] // 4, 4)
    return None if differing[0] == given % len(shapes[0]) or spatial else differing[0]


def _spatial_remedy(
    graph: ModelGraph, odd: Source, have: Shape, want: Shape, sources: tuple[Source, ...], *, projected: bool
) -> str:
    space = len(have) - 2
    if have[2:] != want[2:]:
        padded = _padding_remedy(graph, have, want, sources)
        if padded is not None:
            return padded
    if have[1] != want[1] and projected:
        stride = matching_stride(have[2:], want[2:])
        layer = f"nn.Conv{space}d({have[1]}, {want[1]}, kernel_size=1"
        if stride is not None:
            return f"put a projection on the shortcut from {odd.maker.id}: {layer}, stride={stride})"
        return f"resample {odd.maker.id} to {_sizes(want[2:])} and project it with {layer})"
    target = want[2:]
    return f"resample {odd.maker.id} with F.interpolate(..., size={tuple(target)}), or crop both to one size"


def _padding_remedy(graph: ModelGraph, have: Shape, want: Shape, sources: tuple[Source, ...]) -> str | None:
    """Convolutions that shrink one operand by exactly what is missing."""
    larger = tuple(max(pair) for pair in zip(have[2:], want[2:], strict=True))
    for source in sources:
        if len(source.shape) != len(have):
            continue
        missing = tuple(size - own for size, own in zip(larger, source.shape[2:], strict=True))
        layers = unpadded_layers(graph, source, missing) if any(missing) else []
        if layers:
            named = " and ".join(f"padding={padding} in {layer.id}" for layer, padding in layers)
            return f"keep the size of the branch: {named}"
    return None
