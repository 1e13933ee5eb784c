"""Expected joins of timm models, from their modules' own classes and flags."""

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
    optional_shortcut,
    shortcut,
    total,
    weighted,
)


def _dual_path(module: Any) -> Counts:
    # One addition and one concatenation a block. Where a convolution feeds both the concatenation has no
    # identity operand, and main path and shortcut change resolution together: parallel branches.
    projected = module.c1x1_w_s1 is not None or module.c1x1_w_s2 is not None
    return Counts(additive=1, projections=1) if projected else Counts(additive=1, concatenative=1)


def _hierarchical(module: Any) -> Counts:
    # Res2Net: each slice but the first is added to what the convolution before it made, and the last slice
    # is concatenated as it is. The first block of a stage adds none, and where its convolutions have a
    # stride the last slice is pooled beside them: parallel branches, as in Inception's reduction blocks.
    inner = 0 if module.is_first else len(module.convs) - 1
    reduces = module.convs[0].stride != (1, 1)
    block = shortcut("downsample")(module)
    return block + Counts(additive=inner, concatenative=int(module.scale > 1 and not reduces))


def _split_transpose(module: Any) -> Counts:
    # Slices as in Res2Net, cross-covariance attention, and the whole block.
    return Counts(additive=len(module.convs) - 1 + 2, concatenative=1)


def _cascaded_heads(module: Any) -> Counts:
    # Each head but the first adds its own slice to what the head before it made; all are concatenated.
    return Counts(additive=len(module.qkvs) - 1, concatenative=1)


def _one_convolution_at_most(module: Any) -> Counts:
    # A depthwise and a pointwise convolution on the shortcut are two weighted layers: two branches.
    return ADDITIVE if len(module.shortcut) == 0 else NONE


def _stage_change(attribute: str) -> Rule:
    return lambda module: Counts(additive=2, projections=int(weighted(getattr(module, attribute, None))))


def _fusion(module: Any) -> Counts:
    # HRNet: every fused output adds all branches, nearer ones through fewer convolutions. Which of the
    # shortcuts are projections depends on where the branch began, so they are not counted here.
    return Counts(additive=len(module.fuse_layers), projections=None)


def _aggregation(module: Any) -> Counts:
    # HRNet's head: the next branch and the strided convolution of what was aggregated so far.
    if module.incre_modules is None:
        return NONE
    return Counts(additive=len(module.downsamp_modules), projections=None)


def _aggregated_tree(module: Any) -> Counts:
    # DLA: a root concatenates both blocks below it, of which the second is computed from the first.
    # The first block's shortcut is the tree's projection, if it has one.
    if module.root is None:
        return NONE
    return Counts(
        additive=int(module.root.shortcut), concatenative=1, projections=int(weighted(module.project))
    )


def _attention_downsample(module: Any) -> Counts:
    # A strided convolution beside attention on a strided query.
    return NONE if module.attn is None else Counts(additive=1, projections=1)


def _mobile_attention(module: Any) -> Counts:
    return Counts(additive=int(module.has_skip) + int(module.conv_cpe_dw is not None))


def _one_shot(module: Any) -> Counts:
    return Counts(additive=int(module.residual), concatenative=1)


def _class_attention(model: Any) -> Counts:
    # The class token that the first block starts from is a parameter, no fork: only its second join counts.
    return Counts(additive=2 * len(model.blocks_token_only) - 1)


_SLICED = Counts(additive=1, concatenative=1)

