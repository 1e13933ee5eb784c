"""Stock models in which faults are planted, without weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import timm
import torch
import torchvision
from torch import Tensor, nn


@dataclass(frozen=True)
class Stock:
    """A stock model by its package and name, and the size of the image it takes."""

    package: str
    name: str
    size: int = 64
    real: bool = False
    """With weights as they are initialised, for faults that are in the weights."""
    options: tuple[tuple[str, object], ...] = ()
    """Keyword arguments to build it with."""
    prepare: Callable[[nn.Module], None] | None = None
    """Makes it free of the fault that is planted, where the stock model has it."""

    def __str__(self) -> str:
        return f"{self.package}:{self.name}"

    def build(self) -> nn.Module:
        torch.manual_seed(0)
        with torch.device("cpu" if self.real else "meta"):
            if self.package == "timm":
                module = timm.create_model(self.name, pretrained=False, **dict(self.options))
            else:
                module = torchvision.models.get_model(self.name, **dict(self.options))
        if self.prepare is not None:
            self.prepare(module)
        return module.eval()

    def image(self) -> Tensor:
        return torch.randn(1, 3, self.size, self.size, device="cpu" if self.real else "meta")


Blocks = Callable[[nn.Module], list[str]]


def blocks_of(*classes: str) -> Blocks:
    """Selects the modules whose class has one of these names."""

    def select(model: nn.Module) -> list[str]:
        return [path for path, module in model.named_modules() if type(module).__name__ in classes]

    return select


def residual(model: nn.Module) -> list[str]:
    """Blocks of torchvision's and timm's residual networks whose shortcut is an identity."""
    return [
        path
        for path in blocks_of("BasicBlock", "Bottleneck")(model)
        if model.get_submodule(path).downsample is None
    ]


def inverted(model: nn.Module) -> list[str]:
    """Inverted residuals that have a skip."""
    return [
        path
        for path in blocks_of("InvertedResidual")(model)
        if getattr(model.get_submodule(path), "use_res_connect", False)
    ]


def in_stages(select: Blocks, least: int = 4) -> Blocks:
    """Those of ``select`` that have ``least`` or more of their kind beside them, the first not counted."""

    def chosen(model: nn.Module) -> list[str]:
        paths = select(model)
        stages: dict[str, list[str]] = {}
        for path in paths:
            stages.setdefault(path.rpartition(".")[0], []).append(path)
        return [path for items in stages.values() if len(items) >= least for path in items]

    return chosen
