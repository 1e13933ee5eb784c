"""Path lengths against closed forms, against the literature, and against listing every path."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import comb, sqrt
from typing import Any

import networkx as nx
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from skiplint.analysis.analysis import Analysis
from skiplint.analysis.paths import Paths
from skiplint.analysis.paths import counts as path_counts
from skiplint.analysis.paths.counts import Exact, PathGraph, reduced
from skiplint.analysis.paths.lengths import PathLengths
from skiplint.graph import ModelGraph, Operand, Operation, TensorSpec
from skiplint.tracing import trace
from tests.analysis.skips.generated_networks import Dense, Gated, Level, Residual, Spelling, body, spellings

IMAGE = torch.zeros(1, 4, 16, 16)
SPEC = TensorSpec((1,), "float32", 4, 0)


def paths_of(model: nn.Module, *inputs: Any, **named: Any) -> Paths:
    return Analysis(trace(model.eval(), *inputs, **named)).paths


def binomial(n: int) -> dict[int, int]:
    return {k: comb(n, k) for k in range(n + 1)}


# -- graphs made by hand -----------------------------------------------------------------------------


def graph_of(rows: list[list[int]], weighted: set[int], inputs: set[int], outputs: list[int]) -> ModelGraph:
    """Operation ``i`` reads ``rows[i]``; parallel reads are written twice."""
    operations: list[Operation] = []
    for index, row in enumerate(rows):
        operations.append(
            Operation(
                index=index,
                id=f"input/x{index}" if index in inputs else f"op{index}",
                kind="input" if index in inputs else "call",
                name="input" if index in inputs else "op",
                module="",
                module_class="Net",
                call=0,
                operands=tuple(Operand(read, 0, str(place)) for place, read in enumerate(row)),
                outputs=(SPEC,),
                weighted=index in weighted,
                data=index in inputs or any(operations[read].data for read in row),
            )
        )
    returned = tuple(Operand(read, 0, f"y{read}") for read in outputs)
    operations.append(Operation(len(rows), "output", "output", "output", "", "Net", 0, returned, ()))
    return ModelGraph("Net", tuple(operations), {}, (), 0, backend="meta", training=False)


def listed(graph: ModelGraph, source: str, sink: str) -> list[list[str]]:
    """Every path from ``source`` to ``sink``, as the nodes on it."""
    if source == sink:
        return [[source]]
    edges = nx.all_simple_edge_paths(graph.nx, source, sink)
    return [[source, *(edge[1] for edge in path)] for path in edges]


def lengths(graph: ModelGraph, found: list[list[str]]) -> dict[int, int]:
    weights = {operation.id: int(operation.weighted) for operation in graph}
    return dict(sorted(Counter(sum(weights[node] for node in path) for path in found).items()))


@st.composite
def graphs(draw: st.DrawFn) -> ModelGraph:
    inputs = draw(st.integers(1, 3))
    size = draw(st.integers(1, 7))
    rows: list[list[int]] = [[] for _ in range(inputs)]
    rows += [draw(st.lists(st.integers(0, index - 1), max_size=4)) for index in range(inputs, inputs + size)]
    weighted = draw(st.sets(st.integers(inputs, len(rows) - 1)))
    outputs = draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=3, unique=True))
    return graph_of(rows, weighted, set(range(inputs)), outputs)


@settings(deadline=None, max_examples=300)
@given(graphs())
def test_random_graphs_against_listing(graph: ModelGraph) -> None:
    paths = Paths(graph, ())
    ends = {
        operand.argument: graph.operations[operand.producer].id for operand in graph.operations[-1].operands
    }
    starts = [operation.id for operation in graph if operation.kind == "input"]
    expected = {
        (start.removeprefix("input/"), name): listed(graph, start, end)
        for start in starts
        for name, end in ends.items()
    }
    assert {(pair.input, pair.output): dict(pair.layers.histogram) for pair in paths.pairs} == {
        pair: lengths(graph, found) for pair, found in expected.items() if found
    }
    everything = [path for found in expected.values() for path in found]
    assert dict(paths.layers.histogram) == lengths(graph, everything)
    assert paths.layers.count == len(everything)
    for layer in paths.through:
        node = graph.operations[layer.operation].id
        rest = [
            sum(graph.by_id[each].weighted for each in path[path.index(node) + 1 :])
            for path in everything
            if node in path
        ]
        assert (layer.count, layer.distance) == (len(rest), min(rest, default=None))


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 9), st.booleans())
def test_dense_block_by_hand_against_listing(layers: int, newest_first: bool) -> None:
    rows: list[list[int]] = [[]]
    features = [0]
    for _ in range(layers):
        rows.append(list(reversed(features)) if newest_first else list(features))
        rows.append([len(rows) - 1])
        features.append(len(rows) - 1)
    rows.append(features)
    graph = graph_of(rows, set(features[1:]), {0}, [len(rows) - 1])
    found = Paths(graph, ()).layers
    assert (
        dict(found.histogram)
        == binomial(layers)
        == lengths(graph, listed(graph, "input/x0", f"op{len(rows) - 1}"))
    )


def test_parallel_edges_are_paths_of_their_own() -> None:
    graph = graph_of([[], [0, 0], [1, 1, 1]], {1}, {0}, [2])
    assert dict(Paths(graph, ()).layers.histogram) == {1: 6}


def test_an_input_returned_as_it_is() -> None:
    assert dict(Paths(graph_of([[]], set(), {0}, [0]), ()).layers.histogram) == {0: 1}


def test_no_path() -> None:
    paths = Paths(graph_of([[], []], {1}, {0}, [1]), ())
    assert (paths.layers.count, paths.layers.min, paths.layers.max, paths.layers.mean) == (0, 0, 0, 0)
    assert (paths.layers.percentile(50), paths.layers.share(0, 9), paths.layers.sd) == (0, 0, 0.0)
    assert paths.pairs == ()
    assert [(layer.count, layer.share, layer.distance) for layer in paths.through] == [(0, 0, None)]


def test_a_graph_without_output() -> None:
    whole = graph_of([[], [0]], {1}, {0}, [1])
    graph = ModelGraph("Net", whole.operations[:-1], {}, (), 0, backend="meta", training=False)
    assert Paths(graph, ()).layers.count == 0


# -- figures ---------------------------------------------------------------------------------------


def test_figures() -> None:
    found = PathLengths("layers", {2: 1, 3: 2, 7: 1})
    assert (found.count, found.min, found.mean, found.max) == (4, 2, Fraction(15, 4), 7)
    assert found.variance == Fraction(59, 16)
    assert [found.percentile(q) for q in (0, 25, 25.1, 50, 75, 76, 100)] == [2, 2, 3, 3, 3, 7, 7]
    assert (found.share(3, 7), found.share(4, 6), found.share(0, 99)) == (Fraction(3, 4), 0, 1)
    with pytest.raises(ValueError, match="between 0 and 100"):
        found.percentile(101)


def test_exact_beyond_floats() -> None:
    found = PathLengths("blocks", binomial(2000))
    assert found.count == 2**2000
    assert found.mean == 1000
    assert found.variance == 500
    assert found.sd == pytest.approx(sqrt(500))
    assert found.percentile(50) == 1000


# -- the literature ------------------------------------------------------------------------------------


class CifarBlock(nn.Module):
    def __init__(self, width: int, stride: int) -> None:
        super().__init__()
        inside = width // stride
        self.conv1 = nn.Conv2d(inside, width, 3, stride, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.stride, self.padding = stride, width - inside

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.padding))
        return F.relu(x + y)


def cifar_resnet(blocks: int) -> nn.Module:
    """He et al. (2015), section 4.2, with parameter-free shortcuts: ``6n + 2`` layers, ``3n`` blocks."""
    stem = nn.Conv2d(3, 16, 3, padding=1)
    stages = [CifarBlock(w, 2 if w > 16 and i == 0 else 1) for w in (16, 32, 64) for i in range(blocks)]
    return nn.Sequential(stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def test_resnet_110() -> None:
    """Veit, Wilber and Belongie (2016), section 4: 54 blocks."""
    paths = paths_of(cifar_resnet(18), torch.zeros(1, 3, 32, 32))
    blocks = paths.blocks
    assert blocks.count == 2**54 == 18014398509481984
    assert dict(blocks.histogram) == binomial(54)
    assert blocks.mean == 27
    assert blocks.sd == pytest.approx(3.674, abs=5e-4)
    assert float(blocks.share(19, 35)) == pytest.approx(0.98017, abs=5e-6)
    assert float(blocks.share(5, 17)) == pytest.approx(0.0045367, abs=5e-8)
    assert float(blocks.share(20, 34)) == pytest.approx(0.95978, abs=5e-6)
    # A stem, a classifier, and two convolutions in each block that is taken.
    assert dict(paths.layers.histogram) == {2 + 2 * k: n for k, n in binomial(54).items()}
    assert {(skip.share, skip.block_share) for skip in paths.shortcuts} == {(Fraction(1, 2), Fraction(1, 2))}
    first, *inner, last = paths.through
    assert (first.share, first.distance) == (1, 1)
    assert (last.share, last.distance) == (1, 0)
    assert {(layer.share, layer.distance) for layer in inner} == {(Fraction(1, 2), 1), (Fraction(1, 2), 2)}


def test_densenet_121() -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        net = models.densenet121(weights=None)
    paths = paths_of(net, torch.zeros(1, 3, 64, 64))
    assert paths.blocks.count == 2**58
    assert dict(paths.blocks.histogram) == binomial(58)
    # 121 layers: a stem, three transitions and a classifier; a dense layer has a 1x1 and a 3x3 convolution.
    assert dict(paths.layers.histogram) == {5 + 2 * k: n for k, n in binomial(58).items()}


class UNet(nn.Module):
    def __init__(self, levels: int, residual: bool = False) -> None:
        super().__init__()
        spelling = Spelling()
        self.net: nn.Module = Residual(2, False, spelling) if residual else body(2, spelling)
        for _ in range(levels):
            self.net = Level(self.net, spelling)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


def test_plain_u_net() -> None:
    """Down to the bottom, or across at one of the four levels."""
    paths = paths_of(UNet(4), torch.zeros(1, 4, 32, 32))
    assert dict(paths.blocks.histogram) == {0: 1, 1: 1, 2: 1, 3: 1, 4: 1}
    assert dict(paths.layers.histogram) == {2: 1, 4: 1, 6: 1, 8: 1, 10: 1}


def test_u_net_with_a_residual_bottom() -> None:
    paths = paths_of(UNet(2, residual=True), torch.zeros(1, 4, 32, 32))
    assert dict(paths.blocks.histogram) == {0: 1, 1: 1, 2: 1, 3: 1}  # 1 + z (1 + z (1 + z))


@pytest.mark.parametrize("blocks", [1, 2, 7])
def test_highway(blocks: int) -> None:
    paths = paths_of(nn.Sequential(*(Gated(1, Spelling()) for _ in range(blocks))), IMAGE)
    assert dict(paths.blocks.histogram) == binomial(blocks)
    # In layers both the gate and what it gates are ways: 1 for the carry, 3 with one convolution.
    assert paths.layers.count == 4**blocks


def test_models_without_skips_are_one_block_path() -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        net = models.googlenet(weights=None, init_weights=False)
    paths = paths_of(net, torch.zeros(1, 3, 64, 64))
    assert dict(paths.blocks.histogram) == {0: 1}
    assert paths.layers.count == 4**9


def test_transformer_counts_query_key_and_value_in_layers_only() -> None:
    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v, self.out = (nn.Linear(8, 8) for _ in range(4))

        def forward(self, x: Tensor) -> Tensor:
            return x + self.out(F.scaled_dot_product_attention(self.q(x), self.k(x), self.v(x)))

    paths = paths_of(nn.Sequential(Attention(), Attention()), torch.zeros(1, 5, 8))
    assert dict(paths.layers.histogram) == {0: 1, 2: 6, 4: 9}
    assert dict(paths.blocks.histogram) == {0: 1, 1: 2, 2: 1}


def test_token_ids_and_masks_carry_paths() -> None:
    class Tokens(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.head = nn.Embedding(9, 4), nn.Linear(4, 9)

        def forward(self, ids: Tensor, mask: Tensor) -> dict[str, Tensor]:
            features = self.embedding(ids) * mask[..., None]
            return {"features": features, "logits": self.head(features), "again": features}

    ids = torch.zeros(1, 3, dtype=torch.long)
    paths = paths_of(Tokens(), ids, mask=torch.ones(1, 3, dtype=torch.long))
    assert {(pair.input, pair.output): dict(pair.layers.histogram) for pair in paths.pairs} == {
        ("ids", "features"): {1: 1},
        ("ids", "logits"): {2: 1},
        ("mask", "features"): {0: 1},
        ("mask", "logits"): {1: 1},
    }
    assert dict(paths.layers.histogram) == {0: 1, 1: 2, 2: 1}


def test_shapes_and_overwritten_values_carry_none() -> None:
    class Shapes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            y = self.fc(x)
            scratch = x.clone()
            scratch.copy_(y)
            return scratch.expand_as(x).view_as(x).to(x) + torch.zeros_like(x) + x.new_ones(4)

    assert dict(paths_of(Shapes(), torch.zeros(2, 4)).layers.histogram) == {1: 1}


# -- composition -----------------------------------------------------------------------------------------

Polynomial = tuple[int, ...]


def times(left: Polynomial, right: Polynomial) -> Polynomial:
    product = [0] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            product[i + j] += a * b
    return tuple(product)


def around(inner: Polynomial) -> Polynomial:
    """A skip around ``inner``: 1 + z * inner."""
    return (1, *inner)


class Around(nn.Module):
    """Residual in residual."""

    def __init__(self, inner: nn.Module, spelling: Spelling) -> None:
        super().__init__()
        self.inner, self.end = inner, body(1, spelling)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.end(self.inner(x))


Tree = tuple[str, Any]
trees: st.SearchStrategy[Tree] = st.recursive(
    st.one_of(
        st.integers(1, 2).map(lambda n: ("plain", n)),
        st.integers(1, 3).map(lambda n: ("residual", n)),
        st.integers(1, 4).map(lambda n: ("dense", n)),
        st.integers(1, 2).map(lambda n: ("gated", n)),
    ),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda items: ("chain", items)),
        inner.map(lambda item: ("around", item)),
        inner.map(lambda item: ("level", item)),
    ),
    max_leaves=5,
)


def grown(tree: Tree, spelling: Spelling) -> tuple[nn.Module, Polynomial]:
    """The network of ``tree`` and its polynomial in blocks."""
    kind, value = tree
    if kind == "plain":
        return body(value, spelling), (1,)
    if kind == "residual":
        return Residual(value, value > 1, spelling), (1, 1)
    if kind == "dense":
        return Dense(value, spelling), tuple(comb(value, k) for k in range(value + 1))
    if kind == "gated":
        return Gated(value, spelling), (1, 1)
    if kind == "chain":
        parts = [grown(item, spelling) for item in value]
        product: Polynomial = (1,)
        for _, each in parts:
            product = times(product, each)
        return nn.Sequential(*(module for module, _ in parts)), product
    module, inner = grown(value, spelling)
    if kind == "around":
        return Around(module, spelling), around(inner)
    return Level(nn.Sequential(module, nn.Conv2d(4, 4, 1)), spelling), around(inner)


@settings(deadline=None, max_examples=60)
@given(trees, spellings)
def test_series_multiply_and_joins_add(tree: Tree, spelling: Spelling) -> None:
    net, polynomial = grown(tree, spelling)
    with torch.device("meta"):
        found = paths_of(nn.Sequential(nn.Conv2d(4, 4, 1), net), torch.zeros(1, 4, 64, 64)).blocks
    assert dict(found.histogram) == dict(enumerate(polynomial))


def test_parallel_branches_of_one_join_are_one_block() -> None:
    class Parallel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.left, self.right = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            return x + self.left(x) + self.right(x)

    paths = paths_of(nn.Sequential(Parallel(), Parallel()), torch.zeros(1, 8))
    assert dict(paths.blocks.histogram) == {0: 1, 1: 2, 2: 1}
    assert dict(paths.layers.histogram) == {0: 1, 1: 4, 2: 4}


def test_new_features_in_two_parts_are_one_block() -> None:
    class TwoParts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4 + 4 * i, 4) for i in range(3))

        def forward(self, x: Tensor) -> Tensor:
            features = [x]
            for layer in self.layers:
                new = layer(torch.cat(features, 1))
                features += [new[:, :2], new[:, 2:]]
            return torch.cat(features, 1)

    paths = paths_of(TwoParts(), torch.zeros(1, 4))
    assert dict(paths.blocks.histogram) == binomial(3)


def test_a_block_with_two_streams_has_a_path_from_each() -> None:
    class Decoder(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.q, self.k, self.v = (nn.Linear(8, 8) for _ in range(3))

        def forward(self, x: Tensor, memory: Tensor) -> Tensor:
            for _ in range(2):
                x = x + F.scaled_dot_product_attention(self.q(x), self.k(memory), self.v(memory))
            return x

    paths = paths_of(Decoder(), torch.zeros(1, 5, 8), torch.zeros(1, 6, 8))
    assert {pair.input: dict(pair.blocks.histogram) for pair in paths.pairs} == {
        "x": {0: 1, 1: 2, 2: 1},
        "memory": {1: 2, 2: 1},
    }


# -- size --------------------------------------------------------------------------------------------------


def dense_graph(layers: int) -> PathGraph:
    """Node ``2k + 1`` joins the features 0, 2, ..., 2k, which make the features ``2k + 2``."""
    rows: list[tuple[int, ...]] = [()]
    for layer in range(layers):
        rows += [tuple(range(0, 2 * layer + 1, 2)), (2 * layer + 1,)]
    rows.append(tuple(range(0, 2 * layers + 1, 2)))
    weight = tuple(int(node > 0 and node % 2 == 0) for node in range(len(rows)))
    return PathGraph(tuple(rows), weight, (0,), (len(rows) - 1,))


def residual_graph(blocks: int) -> PathGraph:
    rows: list[tuple[int, ...]] = [()]
    for block in range(blocks):
        rows += [(2 * block,), (2 * block, 2 * block + 1)]
    weight = tuple(int(node % 2) for node in range(len(rows)))
    return PathGraph(tuple(rows), weight, (0,), (len(rows) - 1,))


def additions(graph: PathGraph, monkeypatch: pytest.MonkeyPatch) -> int:
    done = 0
    add = path_counts.add

    def counting(*arguments: Any) -> Any:
        nonlocal done
        done += 1
        return add(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(path_counts, "add", counting)
        small, _ = reduced(graph)
        exact = Exact(small)
        assert exact.lengths(exact.total(exact.at_sinks(small, small.sources))) == binomial(sum(graph.weight))
    return done


def test_additions_grow_with_the_edges(monkeypatch: pytest.MonkeyPatch) -> None:
    assert additions(residual_graph(100), monkeypatch) == 100
    assert additions(residual_graph(200), monkeypatch) == 200


def test_a_dense_block_shares_its_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    assert additions(dense_graph(50), monkeypatch) == 50
    assert additions(dense_graph(100), monkeypatch) == 100


def test_histograms_are_dropped_when_read() -> None:
    """Each is as large as the last: 2,000 of them would take a gigabyte, a few take some megabytes."""
    import tracemalloc

    small, _ = reduced(residual_graph(2000))
    exact = Exact(small)
    tracemalloc.start()
    exact.at_sinks(small, small.sources)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 2001 * exact.bytes


def test_dense_block_of_1000_layers() -> None:
    small, _ = reduced(dense_graph(1000))
    exact = Exact(small)
    assert exact.lengths(exact.total(exact.at_sinks(small, small.sources))) == binomial(1000)


def test_chain_of_100000_operations() -> None:
    size = 100_000
    graph = graph_of([[], *([index] for index in range(size))], set(range(1, size + 1, 2)), {0}, [size])
    paths = Paths(graph, ())
    assert dict(paths.layers.histogram) == {size // 2: 1}
    assert paths.through[0].distance == size // 2 - 1


def test_resnet_1202() -> None:
    with torch.device("meta"):
        paths = paths_of(cifar_resnet(200), torch.zeros(1, 3, 32, 32))
    assert paths.layers.count == paths.blocks.count == 2**600
    assert (paths.blocks.mean, paths.layers.max) == (300, 1202)


def test_analysis_keeps_its_paths() -> None:
    analysis = Analysis(trace(nn.Linear(2, 2), torch.zeros(1, 2)))
    assert analysis.paths is analysis.paths
