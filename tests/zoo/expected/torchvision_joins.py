"""Expected joins of the torchvision models, from their modules' own classes and flags."""

from __future__ import annotations

from typing import Any

from torch import nn

from .counts import (
    ADDITIVE,
    CONCATENATIVE,
    NONE,
    TWO,
    Counts,
    Rule,
    additive_if,
    always,
    shortcut,
    total,
    weighted,
)


def _multiscale_block(module: Any) -> Counts:
    # Attention and feed-forward; where the width changes one of both has a linear shortcut. The pooled
    # query that the attention adds to its values bypasses no weighted layer, so it is no skip.
    return Counts(additive=2, projections=int(module.project is not None))


def _shuffle_unit(module: Any) -> Counts:
    # Stride 1 passes half of the channels through; stride 2 has two branches of two and three layers.
    return CONCATENATIVE if module.stride == 1 else NONE


def _pyramid(module: Any) -> Counts:
    # Top-down: each level but the last adds its own 1x1 convolution to the upsampled level above.
    levels = len(module.inner_blocks) - 1
    return Counts(additive=levels, projections=levels)


def _recurrent_flow(module: Any) -> Counts:
    """RAFT after its encoders, over the default twelve updates.

    An update has one or two GRU cells, each ending in ``(1 - z) * h + z * q``: gated. The first update
    starts from constant coordinates; in the eleven later ones the flow descends from the images, so that
    ``coords1 + delta`` is an additive skip, the motion encoder's ``cat([encoded, flow])`` with the context
    in front of it is one concatenation with identity operands, and in a first cell the state, and the
    context in ``x``, bypass what lies between two updates: ``cat([h, x])`` and ``cat([r * h, x])``. In a
    second cell ``x`` bypasses the first. A gate alone is no main path: in the first cell of the first
    update ``x`` reaches ``r * h`` only through ``r``, and that is no skip.
    """
    cells = 2 if isinstance(module.update_block.recurrent_block.convgru2, nn.Module) else 1
    updates, later = 12, 11
    in_cells = 2 * (later + updates * (cells - 1))
    return Counts(additive=later, concatenative=later + in_cells, gated=updates * cells)


RULES: dict[str, Rule] = {
    "resnet.BasicBlock": shortcut("downsample"),
    "resnet.Bottleneck": shortcut("downsample"),
    "video.resnet.BasicBlock": shortcut("downsample"),
    "video.resnet.Bottleneck": shortcut("downsample"),
    "densenet._DenseLayer": always(CONCATENATIVE),
    "mobilenetv2.InvertedResidual": additive_if("use_res_connect"),
    "mobilenetv3.InvertedResidual": additive_if("use_res_connect"),
    "mnasnet._InvertedResidual": additive_if("apply_residual"),
    "efficientnet.MBConv": additive_if("use_res_connect"),
    "efficientnet.FusedMBConv": additive_if("use_res_connect"),
    "regnet.ResBottleneckBlock": shortcut("proj"),
    "convnext.CNBlock": always(ADDITIVE),
    "vision_transformer.EncoderBlock": always(TWO),
    "swin_transformer.SwinTransformerBlock": always(TWO),
    "maxvit.MBConv": lambda module: Counts(additive=1, projections=int(weighted(module.proj))),
    "maxvit.PartitionAttentionLayer": always(TWO),
    "shufflenetv2.InvertedResidual": _shuffle_unit,
    "video.mvit.MultiscaleBlock": _multiscale_block,
    # The low-resolution classifier is one convolution from the backbone's early feature.
    "segmentation.lraspp.LRASPPHead": always(Counts(additive=1, projections=1)),
    "optical_flow.raft.ResidualBlock": shortcut("downsample"),
    "optical_flow.raft.BottleneckBlock": shortcut("downsample"),
    "optical_flow.raft.RAFT": _recurrent_flow,
}


def expected(model: Any) -> Counts:
    """Joins of any torchvision model."""
    pyramids = {"torchvision.ops.feature_pyramid_network.FeaturePyramidNetwork": _pyramid}
    return total(model, RULES, "torchvision.models.") + total(model, pyramids, "")


# The numbers of the design, as literals: a mistake in the rules above cannot hide here.
LITERAL: dict[str, Counts] = {
    "alexnet": NONE,
    "vgg16": NONE,
    "squeezenet1_0": NONE,
    "googlenet": NONE,
    "inception_v3": NONE,
    "resnet18": Counts(additive=8, projections=3),
    "resnet34": Counts(additive=16, projections=3),
    "resnet50": Counts(additive=16, projections=4),
    "resnet101": Counts(additive=33, projections=4),
    "resnet152": Counts(additive=50, projections=4),
    "densenet121": Counts(concatenative=58),
    "densenet161": Counts(concatenative=78),
    "densenet169": Counts(concatenative=82),
    "densenet201": Counts(concatenative=98),
    "mobilenet_v2": Counts(additive=10),
    "vit_b_16": Counts(additive=24),
    "swin_t": Counts(additive=24),
    "convnext_tiny": Counts(additive=18),
}
