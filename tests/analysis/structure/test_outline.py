"""The small graph: what is put together, what is kept apart, and that it is a quotient of the large one."""

from __future__ import annotations

import networkx
import pytest
import torch
from torch import nn

import skiplint
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.structure.outline import Outline, outline


class Block(nn.Module):
    def __init__(self, channels: int, out: int, project: bool = False) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(channels, out, 3, padding=1), nn.Conv2d(out, out, 3, padding=1)
        self.project = nn.Sequential(nn.Conv2d(channels, out, 1), nn.BatchNorm2d(out)) if project else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv2(torch.relu(self.conv1(x)))
        return torch.relu(h + (x if self.project is None else self.project(x)))


class Net(nn.Module):
    """An identity skip, a projection, and a long concatenative skip; one pool is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList([Block(4, 4), Block(4, 8, project=True)])
        self.pool, self.head = nn.MaxPool2d(2), nn.Conv2d(16, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.blocks:
            x = block(self.pool(x))
        deep = self.blocks[1].conv2(x)
        return self.head(torch.cat([x, deep], 1))


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    return skiplint.analyze(Net().eval(), torch.zeros(1, 4, 16, 16))


def draw(analysis: Analysis, depth: int) -> Outline:
    return outline(analysis.graph, analysis.skips, depth)


def test_branches_are_one_node_and_joins_stay_single(analysis: Analysis) -> None:
    assert [(node.id, node.kind) for node in draw(analysis, 2).nodes] == [
        ("input/x", "input"),
        ("pool", "operation"),
        ("blocks.0", "module"),
        ("blocks.0/add", "join"),
        ("blocks.0/relu_1", "operation"),
        ("pool#1", "operation"),
        ("blocks.1", "module"),
        ("blocks.1.project", "module"),
        ("blocks.1/add", "join"),
        ("blocks.1/relu_1", "operation"),
        ("blocks.1.conv2#1", "operation"),
        ("cat", "join"),
        ("head", "operation"),
        ("output", "output"),
    ]


def test_a_shortcut_goes_by_what_it_skips(analysis: Analysis) -> None:
    drawn = draw(analysis, 2)
    skips = [(e.source, e.target, e.skip, e.shortcut) for e in drawn.edges if e.skip]
    assert skips == [
        ("pool", "blocks.0/add", "additive", "identity"),
        ("pool#1", "blocks.1.project", "additive", "projection"),
        ("blocks.1.project", "blocks.1/add", "additive", "projection"),
        ("blocks.1/relu_1", "cat", "concatenative", "identity"),
    ]
    main = {(e.source, e.target) for e in drawn.edges if not e.skip}
    assert {("pool", "blocks.0"), ("blocks.0", "blocks.0/add"), ("pool#1", "blocks.1")} <= main


def test_a_great_depth_shows_every_operation(analysis: Analysis) -> None:
    drawn = draw(analysis, 99)
    wanted = [operation.id for operation in analysis.graph if operation.data]
    assert [node.id for node in drawn.nodes] == wanted


def test_depth_zero_leaves_forks_and_joins(analysis: Analysis) -> None:
    sizes = [len(node.operations) for node in draw(analysis, 0).nodes]
    assert sizes == [1, 1, 3, 1, 2, 3, 2, 1, 1, 1, 1, 1, 1]


@pytest.mark.parametrize("depth", [0, 1, 2, 3, 99])
def test_it_is_a_quotient_of_the_graph(analysis: Analysis, depth: int) -> None:
    """Every operation on the data's way is in one node, every read between nodes in one edge, no cycles."""
    drawn, graph = draw(analysis, depth), analysis.graph
    home = {index: node.id for node in drawn.nodes for index in node.operations}
    assert sum(len(node.operations) for node in drawn.nodes) == len(home)
    assert set(home) == {operation.index for operation in graph if operation.data}
    assert len({node.id for node in drawn.nodes}) == len(drawn.nodes)
    reads = [
        (home[operand.producer], home[operation.index])
        for operation in graph
        for operand in operation.operands
        if operand.producer in home and operation.index in home
    ]
    between = [pair for pair in reads if pair[0] != pair[1]]
    assert {(edge.source, edge.target) for edge in drawn.edges} == set(between)
    assert sum(edge.reads for edge in drawn.edges) == len(between)
    assert networkx.is_directed_acyclic_graph(networkx.DiGraph(between))
