"""Every model that torchvision registers: 121 in its ten subpackages."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torchvision
from torch import nn

from .model import Inputs, ZooModel

QUICK = frozenset(
    {
        "alexnet",
        "convnext_tiny",
        "densenet121",
        "fcn_resnet50",
        "googlenet",
        "mobilenet_v2",
        "quantized_resnet18",
        "resnet18",
        "shufflenet_v2_x1_0",
        "swin_t",
        "vit_b_16",
    }
)

# The detectors run on real tensors, so their images stay small where the resizing allows it.
_SMALL_RESIZE = {"min_size": 128, "max_size": 160}

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"init_weights": False},
    "inception_v3": {"init_weights": False},
    "quantized_googlenet": {"init_weights": False},
    "quantized_inception_v3": {"init_weights": False},
}

_FRAMES = {"mc3_18": 8, "r3d_18": 8, "r2plus1d_18": 8}


def _build(name: str, submodule: str) -> nn.Module:
    arguments = dict(_ARGUMENTS.get(name, {}))
    if submodule == "quantization":
        # The float model with its FloatFunctional joins; converting it would run calibration kernels.
        arguments["quantize"] = False
    if submodule in ("detection", "segmentation"):
        arguments["weights_backbone"] = None
    if submodule == "detection" and not name.startswith("ssd"):
        arguments |= _SMALL_RESIZE
    model: nn.Module = torchvision.models.get_model(name, weights=None, **arguments)
    return model


def _image(size: int) -> Inputs:
    return (torch.rand(1, 3, size, size),), {}


def _video(frames: int, size: int) -> Inputs:
    return (torch.rand(1, 3, frames, size, size),), {}


def _image_list(size: int) -> Inputs:
    return ([torch.rand(3, size, size)],), {}


def _image_pair(size: int) -> Inputs:
    return (torch.rand(1, 3, size, size), torch.rand(1, 3, size, size)), {}


def _inputs(name: str, submodule: str) -> Callable[[], Inputs]:
    if submodule == "detection":
        return partial(_image_list, 320 if name.startswith("ssd") else 128)
    if submodule == "optical_flow":
        return partial(_image_pair, 128)
    if submodule == "video":
        return partial(_video, _FRAMES.get(name, 16), 112 if name in _FRAMES else 224)
    if submodule == "segmentation":
        return partial(_image, 224)
    return partial(_image, 299 if "inception" in name else 224)


def submodule_of(name: str) -> str:
    """Where torchvision keeps the model: ``detection``, ``video`` ... or ``""`` for the classifiers."""
    parts = torchvision.models.get_model_builder(name).__module__.split(".")
    return parts[2] if len(parts) > 3 else ""


def models() -> list[ZooModel]:
    """All of ``torchvision.models.list_models()``."""
    found = []
    for name in torchvision.models.list_models():
        submodule = submodule_of(name)
        found.append(
            ZooModel(
                name=name,
                family="torchvision",
                build=partial(_build, name, submodule),
                inputs=_inputs(name, submodule),
                needs_values=submodule == "detection",
                quick=name in QUICK,
            )
        )
    return found
