"""Ways to plant a fault in one block, or in all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

Plant = Callable[[nn.Module], None]
"""Changes a block."""
Forward = Callable[[Any, Tensor], Tensor]


def rewired(forward: Forward) -> Plant:
    """The block runs ``forward`` from now on."""

    def plant(block: nn.Module) -> None:
        kind = type(block)
        block.__class__ = _same_class(kind, forward)

    return plant


def _same_class(kind: type[nn.Module], forward: Callable[..., Tensor]) -> type[nn.Module]:
    """A class of the same name with another ``forward``, as if the block's own had a flag for it."""
    names = {"__module__": kind.__module__, "__qualname__": kind.__qualname__}
    return type(kind.__name__, (kind,), {"forward": forward, **names})


def before(name: str, layer: Callable[[], nn.Module]) -> Plant:
    """``layer`` runs before the block's layer called ``name``."""

    def plant(block: nn.Module) -> None:
        setattr(block, name, nn.Sequential(layer(), getattr(block, name)))

    return plant


def after(name: str, layer: Callable[[], nn.Module]) -> Plant:
    """``layer`` runs after the block's layer called ``name``."""

    def plant(block: nn.Module) -> None:
        setattr(block, name, nn.Sequential(getattr(block, name), layer()))

    return plant


def shortcut(layer: Callable[[int], nn.Module]) -> Plant:
    """``layer``, made for the number of channels, stands on the shortcut of a residual network's block."""

    def plant(block: nn.Module) -> None:
        convolutions = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
        block.downsample = layer(convolutions[-1].out_channels).eval().to("meta")

    return plant


class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x * self.factor


def dead_layer(block: nn.Module) -> None:
    """The block computes a layer that nothing reads."""
    kind = type(block)

    def forward(self: Any, x: Tensor) -> Tensor:
        self.forgotten(x)
        result: Tensor = kind.forward(self, x)
        return result

    width = next(parameter for parameter in block.parameters() if parameter.dim() > 1).shape[1]
    layer = nn.Conv2d(width, width, 1) if _first_convolution(block) else nn.Linear(width, width)
    block.forgotten = layer.to("meta")
    block.__class__ = _same_class(kind, forward)


def _first_convolution(block: nn.Module) -> bool:
    layers = (each for each in block.modules() if isinstance(each, (nn.Conv2d, nn.Linear)))
    return isinstance(next(layers), nn.Conv2d)


def branch(self: Any, x: Tensor) -> Tensor:
    """The branch of torchvision's residual blocks, of two or three convolutions."""
    y = self.relu(self.bn1(self.conv1(x)))
    y = self.bn2(self.conv2(y))
    if hasattr(self, "conv3"):
        y = self.bn3(self.conv3(self.relu(y)))
    return y


def no_skip(self: Any, x: Tensor) -> Tensor:
    y: Tensor = self.relu(branch(self, x))
    return y


def skip_twice(self: Any, x: Tensor) -> Tensor:
    y = branch(self, x)
    y += x
    y += x
    return torch.relu(y)


def branch_twice(self: Any, x: Tensor) -> Tensor:
    y = branch(self, x)
    return torch.relu(y + y)


def subtracted(self: Any, x: Tensor) -> Tensor:
    return torch.relu(branch(self, x) - x)


def cn_no_skip(self: Any, x: Tensor) -> Tensor:
    y: Tensor = self.layer_scale * self.block(x)
    return y


def cn_twice(self: Any, x: Tensor) -> Tensor:
    y: Tensor = self.layer_scale * self.block(x)
    y = y + x
    return y + x


def inverted_no_skip(self: Any, x: Tensor) -> Tensor:
    y: Tensor = self.conv(x)
    return y


def timm_vit(self: Any, x: Tensor, *, first: bool, second: bool) -> Tensor:
    if first:
        x = self.norm1(x)
        x = x + self.attn(x)
    else:
        x = x + self.attn(self.norm1(x))
    if second:
        x = self.norm2(x)
        return x + self.mlp(x)
    y: Tensor = x + self.mlp(self.norm2(x))
    return y


def timm_after_first(self: Any, x: Tensor, **_: Any) -> Tensor:
    return timm_vit(self, x, first=True, second=False)


def timm_after_second(self: Any, x: Tensor, **_: Any) -> Tensor:
    return timm_vit(self, x, first=False, second=True)


def timm_no_skip(self: Any, x: Tensor, **_: Any) -> Tensor:
    x = self.attn(self.norm1(x))
    y: Tensor = x + self.mlp(self.norm2(x))
    return y


def timm_dropped(self: Any, x: Tensor, **_: Any) -> Tensor:
    x = nn.functional.dropout(x, 0.1, self.training) + self.attn(self.norm1(x))
    y: Tensor = x + self.mlp(self.norm2(x))
    return y


def vision_after_norm(self: Any, x: Tensor) -> Tensor:
    x = self.ln_1(x)
    attended, _ = self.self_attention(x, x, x, need_weights=False)
    x = x + attended
    y: Tensor = x + self.mlp(self.ln_2(x))
    return y


def vision_second_after_norm(self: Any, x: Tensor) -> Tensor:
    y = self.ln_1(x)
    attended, _ = self.self_attention(y, y, y, need_weights=False)
    x = self.ln_2(x + attended)
    z: Tensor = x + self.mlp(x)
    return z


def swin_after_norm(self: Any, x: Tensor) -> Tensor:
    x = self.norm1(x)
    x = x + self.attn(x)
    y: Tensor = x + self.mlp(self.norm2(x))
    return y