RULES: dict[str, Rule] = {
    "_efficientnet_blocks.DepthwiseSeparableConv": additive_if("has_skip"),
    "_efficientnet_blocks.EdgeResidual": additive_if("has_skip"),
    "_efficientnet_blocks.InvertedResidual": additive_if("has_skip"),
    "_efficientnet_blocks.MobileAttention": _mobile_attention,
    "_efficientnet_blocks.UniversalInvertedResidual": additive_if("has_skip"),
    "beit.Block": always(TWO),
    "byobnet.BasicBlock": optional_shortcut("shortcut"),
    "byobnet.BottleneckBlock": optional_shortcut("shortcut"),
    "byobnet.MobileOneBlock": lambda module: NONE if module.identity is None else ADDITIVE,
    "byobnet.RepVggBlock": lambda module: NONE if module.identity is None else ADDITIVE,
    "byobnet.SelfAttnBlock": optional_shortcut("shortcut"),
    "cait.Cait": _class_attention,
    "cait.LayerScaleBlock": always(TWO),
    "convit.Block": always(TWO),
    "convmixer.Residual": always(ADDITIVE),
    "convnext.ConvNeXtBlock": shortcut("shortcut"),
    "cpubone.ResidualBlock": optional_shortcut("shortcut"),
    "crossvit.CrossAttentionBlock": always(ADDITIVE),
    "csatv2.Block": always(ADDITIVE),
    "csatv2.PosConv": always(ADDITIVE),
    "csatv2.SpatialTransformerBlock": always(TWO),
    "csatv2.TransformerBlock": lambda module: Counts(additive=2, projections=int(module.downsample)),
    "cspnet.CrossStage3": always(CONCATENATIVE),
    "cspnet.DarkBlock": always(ADDITIVE),
    "cspnext.CspNextBlock": additive_if("add_identity"),
    "davit.ChannelBlock": always(TWO),
    "davit.ConvPosEnc": always(ADDITIVE),
    "davit.SpatialBlock": always(TWO),
    "deepseek_vit.DeepseekVitBlock": always(TWO),
    "densenet.DenseLayer": always(CONCATENATIVE),
    "dla.DlaBottleneck": always(ADDITIVE),
    "dla.DlaTree": _aggregated_tree,
    "dpn.DualPathBlock": _dual_path,
    "edgenext.ConvBlock": always(ADDITIVE),
    "edgenext.SplitTransposeBlock": _split_transpose,
    "efficientformer.MetaBlock1d": always(TWO),
    # The token mixer is a pooling without weights: adding it bypasses no weighted layer.
    "efficientformer.MetaBlock2d": always(ADDITIVE),
    # The weighted sum of the stages' classifiers: one linear layer from a stage, more through the next.
    "efficientvim.EfficientViM": always(Counts(additive=1, projections=1)),
    # Two depthwise convolutions, the state-space mixer and the feed-forward; a learned scale on each.
    "efficientvim.EfficientViMBlock": always(Counts(additive=4)),
    "efficientvim.PatchMerging": always(TWO),
    # The multi-scale queries, keys and values: as they are, beside their depthwise aggregation.
    "efficientvit_mit.LiteMLA": lambda module: CONCATENATIVE if len(module.aggreg) else NONE,
    "efficientformer_v2.Downsample": _attention_downsample,
    "efficientformer_v2.EfficientFormerV2Block": lambda module: (
        ADDITIVE if module.token_mixer is None else TWO
    ),
    # A strided depthwise convolution and the input itself, pooled to the same size.
    "efficientformer_v2.LocalGlobalQuery": always(ADDITIVE),
    "efficientvit_mit.ResidualBlock": optional_shortcut("shortcut"),
    "efficientvit_msra.CascadedGroupAttention": _cascaded_heads,
    "efficientvit_msra.ResidualDrop": always(ADDITIVE),
    "eva.EvaBlock": always(TWO),
    "fasternet.MLPBlock": always(ADDITIVE),
    "fasternet.Partial_conv3": always(CONCATENATIVE),
    "focalnet.FocalNetBlock": always(TWO),
    # The context of each level, times its gate from the data, added over levels that convolve one another.
    "focalnet.FocalModulation": always(Counts(gated=1)),
    "gcvit.GlobalContextVitBlock": always(TWO),
    "gcvit.MbConvBlock": always(ADDITIVE),
    "gemma4_vit.Gemma4Block": always(TWO),
    "ghostnet.GhostBottleneck": _one_convolution_at_most,
    "ghostnet.GhostModule": always(CONCATENATIVE),
    "hgnet.HighPerfGpuBlock": _one_shot,
    # A pooling of stride one beside two convolutions.
    "hgnet.StemV2": always(CONCATENATIVE),
    "hiera.HieraBlock": _stage_change("proj"),
    "hieradet_sam2.MultiScaleBlock": _stage_change("proj"),
    "hrnet.HighResolutionModule": _fusion,
    "hrnet.HighResolutionNet": _aggregation,
    "iformer.Residual": always(ADDITIVE),
    "inception_next.InceptionDWConv2d": always(CONCATENATIVE),
    "inception_next.MetaNeXtBlock": always(ADDITIVE),
    "inception_resnet_v2.Block17": always(ADDITIVE),
    "inception_resnet_v2.Block35": always(ADDITIVE),
    "inception_resnet_v2.Block8": always(ADDITIVE),
    "lcnetv2.RepDepthwiseSeparable": additive_if("use_shortcut"),
    "levit.LevitBlock": always(TWO),
    "levit.LevitDownsample": always(ADDITIVE),
    "lowformer.ResidualBlock": optional_shortcut("shortcut"),
    "mambaout.GatedConvBlock": always(_SLICED),
    "maxxvit.MbConvBlock": shortcut("shortcut"),
    "maxxvit.PartitionAttentionCl": always(TWO),
    "maxxvit.TransformerBlock2d": _stage_change("shortcut"),
    "metaformer.MetaFormerBlock": lambda module: TWO if weighted(module.token_mixer) else ADDITIVE,
    "mlp_mixer.MixerBlock": always(TWO),
    "mlp_mixer.SpatialGatingBlock": always(ADDITIVE),
    # The features of the last two stages, the deeper one resampled.
    "mobilenetv5.MobileNetV5MultiScaleFusionAdapter": always(CONCATENATIVE),
    "mobilevit.MobileVitBlock": lambda module: NONE if module.conv_fusion is None else CONCATENATIVE,
    "mvitv2.MultiScaleBlock": lambda module: Counts(
        additive=2,
        projections=int(module.shortcut_proj_attn is not None) + int(module.shortcut_proj_mlp is not None),
    ),
    "nest.TransformerLayer": always(TWO),
    "nextvit.NextConvBlock": always(TWO),
    # Attention, convolutional attention on a projection of it, feed-forward; both attentions concatenated.
    "nextvit.NextTransformerBlock": always(Counts(additive=3, concatenative=1)),
    "nfnet.NormFreeBlock": shortcut("downsample"),
    "pvt_v2.Block": always(TWO),
    "rdnet.DenseBlock": always(CONCATENATIVE),
    "regnet.Bottleneck": optional_shortcut("downsample"),
    "repghost.RepGhostBottleneck": _one_convolution_at_most,
    "repghost.RepGhostModule": lambda module: ADDITIVE if len(module.fusion_conv) else NONE,
    "repvit.RepVggDw": always(ADDITIVE),
    "repvit.RepViTBlock": always(ADDITIVE),
    "repvit.RepVitDownsample": always(ADDITIVE),
    "res2net.Bottle2neck": _hierarchical,
    "resnest.ResNestBottleneck": shortcut("downsample"),
    "resnet.BasicBlock": shortcut("downsample"),
    "resnet.Bottleneck": shortcut("downsample"),
    "resnetv2.PreActBasic": shortcut("downsample"),
    # The shortcut covers the first channels of a wider branch: padding and adding, spelled as a cat.
    "rexnet.LinearBottleneck": additive_if("use_shortcut"),
    "selecsls.SelecSlsBlock": always(CONCATENATIVE),
    "senet.SEResNetBlock": shortcut("downsample"),
    "sequencer.Sequencer2dBlock": always(TWO),
    "shvit.Residual": always(ADDITIVE),
    "shvit.SHSA": always(CONCATENATIVE),
    "sknet.SelectiveKernelBasic": shortcut("downsample"),
    "starnet.Block": always(ADDITIVE),
    "swiftformer.Block": always(TWO),
    "swiftformer.ConvEncoder": always(ADDITIVE),
    "swiftformer.EfficientAdditiveAttention": always(ADDITIVE),
    "swiftformer.LocalRepresentation": always(ADDITIVE),
    "swin_transformer.SwinTransformerBlock": always(TWO),
    "swin_transformer_v2.SwinTransformerV2Block": always(TWO),
    "swin_transformer_v2_cr.SwinTransformerV2CrBlock": always(TWO),
    "tiny_vit.MBConv": always(ADDITIVE),
    "tiny_vit.TinyVitBlock": always(TWO),
    # Pixels and patches, two each; where pixels join patches both have passed a projection. The first time
    # the patches are nothing but a projection of the pixels that the branch works on: a projection skip.
    "tnt.Block": always(Counts(additive=4)),
    "tnt.TNT": always(Counts(additive=1, projections=1)),
    "tresnet.BasicBlock": shortcut("downsample"),
    "tresnet.Bottleneck": shortcut("downsample"),
    "twins.Block": always(TWO),
    "twins.PosConv": lambda module: ADDITIVE if module.stride == 1 else NONE,
    "visformer.Block": lambda module: ADDITIVE if module.attn is None else TWO,
    "vision_transformer.Block": always(TWO),
    "vision_transformer_relpos.RelPosBlock": always(TWO),
    "vision_transformer_sam.Block": always(TWO),
    "vitamin.MbConvLNBlock": shortcut("shortcut"),
    "volo.ClassBlock": always(TWO),
    "volo.Outlooker": always(TWO),
    "volo.Transformer": always(TWO),
    "vovnet.OsaBlock": _one_shot,
    "xception.Block": shortcut("skip"),
    "xception_aligned.PreXceptionModule": lambda module: (
        NONE if module.no_skip else shortcut("shortcut")(module)
    ),
    # In the class attention the patch tokens pass both branches untouched, so that neither is reached
    # through weighted layers only: no skip.
    "xcit.ClassAttentionBlock": always(NONE),
    "xcit.XCABlock": always(Counts(additive=3)),
}

# Traced only: what their joins should be takes more than their blocks' flags to say.
UNDERIVED = frozenset(
    {
        "coat_tiny",
        "fastvit_t8",
        "nasnetalarge",
        "pnasnet5large",
    }
)


def expected(name: str, model: nn.Module) -> Counts | None:
    """Joins of a timm model, None where they are not derived."""
    return None if name in UNDERIVED else total(model, RULES, "timm.models.")
