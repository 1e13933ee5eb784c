"""What the providers of the structure say of small models whose structure is plain to see."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import skiplint
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.flow import Flow, past_views
from skiplint.analysis.structure.blocks import Blocks
from skiplint.analysis.structure.depthwise import is_depthwise
from skiplint.analysis.structure.factors import Factors
from skiplint.analysis.structure.norms import Norms
from skiplint.analysis.structure.owners import Owners, common_owner, inside, parent
from skiplint.analysis.structure.plain_runs import PlainRuns
from skiplint.analysis.structure.streams import ResidualStreams, branch_operations, last_layer
from skiplint.graph import Operand, Operation
from skiplint.operators import Family


class Block(nn.Module):
    """Adds a branch; what comes after the addition is ``after``."""

    def __init__(self, *layers: nn.Module, after: nn.Module | None = None) -> None:
        super().__init__()
        self.branch = nn.Sequential(*layers)
        self.after = nn.Identity() if after is None else after

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.after(x + self.branch(x))
        return out


def linears(count: int) -> tuple[nn.Module, ...]:
    return tuple(nn.Linear(8, 8) for _ in range(count))


def analyze(*layers: nn.Module) -> Analysis:
    return skiplint.analyze(nn.Sequential(*layers), torch.rand(2, 8))


def test_residual_blocks_in_a_row_are_one_stream() -> None:
    analysis = analyze(*(Block(*linears(2)) for _ in range(3)))
    (stream,) = analysis.of(ResidualStreams())
    assert stream == analysis.skips
    flow = analysis.of(Flow)
    by_id = analysis.graph.by_id
    last = [by_id[f"{number}.branch.1"] for number in range(3)]
    assert [last_layer(flow, skip) for skip in stream] == last
    assert [each.id for each in branch_operations(flow, stream[1])] == ["1.branch.1", "1.branch.0"]


def test_an_activation_ends_a_stream_unless_it_may_stand_between() -> None:
    analysis = analyze(*(Block(*linears(1), after=nn.ReLU()) for _ in range(3)))
    assert [len(stream) for stream in analysis.of(ResidualStreams())] == [1, 1, 1]
    assert [len(stream) for stream in analysis.of(ResidualStreams((Family.ACTIVATION,)))] == [3]


def test_plain_runs_end_at_joins() -> None:
    analysis = analyze(*linears(2), Block(*linears(2)), *linears(3))
    runs = [[operation.id for operation in run] for run in analysis.of(PlainRuns)]
    assert runs == [["0", "1"], ["3", "4", "5"]]  # 2 is the block, which the shortcut avoids


def test_a_separable_convolution_is_one_layer_of_a_plain_run() -> None:
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4), nn.Conv2d(4, 8, 1))
    analysis = skiplint.analyze(model, torch.rand(1, 4, 8, 8))
    depthwise, pointwise = (each for each in analysis.graph if each.weighted)
    assert is_depthwise(analysis.graph, depthwise)
    assert not is_depthwise(analysis.graph, pointwise)
    assert analysis.of(PlainRuns) == ((pointwise,),)


class RootMeanSquare(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)


def test_norms_know_what_they_normalise() -> None:
    analysis = analyze(nn.Linear(8, 8), nn.LayerNorm(8), nn.Linear(8, 8), RootMeanSquare(), nn.ReLU())
    norms, by_id = analysis.of(Norms), analysis.graph.by_id
    (by_hand,) = (each for each in analysis.graph if each.name == "mul")

    def normalised(made: Operation) -> Operation | None:
        source = norms.source(Operand(made.index, 0, "0"))
        return None if source is None else analysis.graph.operations[source.producer]

    assert normalised(by_id["1"]) == by_id["0"]
    assert normalised(by_hand) == by_id["2"]
    assert normalised(by_id["4"]) is None


class Halved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = 0.5 * x + 2 * self.layer(x)
        return out


def test_factors_are_the_numbers_at_a_join() -> None:
    analysis = analyze(Halved())
    graph, (skip,) = analysis.graph, analysis.skips
    source = skip.connections[0].fork.tensor
    weights = analysis.of(Factors).weights(graph.operations[skip.join], skip.steps, source)
    layer = graph.by_id["0.layer"].index
    assert weights == {source: 0.5, (layer, 0): 2.0}


def test_views_and_copies_are_passed() -> None:
    analysis = analyze(nn.Linear(8, 8), nn.Unflatten(1, (2, 4)), nn.Flatten(), nn.Dropout())
    (output,) = (each for each in analysis.graph if each.kind == "output")
    end = past_views(analysis.of(Flow), output.operands[0])
    assert analysis.graph.operations[end.producer].id == "0"


def test_blocks_are_modules_with_several_layers() -> None:
    analysis = analyze(Block(*linears(2)), Block(*linears(1)))
    first = next(block for block in analysis.of(Blocks) if block.path == "0")
    assert len(first.layers) == 2
    (wiring,) = first.wiring
    assert str(wiring) == "additive skip (add of 2) from its input around 2 layers"
    assert "1" not in [block.path for block in analysis.of(Blocks)], "it has one layer only"


def test_owners_have_weighted_layers() -> None:
    analysis = analyze(Block(nn.Linear(8, 8), after=nn.ReLU()))
    relu = next(each for each in analysis.graph if each.name == "relu")
    assert relu.module == "0.after"
    assert analysis.of(Owners).of(relu) == "0"


def test_paths_of_modules() -> None:
    assert inside("layer1.0.conv", "layer1.0")
    assert not inside("layer10", "layer1")
    assert inside("anything", "")
    assert common_owner("layer1.0.conv", "layer1.0.bn") == "layer1.0"
    assert common_owner("layer1", "layer2") == ""
    assert parent("layer1.0") == "layer1"
    assert parent("layer1") == ""
