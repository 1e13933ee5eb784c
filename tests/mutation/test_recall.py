"""Each rule finds at least 95% of what is planted, in the block in which it was planted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import pytest
from torch import nn

import skiplint
from skiplint import Analysis
from skiplint.linting.registry import load_registry

from . import plants
from .plants import Plant
from .stock import Blocks, Stock, blocks_of, in_stages, inverted, residual

RECALL = 0.95
QUICK_BLOCKS = 1

RESNETS = tuple(
    Stock("torchvision", name) for name in ("resnet18", "resnet34", "resnet50", "resnext50_32x4d")
)
BOTTLENECKS = (Stock("torchvision", "resnet50"), Stock("torchvision", "resnet101"))
DEEP = (Stock("torchvision", "resnet34"), *BOTTLENECKS)
TIMM_RESNETS = (Stock("timm", "resnet26"), Stock("timm", "seresnet50"))
CONVNEXT = (Stock("torchvision", "convnext_tiny"),)
MOBILENET = (Stock("torchvision", "mobilenet_v2"),)
VITS = (Stock("timm", "vit_tiny_patch16_224", 224), Stock("timm", "deit_small_patch16_224", 224))
VISION = (Stock("torchvision", "vit_b_16", 224),)
REAL = tuple(Stock("torchvision", name, real=True) for name in ("resnet18", "resnet50"))
ZEROED = tuple(
    Stock("torchvision", name, real=True, options=(("zero_init_residual", True),))
    for name in ("resnet18", "resnet50")
)
SCALED = (Stock("timm", "vit_tiny_patch16_224", 224, real=True, prepare=plants.scale_projections),)
REAL_VITS = (Stock("timm", "vit_tiny_patch16_224", 224, real=True),)
REAL_DEEP = (Stock("torchvision", "resnet101", real=True),)
SWIN = (Stock("torchvision", "swin_t", 224),)

CN_BLOCKS = blocks_of("CNBlock")
VIT_BLOCKS = blocks_of("Block")
ENCODER_BLOCKS = blocks_of("EncoderBlock")
SWIN_BLOCKS = blocks_of("SwinTransformerBlock")


def relu() -> nn.Module:
    return nn.ReLU(inplace=True)


def pointwise(channels: int) -> nn.Module:
    return nn.Conv2d(channels, channels, 1)


@dataclass(frozen=True)
class Planting:
    """A fault, the rule that is to find it, and the blocks it is planted in."""

    code: str
    what: str
    plant: Plant
    blocks: Blocks
    models: tuple[Stock, ...]
    together: bool = False
    """Plant in all blocks at once: one of them alone is no fault."""
    once: bool = False
    """What is planted in all blocks is reported once, in one of them."""

    def __str__(self) -> str:
        return f"{self.code}-{self.what}"


PLANTINGS = (
    Planting("SKL201", "conv", plants.before("conv1", relu), residual, (*RESNETS, *TIMM_RESNETS)),
    Planting("SKL201", "convnext", plants.before("block", relu), CN_BLOCKS, CONVNEXT),
    Planting("SKL201", "inverted", plants.before("conv", relu), inverted, MOBILENET),
    Planting("SKL201", "norm", plants.before("norm1", relu), VIT_BLOCKS, VITS),
    Planting("SKL201", "second norm", plants.before("norm2", relu), SWIN_BLOCKS, SWIN),
    Planting("SKL202", "layer", plants.dead_layer, residual, RESNETS),
    Planting("SKL202", "linear", plants.dead_layer, ENCODER_BLOCKS, VISION),
    Planting("SKL203", "missing", plants.rewired(plants.no_skip), in_stages(residual), DEEP),
    Planting("SKL203", "twice", plants.rewired(plants.skip_twice), in_stages(residual), DEEP),
    Planting("SKL203", "subtracted", plants.rewired(plants.subtracted), in_stages(residual), DEEP),
    Planting("SKL203", "convnext", plants.rewired(plants.cn_no_skip), in_stages(CN_BLOCKS, 3), CONVNEXT),
    Planting("SKL203", "again", plants.rewired(plants.cn_twice), in_stages(CN_BLOCKS, 3), CONVNEXT),
    Planting("SKL203", "vit", plants.rewired(plants.timm_no_skip), VIT_BLOCKS, VITS),
    Planting("SKL204", "first", plants.rewired(plants.timm_after_first), VIT_BLOCKS, VITS),
    Planting("SKL204", "second", plants.rewired(plants.timm_after_second), VIT_BLOCKS, VITS),
    Planting("SKL204", "encoder", plants.rewired(plants.vision_after_norm), ENCODER_BLOCKS, VISION),
    Planting("SKL204", "mlp", plants.rewired(plants.vision_second_after_norm), ENCODER_BLOCKS, VISION),
    Planting("SKL204", "swin", plants.rewired(plants.swin_after_norm), SWIN_BLOCKS, SWIN),
    Planting("SKL205", "itself", plants.rewired(plants.branch_twice), residual, RESNETS),
    Planting("SKL205", "twice", plants.rewired(plants.skip_twice), residual, RESNETS),
    Planting("SKL301", "dropout", plants.shortcut(lambda _: nn.Dropout(0.2)), residual, RESNETS),
    Planting("SKL301", "factor", plants.shortcut(lambda _: plants.Scale(0.5)), residual, RESNETS),
    Planting("SKL301", "norm", plants.shortcut(nn.BatchNorm2d), residual, RESNETS),
    Planting("SKL301", "activation", plants.shortcut(lambda _: nn.Tanh()), residual, TIMM_RESNETS),
    Planting("SKL301", "vit", plants.rewired(plants.timm_dropped), VIT_BLOCKS, VITS),
    Planting("SKL302", "basic", plants.after("bn2", relu), residual, RESNETS[:2]),
    Planting("SKL302", "bottleneck", plants.after("bn3", relu), residual, RESNETS[2:]),
    Planting("SKL302", "inverted", plants.after("conv", nn.ReLU), inverted, MOBILENET),
    Planting("SKL302", "vit", plants.after("mlp", nn.ReLU), VIT_BLOCKS, VITS),
    Planting("SKL303", "1x1", plants.shortcut(pointwise), residual, RESNETS, together=True),
    Planting("SKL206", "result", plants.rewired(plants.overwritten), residual, RESNETS),
    Planting("SKL206", "operand", plants.rewired(plants.hidden_overwritten), residual, RESNETS),
    Planting("SKL206", "convnext", plants.rewired(plants.cn_overwritten), CN_BLOCKS, CONVNEXT),
    Planting("SKL304", "transform", plants.gated, residual, REAL),
    Planting("SKL304", "carry", plants.carrying, residual, REAL),
    Planting("SKL307", "batch norm", plants.one_in_last_norm, residual, ZEROED),
    Planting("SKL308", "vit", plants.unscaled, VIT_BLOCKS, SCALED, together=True, once=True),
    Planting("SKL309", "vit", plants.vit_without_norms, VIT_BLOCKS, REAL_VITS, together=True, once=True),
    Planting("SKL309", "resnet", plants.without_norms, residual, REAL_DEEP, together=True, once=True),
    Planting("SKL601", "conv", plants.single_layer, residual, RESNETS),
    Planting("SKL601", "convnext", plants.rewired(plants.cn_around_one), CN_BLOCKS, CONVNEXT),
)


def is_found(planting: Planting, stock: Stock, paths: Sequence[str]) -> list[bool]:
    """For each block whether the rule reports something in it, after planting in all of ``paths``."""
    model = stock.build()
    for path in paths:
        planting.plant(model.get_submodule(path))
    rule = load_registry().find(planting.code)
    assert rule is not None
    analysis = skiplint.analyze(model.eval(), stock.image())
    findings = list(rule().check(analysis))
    places = [analysis.graph.by_id[finding.node].module for finding in findings if finding.node]
    return [any(place == path or place.startswith(f"{path}.") for place in places) for path in paths]


def plantings(quick: bool) -> list[object]:
    cases = []
    for planting in PLANTINGS:
        for number, stock in enumerate(planting.models):
            marks = () if quick and number == 0 else pytest.mark.zoo
            cases.append(pytest.param(planting, stock, id=f"{planting}-{stock}", marks=marks))
    return cases


def recall(planting: Planting, stock: Stock, limit: int | None) -> float:
    paths = planting.blocks(stock.build())
    assert paths, f"{stock} has no block to plant in"
    if planting.together:
        found = is_found(planting, stock, paths)
        found = [any(found)] if planting.once else found
    else:
        chosen = paths if limit is None else paths[:: max(1, len(paths) // limit)][:limit]
        found = [is_found(planting, stock, [path])[0] for path in chosen]
    return sum(found) / len(found)


@pytest.mark.parametrize(("planting", "stock"), plantings(quick=True))
def test_recall_in_some_blocks(planting: Planting, stock: Stock) -> None:
    assert recall(planting, stock, QUICK_BLOCKS) == 1


@pytest.mark.zoo
@pytest.mark.parametrize(("planting", "stock"), plantings(quick=False))
def test_recall_in_every_block(planting: Planting, stock: Stock) -> None:
    assert recall(planting, stock, None) >= RECALL


@cache
def untouched(stock: Stock) -> Analysis:
    return skiplint.analyze(stock.build(), stock.image())


@pytest.mark.parametrize("code", sorted({planting.code for planting in PLANTINGS}))
def test_nothing_is_found_where_nothing_is_planted(code: str) -> None:
    rule = load_registry().find(code)
    assert rule is not None
    for stock in {stock for each in PLANTINGS if each.code == code for stock in each.models[:1]}:
        assert not list(rule().check(untouched(stock)))
