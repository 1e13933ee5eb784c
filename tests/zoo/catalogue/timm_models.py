"""For every timm architecture module its smallest registered model, and a few more of the large modules."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import torch
from torch import nn

from .model import Inputs, ZooModel

with warnings.catch_warnings():
    # Some of timm's modules warn on import about names that they still export.
    warnings.simplefilter("ignore")
    import timm

QUICK = frozenset(
    {
        "hrnet_w18_small",
        "mobilenetv3_small_050",
        "mobilevit_xxs",
        "poolformerv2_s12",
        "repvgg_a0",
        "resnet18d",
    }
)

MODULES: dict[str, tuple[str, ...]] = {
    "beit": ("beit_base_patch16_224",),
    "byoanet": ("halonet_h1",),
    "byobnet": (
        "mobileone_s1",
        "repvgg_a0",
        "gernet_s",
    ),
    "cait": ("cait_xxs24_224",),
    "coat": ("coat_tiny",),
    "convit": ("convit_tiny",),
    "convmixer": ("convmixer_768_32",),
    "convnext": ("convnext_zepto_rms",),
    "cpubone": ("cpubone_nano",),
    "crossvit": ("crossvit_tiny_240",),
    "csatv2": ("csatv2",),
    "cspnet": (
        "cs3darknet_focus_s",
        "darknet53",
    ),
    "cspnext": ("cspnext_tiny",),
    "davit": ("davit_tiny",),
    "deepseek_vit": ("deepseek_vit_412m",),
    "deit": ("deit_tiny_patch16_224",),
    "densenet": ("densenet121",),
    "dla": ("dla46x_c",),
    "dpn": ("dpn48b",),
    "edgenext": ("edgenext_xx_small",),
    "efficientformer": ("efficientformer_l1",),
    "efficientformer_v2": ("efficientformerv2_s0",),
    "efficientnet": (
        "mobilenetv2_035",
        "efficientnet_b0",
    ),
    "efficientvim": ("efficientvim_m1",),
    "efficientvit_mit": ("efficientvit_b0",),
    "efficientvit_msra": ("efficientvit_m0",),
    "eva": ("vit_tiny_patch16_dinov3_qkvb",),
    "fasternet": ("fasternet_t0",),
    "fastvit": ("fastvit_t8",),
    "focalnet": ("focalnet_tiny_srf",),
    "gcvit": ("gcvit_xxtiny",),
    "gemma4_vit": ("gemma4_vit_167m",),
    "ghostnet": ("ghostnet_050",),
    "hardcorenas": ("hardcorenas_b",),
    "hgnet": ("hgnetv2_b0",),
    "hiera": ("hiera_tiny_224",),
    "hieradet_sam2": ("sam2_hiera_tiny",),
    "hrnet": ("hrnet_w18_small",),
    "iformer": ("iformer_t",),
    "inception_next": ("inception_next_atto",),
    "inception_resnet_v2": ("inception_resnet_v2",),
    "inception_v3": ("inception_v3",),
    "inception_v4": ("inception_v4",),
    "lcnetv2": ("lcnetv2_small",),
    "levit": ("levit_128s",),
    "lowformer": ("lowformer_b0",),
    "mambaout": ("mambaout_femto",),
    "maxxvit": (
        "maxvit_pico_rw_256",
        "coatnet_pico_rw_224",
    ),
    "metaformer": (
        "poolformerv2_s12",
        "convformer_s18",
    ),
    "mlp_mixer": (
        "gmlp_ti16_224",
        "mixer_s16_224",
    ),
    "mobilenetv3": (
        "mobilenetv3_small_050",
        "mobilenetv3_large_100",
    ),
    "mobilenetv5": ("mobilenetv5_300m",),
    "mobilevit": ("mobilevit_xxs",),
    "mvitv2": ("mvitv2_tiny",),
    "naflexvit": ("naflexvit_base_patch16_parfac_gap",),
    "nasnet": ("nasnetalarge",),
    "nest": ("nest_tiny",),
    "nextvit": ("nextvit_small",),
    "nfnet": ("nf_regnet_b0",),
    "pit": ("pit_ti_224",),
    "pnasnet": ("pnasnet5large",),
    "pvt_v2": ("pvt_v2_b0",),
    "qwen3_vit": ("qwen3_vit_88m",),
    "rdnet": ("rdnet_tiny",),
    "regnet": ("regnetx_002",),
    "repghost": ("repghostnet_050",),
    "repvit": ("repvit_m1",),
    "res2net": ("res2next50",),
    "resnest": ("resnest14d",),
    "resnet": (
        "resnet10t",
        "resnet18d",
    ),
    "resnetv2": ("resnetv2_18",),
    "rexnet": ("rexnet_100",),
    "selecsls": ("selecsls42",),
    "senet": ("legacy_seresnet18",),
    "sequencer": ("sequencer2d_s",),
    "shvit": ("shvit_s1",),
    "sknet": ("skresnet18",),
    "starnet": ("starnet_s050",),
    "swiftformer": ("swiftformer_xs",),
    "swin_transformer": ("swin_tiny_patch4_window7_224",),
    "swin_transformer_v2": ("swinv2_tiny_window8_256",),
    "swin_transformer_v2_cr": ("swinv2_cr_tiny_224",),
    "tiny_vit": ("tiny_vit_5m_224",),
    "tnt": ("tnt_s_legacy_patch16_224",),
    "tresnet": ("tresnet_m",),
    "twins": ("twins_svt_small",),
    "vgg": ("vgg11",),
    "visformer": ("visformer_tiny",),
    "vision_transformer": (
        "vit_tiny_patch16_224",
        "vit_little_patch16_reg4_gap_256",
    ),
    "vision_transformer_hybrid": ("vit_tiny_r_s16_p8_224",),
    "vision_transformer_relpos": ("vit_srelpos_small_patch16_224",),
    "vision_transformer_sam": ("samvit_base_patch16_224",),
    "vitamin": ("vitamin_small_224",),
    "volo": ("volo_d1_224",),
    "vovnet": ("ese_vovnet19b_slim_dw",),
    "xception": ("legacy_xception",),
    "xception_aligned": ("xception41p",),
    "xcit": ("xcit_nano_12_p8_224",),
}


def _build(name: str) -> nn.Module:
    model: nn.Module = timm.create_model(name, pretrained=False)
    return model


def _image(shape: tuple[int, ...]) -> Inputs:
    return (torch.rand(1, *shape),), {}


def _input_shape(name: str) -> tuple[int, ...]:
    """The smallest image that the model's default configuration allows."""
    known = timm.get_pretrained_cfg(name)
    config: dict[str, Any] = known.to_dict() if known else {}  # type: ignore[no-untyped-call]
    shape: tuple[int, ...] = config.get("min_input_size") or config["input_size"]
    return shape


def models() -> list[ZooModel]:
    """One entry a name of :data:`MODULES` that the installed timm knows."""
    return [
        ZooModel(
            name=name,
            family="timm",
            build=partial(_build, name),
            inputs=partial(_image, _input_shape(name)),
            quick=name in QUICK,
        )
        for names in MODULES.values()
        for name in names
        if timm.is_model(name)
    ]
