"""SKL105 dtype-join."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from skiplint.rules_api import (
    Analysis,
    Family,
    Finding,
    Flow,
    ModelGraph,
    Operand,
    Operation,
    Remedy,
    Rule,
    Severity,
    Skip,
    tensor_name,
)

_SUMS = (Family.ADDITION, Family.CONCATENATION, Family.BLEND, Family.ADDED_PRODUCT)
_JOINS = (*_SUMS, Family.CHOICE)
_PRODUCTS = (Family.PRODUCT, Family.DIVISION)
_MAX_STEPS = 4000


@dataclass(frozen=True, slots=True)
class _Promotion:
    """A join whose result is of a wider type than one of its operands."""

    operation: Operation
    wide: Operand
    narrow: Operand


class DtypeJoin(Rule):
    """A join of two number types, whose result silently takes the wider one.

    ## What it does
    Reports skips whose shortcut and branch differ in their number type (half and float, bfloat16 and
    float, integers and floats), so that the join promotes: with explicit casts, and inside of
    `torch.autocast` regions of the forward. Says what the wider result costs and which cast keeps it
    narrow. So too where a shortcut is multiplied by a gate or a scale of a wider type. Of a chain of joins
    that are wide because the one before was, only the first is reported.

    Raising the precision on purpose is silent: a norm or softmax in float32 that is cast back before the
    join, a sum whose only use is to be cast back, and a residual stream that a cast on the shortcut keeps
    in float32.

    ## Why it is bad
    From the join on all activations take twice the memory and bandwidth, which is what the half type was
    chosen against, and every later layer casts them back. Nothing fails and nothing warns.

    ## When it is wrong
    Where the residual stream of a mixed-precision model is to stay in float32, as that of most language
    models under autocast does. Say so with a cast at its start: `x = x.float()`.

    Regions for an accelerator are traced with the CPU's lists of operations, which keep norms and softmax
    in the lower precision, so joins that are wide only because CUDA raises these are not seen. Neither
    are regions that are entered outside of the forward, or by a decorator.

    ## References
    - PyTorch, Automatic Mixed Precision, "CUDA Ops that promote to the widest input type".
    - Gu and Dao 2023, Mamba (arXiv 2312.00752): `residual_in_fp32`, a wide stream on purpose.
    """

    code = "SKL105"
    name = "dtype-join"
    severity = Severity.WARNING

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Look at every step of every skip, then at sums of integers with what was computed from them."""
        flow = analysis.of(Flow)
        reported: set[int] = set()
        for skip in analysis.skips:
            ends = {skip.operands[each.operand].producer for each in skip.connections}
            for promotion in (*_scaled_up(flow, skip), *_promotions(flow, skip)):
                known = {promotion.operation.index, _widened(flow, promotion.wide).index} & reported
                if not known and not _is_meant(flow, promotion, ends):
                    reported.add(promotion.operation.index)
                    yield self._finding(analysis.graph, promotion, _shared_source(flow, promotion))
        for promotion in _from_integers(analysis.graph):
            yield self._finding(analysis.graph, promotion)

    def _finding(self, graph: ModelGraph, found: _Promotion, source: Operation | None = None) -> Finding:
        operation = found.operation
        result = operation.outputs[0]
        wide, narrow = graph.spec(found.wide).dtype, graph.spec(found.narrow).dtype
        count = max(result.nbytes // _width(result.dtype), 1)
        whole, half = result.nbytes, count * _width(narrow)
        cost = f", {whole:,} bytes instead of {half:,}" if whole > half else ""
        is_join = operation.op.is_a(*_JOINS)
        verb, preposition = ("joins", "with") if is_join else ("multiplies", "on a shortcut by")
        integer = not graph.spec(found.narrow).floating
        changed = found.narrow if integer else found.wide
        cast = f"{{}}.to(torch.{wide if integer else narrow})"
        at = "join" if is_join else operation.base_name
        left, right = tensor_name(graph, found.narrow), tensor_name(graph, found.wide)
        words = f"cast {tensor_name(graph, changed)} before the {at}: {cast.format('...')}"
        if source is not None:
            others = "all that it multiplies takes its type"
            words = f"cast the result of {source.id}, {others}: {cast.format('...')}"
        return self.finding(
            f"{operation.name} {verb} {narrow} from {left} {preposition} {wide} from {right}: "
            f"the result is {result.dtype}{cost}",
            node=operation,
            shapes=graph.shapes(operation.operands[:2]),
            expected=wide if integer else narrow,
            actual=result.dtype,
            fix=Remedy(
                kind="wrap-operand" if source is None else "wrap-result",
                target=operation.id if source is None else source.id,
                argument=changed.argument if source is None else "",
                old=None,
                new=cast,
                description=words,
                safe=False,
            ),
        )

    bad = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.conv1 = nn.Conv2d(width, width, 3, padding=1)
                self.conv2 = nn.Conv2d(width, width, 3, padding=1)

            def forward(self, x):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    out = self.conv2(torch.relu(self.conv1(x)))
                    return torch.relu(out + x)  # SKL105


        model = nn.Sequential(Block(8), Block(8))
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.linear = nn.Linear(width, width)

            def forward(self, x):
                branch = self.linear(x).float()
                return x + branch / branch.norm(dim=-1, keepdim=True)  # SKL105


        model = Block(8).to(torch.bfloat16)
        inputs = (torch.randn(4, 8, dtype=torch.bfloat16),)
        """,
        """
        import torch
        from torch import nn


        class Highway(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.linear, self.gate = nn.Linear(width, width), nn.Linear(width, width)

            def forward(self, x):
                gate = torch.sigmoid(self.gate(x).float())
                return x * (1 - gate) + torch.relu(self.linear(x)) * gate  # SKL105


        model = Highway(8).to(torch.bfloat16)
        inputs = (torch.randn(4, 8, dtype=torch.bfloat16),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class Block(nn.Module):
            def __init__(self, width):
                super().__init__()
                self.conv1 = nn.Conv2d(width, width, 3, padding=1)
                self.conv2 = nn.Conv2d(width, width, 3, padding=1)

            def forward(self, x):
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    out = self.conv2(torch.relu(self.conv1(x)))
                    return torch.relu(out + x.to(out.dtype))


        model = nn.Sequential(Block(8), Block(8))
        inputs = (torch.randn(1, 8, 16, 16),)
        """,
        '''
        import torch
        from torch import nn


        class Block(nn.Module):
            """The norm computes in float32 and hands back bfloat16; the stream is float32 on purpose."""

            def __init__(self, width):
                super().__init__()
                self.linear, self.scale = nn.Linear(width, width), nn.Parameter(torch.ones(width))

            def forward(self, stream):
                x = stream.float()
                x = x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)
                return stream.to(torch.float32) + self.linear(x.to(self.scale.dtype) * self.scale)


        model = nn.Sequential(Block(8), Block(8)).to(torch.bfloat16)
        inputs = (torch.randn(4, 8, dtype=torch.bfloat16),)
        ''',
    )


def _width(dtype: str) -> int:
    """Bytes of one number."""
    bits = "".join(letter for letter in dtype.partition("_")[0] if letter.isdigit())
    return int(bits or 8) // 8 or 1


def _promotions(flow: Flow, skip: Skip) -> Iterator[_Promotion]:
    graph = flow.graph
    for step in skip.steps:
        operation = graph.operations[step]
        if not operation.op.is_a(*_JOINS) or not operation.outputs:
            continue
        reads = [each for each in flow.reads[step] if graph.spec(each).shape]
        types = {graph.spec(each).dtype for each in reads}
        wide = [each for each in reads if graph.spec(each).dtype == operation.outputs[0].dtype]
        narrow = [each for each in reads if graph.spec(each).dtype != operation.outputs[0].dtype]
        if len(types) == 2 and wide and narrow:
            yield _Promotion(operation, wide[0], narrow[0])


def _scaled_up(flow: Flow, skip: Skip) -> Iterator[_Promotion]:
    """Multiplications on a shortcut by a gate or a scale of a wider type; the join adds wide to wide."""
    graph = flow.graph
    join = graph.operations[skip.join]
    for connection in skip.connections:
        operand = skip.operands[connection.operand]
        wide = graph.spec(operand).dtype
        stays = not _is_cast_back(flow, join, graph.spec(connection.fork).dtype)
        if connection.shortcut != "identity" or join.outputs[0].dtype != wide or not stays:
            continue
        for operation, read in _steps_back(flow, operand, connection.fork.producer):
            others = [
                each
                for each in operation.operands
                if each != read and graph.spec(each).dtype == wide and graph.spec(each).shape
            ]
            if graph.spec(read).dtype != wide and operation.op.is_a(*_PRODUCTS) and others:
                yield _Promotion(operation, others[0], read)


def _steps_back(flow: Flow, operand: Operand, fork: int) -> Iterator[tuple[Operation, Operand]]:
    """The operations of a shortcut from its end to its fork, each with what it reads of the shortcut."""
    while operand.producer > fork:
        operation = flow.graph.operations[operand.producer]
        reads = [each for each in flow.reads[operation.index] if _is_bypass(flow, each, fork)]
        if not reads:
            return
        operand = reads[0]
        yield operation, operand


def _shared_source(flow: Flow, found: _Promotion) -> Operation | None:
    """What made the wide tensor of a product, where other products are as wide because of it."""
    if not found.operation.op.is_a(*_PRODUCTS):
        return None
    wide = flow.graph.spec(found.wide).dtype
    operand: Operand | None = found.wide
    while operand is not None:
        operation = flow.graph.operations[operand.producer]
        if _promoted_by(flow, operation, wide) - {found.operation.index}:
            return operation
        reads = [each for each in flow.reads[operation.index] if flow.graph.spec(each).shape]
        operand = reads[0] if len(reads) == 1 and flow.graph.spec(reads[0]).dtype == wide else None
    return None


def _promoted_by(flow: Flow, operation: Operation, wide: str) -> set[int]:
    """The products of a narrower tensor with a result, or with what differences made of it."""
    graph = flow.graph
    found: set[int] = set()
    pending = [operation.index]
    while pending:
        for reader in flow.readers[pending.pop()]:
            reads = {graph.spec(each).dtype for each in flow.reads[reader] if graph.spec(each).shape}
            if not graph.operations[reader].outputs or graph.operations[reader].outputs[0].dtype != wide:
                continue
            if reads - {wide} and graph.operations[reader].op.is_a(*_PRODUCTS):
                found.add(reader)
            elif reads == {wide} and len(flow.reads[reader]) == 1:
                pending.append(reader)
    return found


def _is_bypass(flow: Flow, operand: Operand, fork: int) -> bool:
    """Whether a tensor comes from ``fork`` through no weighted layer."""
    pending, seen = [operand.producer], {operand.producer}
    while pending and len(seen) < _MAX_STEPS:
        index = pending.pop()
        if index == fork:
            return True
        if index < fork or flow.graph.operations[index].weighted:
            continue
        fresh = {each.producer for each in flow.reads[index]} - seen
        seen |= fresh
        pending.extend(fresh)
    return False


def _is_cast_back(flow: Flow, operation: Operation, narrow: str) -> bool:
    """Whether all that reads a result are casts to ``narrow``."""
    readers = [flow.graph.operations[index] for index in flow.readers[operation.index]]
    return bool(readers) and all(
        each.op.is_a(Family.CAST) and each.outputs[0].dtype == narrow for each in readers
    )


def _is_meant(flow: Flow, found: _Promotion, shortcuts: set[int]) -> bool:
    """Whether the wider type was asked for, is given up at once, or only follows from a join before."""
    graph = flow.graph
    if _is_cast_back(flow, found.operation, graph.spec(found.narrow).dtype):
        return True
    origin = _widened(flow, found.wide)
    if origin.op.is_a(Family.CAST):
        return found.wide.producer in shortcuts
    types = {graph.spec(each).dtype for each in flow.reads[origin.index] if graph.spec(each).shape}
    return origin.op.is_a(*_JOINS) and len(types) > 1


def _widened(flow: Flow, operand: Operand) -> Operation:
    """The operation since which the tensor is of its type."""
    dtype = flow.graph.spec(operand).dtype
    for _ in range(_MAX_STEPS):
        operation = flow.graph.operations[operand.producer]
        reads = flow.reads[operand.producer]
        if not reads or any(
            flow.graph.spec(each).dtype != dtype for each in reads if flow.graph.spec(each).shape
        ):
            return operation
        operand = reads[0]
    return flow.graph.operations[operand.producer]


def _from_integers(graph: ModelGraph) -> Iterator[_Promotion]:
    """Integers of the model's input that are joined with what layers made of the same tensor."""
    for operation in graph:
        if not operation.op.is_a(*_SUMS) or len(operation.operands) != 2:
            continue
        specs = [graph.spec(each) for each in operation.operands]
        whole = [spec.dtype.startswith(("int", "uint")) and bool(spec.shape) for spec in specs]
        if sum(whole) != 1 or specs[0].shape != specs[1].shape:
            continue
        narrow, wide = operation.operands[whole.index(True)], operation.operands[whole.index(False)]
        if graph.spec(wide).floating and _computed_from(graph, wide.producer, _before_views(graph, narrow)):
            yield _Promotion(operation, wide, narrow)


def _before_views(graph: ModelGraph, operand: Operand) -> int:
    index = operand.producer
    while graph.operations[index].operands and graph.operations[index].op.is_unchanged:
        index = graph.operations[index].operands[0].producer
    return index


def _computed_from(graph: ModelGraph, below: int, above: int) -> bool:
    """Whether a weighted layer stands between the two."""
    if not graph.operations[above].data:
        return False
    pending, seen = [(below, False)], {(below, False)}
    while pending and len(seen) < _MAX_STEPS:
        index, weighted = pending.pop()
        if index == above:
            if weighted:
                return True
            continue
        weighted = weighted or graph.operations[index].weighted
        for operand in graph.operations[index].operands:
            state = (operand.producer, weighted)
            if operand.producer >= above and state not in seen:
                seen.add(state)
                pending.append(state)
    return False
