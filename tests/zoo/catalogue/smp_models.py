"""Every segmentation-models-pytorch architecture, and several encoders under its U-Net."""

from __future__ import annotations

from functools import partial
from typing import Any

import segmentation_models_pytorch as smp
import torch
from torch import nn

from .model import Inputs, ZooModel

QUICK = frozenset({"Unet-resnet18", "FPN-resnet18"})

_SIZES = {"DPT": 224, "PAN": 128}

# Architecture, encoder, further arguments. DPT takes a vision transformer of timm as its encoder.
_MODELS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("Unet", "resnet18", {}),
    ("Unet", "resnet34", {}),
    ("UnetPlusPlus", "resnet18", {}),
    ("MAnet", "resnet18", {}),
    ("Linknet", "resnet18", {}),
    ("FPN", "resnet18", {}),
    ("PSPNet", "resnet18", {}),
    ("DeepLabV3", "resnet18", {}),
    ("DeepLabV3Plus", "resnet18", {}),
    ("PAN", "resnet18", {}),
    ("UPerNet", "resnet18", {}),
    ("Segformer", "resnet18", {}),
    ("DPT", "tu-vit_tiny_patch16_224", {"dynamic_img_size": True}),
    ("Unet", "vgg11", {}),
    ("Unet", "mobilenet_v2", {}),
    ("Unet", "densenet121", {}),
    ("Unet", "efficientnet-b0", {}),
    ("Unet", "mit_b0", {}),
    ("Unet", "xception", {}),
    ("Unet", "tu-resnet18", {}),
)


def _build(architecture: str, encoder: str, arguments: dict[str, Any]) -> nn.Module:
    model: nn.Module = smp.create_model(architecture, encoder, encoder_weights=None, **arguments)
    return model


def _image(size: int) -> Inputs:
    return (torch.rand(1, 3, size, size),), {}


def models() -> list[ZooModel]:
    """One entry an architecture and encoder, named ``architecture-encoder``."""
    return [
        ZooModel(
            name=f"{architecture}-{encoder}",
            family="smp",
            build=partial(_build, architecture, encoder, arguments),
            inputs=partial(_image, _SIZES.get(architecture, 64)),
            quick=f"{architecture}-{encoder}" in QUICK,
        )
        for architecture, encoder, arguments in _MODELS
    ]
