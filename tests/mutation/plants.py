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


def overwritten(self: Any, x: Tensor) -> Tensor:
    y = torch.sigmoid(branch(self, x))
    y += x
    return y


def cn_overwritten(self: Any, x: Tensor) -> Tensor:
    y = torch.tanh(self.layer_scale * self.block(x))
    return y.add_(x)


def hidden_overwritten(self: Any, x: Tensor) -> Tensor:
    """What the second convolution read is scaled in place afterwards."""
    hidden = self.relu(self.bn1(self.conv1(x)))
    y = self.bn2(self.conv2(hidden))
    if hasattr(self, "conv3"):
        y = self.bn3(self.conv3(self.relu(y)))
    hidden.mul_(0.5)
    return torch.relu(y + x) + hidden.mean()


def gated(block: nn.Module) -> None:
    """The block mixes its branch and its input by a gate with a bias as ``nn.Conv2d`` makes it."""
    channels = [module for module in block.modules() if isinstance(module, nn.Conv2d)][-1].out_channels
    block.gate = nn.Conv2d(channels, channels, 1)
    rewired(highway)(block)


def carrying(block: nn.Module) -> None:
    """A carry gate with the bias of a transform gate."""
    gated(block)
    nn.init.constant_(block.gate.bias, -2.0)
    rewired(carry_highway)(block)


def highway(self: Any, x: Tensor) -> Tensor:
    t = torch.sigmoid(self.gate(x))
    return torch.relu(t * branch(self, x) + (1 - t) * x)


def carry_highway(self: Any, x: Tensor) -> Tensor:
    return torch.lerp(branch(self, x), x, torch.sigmoid(self.gate(x)))


def one_in_last_norm(block: nn.Module) -> None:
    nn.init.ones_([module for module in block.modules() if isinstance(module, nn.BatchNorm2d)][-1].weight)


def scale_projections(model: nn.Module) -> None:
    """Both projections of every block of a ViT start at 1/sqrt(n), n being the number of additions."""
    count = 2 * len(model.blocks)
    for block in model.blocks:
        for layer in (block.attn.proj, block.mlp.fc2):
            layer.weight.data.div_(count**0.5)


def unscaled(block: nn.Module) -> None:
    for layer in (block.attn.proj, block.mlp.fc2):
        nn.init.trunc_normal_(layer.weight, std=0.02)


def without_norms(block: nn.Module) -> None:
    """No norm in a residual network's block, and layers that keep the variance."""
    for name, module in list(block.named_children()):
        if isinstance(module, nn.BatchNorm2d):
            setattr(block, name, nn.Identity())


def vit_without_norms(block: nn.Module) -> None:
    """No norm in a ViT's block, and layers that keep the variance."""
    block.norm1 = block.norm2 = nn.Identity()
    for layer in (block.mlp.fc1, block.mlp.fc2):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")


def single_layer(block: nn.Module) -> None:
    """The branch is one convolution, a cheap one also where the block is wide."""
    channels = [module for module in block.modules() if isinstance(module, nn.Conv2d)][-1].out_channels
    block.single = nn.Conv2d(channels, channels, 3, padding=1, groups=channels).to("meta")
    rewired(around_one)(block)


def around_one(self: Any, x: Tensor) -> Tensor:
    return torch.relu(self.single(x) + x)


def cn_around_one(self: Any, x: Tensor) -> Tensor:
    y: Tensor = x + self.block[0](x)
    return y
