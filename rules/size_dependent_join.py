"""SKL104 size-dependent-join."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.rules_api import (
    Analysis,
    Contract,
    Failure,
    Family,
    Finding,
    ModelGraph,
    Operand,
    Operation,
    Remedy,
    Rule,
    Severity,
    SizeDependence,
    contract_in_words,
    listed,
    shape_text,
)

_MAX_STEPS = 24


class SizeDependentJoin(Rule):
    """A join that fits at the example's size and fails at others.

    ## What it does
    Follows the sizes of both operands of every join through strides, paddings and scales. Where they can
    part at another size of the input, it runs the model without values at sizes near the example's, and where
    a join fails there, finds out which sizes the model takes. It reports the first join that fails, with both
    shapes, and the contract of the model: what its sizes must be multiples of, their least and largest value.

    Not reported: sizes that the model refuses itself, by an assertion or an exception that says so, and sizes
    that other calls refuse as well (a table of positions, a linear layer after `flatten`). These are in the
    JSON report as `input_contract`.

    ## Why it is bad
    The network trains on crops of 256 pixels and fails in somebody else's hands on a photograph, with an
    error about tensor sizes that says nothing of the photograph. Each halving rounds; what is doubled
    afterwards is no longer as large as the skip that it meets.

    ## When it is wrong
    Where all inputs have accepted sizes by construction. Say so where it can be read: raise an error in
    `forward` that names the sizes, or pad the input there. Either silences the rule.

    ## References
    - Ronneberger et al. 2015, U-Net (arXiv 1505.04597), section 2: the input tile has to be chosen such that
      every pooling gets an even size.
    - segmentation_models.pytorch issues 57, 93, 196: sizes that are no multiples of 32.
    """

    code = "SKL104"
    name = "size-dependent-join"
    severity = Severity.WARNING
    depends_on_sizes = True

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Report the first join that fails at the nearest size that fails."""
        failure = analysis.of(SizeDependence)
        if failure is None or analysis.contract is None:
            return
        graph = analysis.graph
        join = graph.by_id.get(failure.node or "")
        inputs = ", ".join(map(shape_text, failure.inputs))
        met = f"it gets {_list(failure.operands)}" if failure.operands else "its operands differ in size"
        yield self.finding(
            f"{join.name if join else 'this join'} fits only at some sizes of the input: "
            f"{contract_in_words(analysis.contract)}; at {inputs} {met}",
            node=join,
            location=failure.location,
            shapes=failure.operands,
            suggestion=_remedy(graph, join, failure, analysis.contract),
            fix=_fix(analysis, join, failure),
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
                self.bottom = nn.Conv2d(8, 8, 3, padding=1)
                self.up = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = self.bottom(F.max_pool2d(skip, 2))
                return self.up(torch.cat([F.interpolate(low, scale_factor=2), skip], dim=1))  # SKL104


        model = UNet()
        inputs = (torch.randn(1, 3, 64, 64),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
                self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
                self.pool = nn.AvgPool2d(2)
                self.project = nn.Conv2d(8, 16, 1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + self.project(self.pool(x)))  # SKL104


        model = Block()
        inputs = (torch.randn(1, 8, 64, 64),)
        """,
        """
        import torch
        from torch import nn


        class Symmetric(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(8, 8, 3, padding=1)
                self.conv2 = nn.Conv2d(8, 8, 3, padding=1)

            def forward(self, pairs):
                pairs = self.conv1(pairs)
                return pairs + self.conv2(pairs).transpose(2, 3)  # SKL104


        model = Symmetric()
        inputs = (torch.randn(1, 8, 64, 64),)
        """,
        """
        import torch
        from torch import nn


        class Separator(nn.Module):
            def __init__(self):
                super().__init__()
                self.down1 = nn.Conv1d(1, 8, 8, stride=4)
                self.down2 = nn.Conv1d(8, 8, 8, stride=4)
                self.up2 = nn.ConvTranspose1d(8, 8, 8, stride=4)
                self.up1 = nn.ConvTranspose1d(8, 1, 8, stride=4)

            def forward(self, audio):
                skip = torch.relu(self.down1(audio))
                low = torch.relu(self.down2(skip))
                return self.up1(self.up2(low) + skip)  # SKL104


        model = Separator()
        inputs = (torch.randn(1, 1, 148),)
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
                self.bottom = nn.Conv2d(8, 8, 3, padding=1)
                self.up = nn.Conv2d(16, 8, 3, padding=1)

            def forward(self, x):
                skip = self.down(x)
                low = self.bottom(F.max_pool2d(skip, 2))
                return self.up(torch.cat([F.interpolate(low, size=skip.shape[2:]), skip], dim=1))


        model = UNet()
        inputs = (torch.randn(1, 3, 64, 64),)
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
                if x.shape[2] % 2 or x.shape[3] % 2:
                    raise ValueError(f"height and width must be even, not {tuple(x.shape[2:])}")
                skip = self.down(x)
                low = self.bottom(F.max_pool2d(skip, 2))
                return self.up(torch.cat([F.interpolate(low, scale_factor=2), skip], dim=1))


        model = UNet()
        inputs = (torch.randn(1, 3, 64, 64),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv1 = nn.Conv2d(8, 16, 3, stride=2, padding=1)
                self.conv2 = nn.Conv2d(16, 16, 3, padding=1)
                self.pool = nn.AvgPool2d(2, ceil_mode=True)
                self.project = nn.Conv2d(8, 16, 1)

            def forward(self, x):
                out = self.conv2(torch.relu(self.conv1(x)))
                return torch.relu(out + self.project(self.pool(x)))


        model = Block()
        inputs = (torch.randn(1, 8, 64, 64),)
        """,
    )


def _list(shapes: tuple[tuple[int, ...], ...]) -> str:
    return " and ".join(map(shape_text, shapes))


def _remedy(graph: ModelGraph, join: Operation | None, failure: Failure, contract: Contract) -> str:
    pool = _rounding_pool(graph, join, failure)
    if pool is not None:
        return f"let both branches round alike: ceil_mode=True in {pool.id}"
    if contract.equal:
        names = listed([contract.axes[number].axis.name for number in contract.equal])
        return f"pad the input until {names} are the same, or transpose neither operand of the join"
    rank = len(failure.operands[0]) if failure.operands else 4
    space = "[2:]" if rank > 3 else "[-1:]"
    ways = [f"resample one operand to the size of the other, F.interpolate(..., size=other.shape{space})"]
    padding = _padding(contract)
    if padding:
        ways.append(f"pad the input at the start of forward, {padding}, and crop the result")
    return ", or ".join(ways)


def _is_cat(operation: Operation) -> bool:
    return operation.op.is_a(Family.CONCATENATION) and not operation.op.is_a(Family.STACK)


def _fix(analysis: Analysis, join: Operation | None, failure: Failure) -> Remedy | None:
    """At a concatenation of two: what comes the long way is brought to the size of what is skipped."""
    skip = next((each for each in analysis.skips if join is not None and each.join == join.index), None)
    if join is None or not _is_cat(join) or len(join.operands) != 2 or skip is None:
        return None
    main = {0, 1} - {connection.operand for connection in skip.connections}
    rank = len(failure.operands[0]) if failure.operands else 0
    if len(main) != 1 or rank < 3 or _rounding_pool(analysis.graph, join, failure) is not None:
        return None
    operand = join.operands[main.pop()]
    size = analysis.graph.spec(operand).shape[2:]
    return Remedy(
        kind="wrap-operand",
        target=join.id,
        argument=operand.argument,
        old=None,
        new=f"F.interpolate({{}}, size={size})",
        description=f"resample the other operand of {join.id} to the size of the skip",
        safe=False,
    )


def _padding(contract: Contract) -> str | None:
    """The call that pads an image or a sequence to what the contract asks for, if that is multiples."""
    places = [each.axis.places[0] for each in contract.axes]
    last = max(dim for _, dim in places)
    trailing = places == [(0, dim) for dim in range(last - len(places) + 1, last + 1)] and last >= 2
    multiples = all(each.sizes.stepped and each.sizes.residues == (0,) for each in contract.axes)
    if not trailing or not multiples:
        return None
    sides = [
        f"0, -x.shape[{number - len(places)}] % {each.sizes.modulus}"
        for number, each in reversed(list(enumerate(contract.axes)))
    ]
    return f"F.pad(x, ({', '.join(sides)}))"


def _rounding_pool(graph: ModelGraph, join: Operation | None, failure: Failure) -> Operation | None:
    """The pooling that rounds down, on the branch that came out smaller by one, if it is alone there."""
    if join is None or len(failure.operands) != len(join.operands) or len(join.operands) != 2:
        return None
    left, right = failure.operands
    gaps = {one - other for one, other in zip(left[2:], right[2:], strict=False)} - {0}
    if gaps not in ({1}, {-1}):
        return None
    return _pool_before(graph, join.operands[1 if gaps == {1} else 0])


def _pool_before(graph: ModelGraph, operand: Operand) -> Operation | None:
    found: Operation | None = None
    for _ in range(_MAX_STEPS):
        operation = graph.operations[operand.producer]
        data = [each for each in operation.operands if graph.operations[each.producer].data]
        resized = bool(data) and graph.spec(data[0]).shape[2:] != operation.outputs[0].shape[2:]
        if len(data) != 1 or (resized and found is not None):
            break
        if resized:
            if not operation.op.is_a(Family.WINDOWED) or operation.setting("ceil_mode") is True:
                return None
            found = operation
        operand = data[0]
    return found
