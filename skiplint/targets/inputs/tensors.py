"""Example tensors, which have the same values every time and leave torch's global generator as it is."""

from __future__ import annotations

from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

from skiplint.targets.inputs.fields import Fields
from skiplint.targets.records import TargetError

if TYPE_CHECKING:
    import torch

SIZES: dict[str, int] = {
    **dict.fromkeys(["B", "N", "batch", "batch_size", "b", "n"], 1),
    **dict.fromkeys(["C", "channels", "c", "channel", "in_channels"], 3),
    **dict.fromkeys(["H", "W", "S", "height", "width", "h", "w", "size", "image_size"], 224),
    **dict.fromkeys(["D", "depth", "frames", "F", "d", "f"], 16),
    **dict.fromkeys(
        ["T", "L", "seq", "time", "length", "seq_len", "tokens", "sequence", "t", "l", "s", "Q", "K"], 16
    ),
}
"""The default values of symbolic sizes."""


@dataclass(frozen=True)
class TensorPlan:
    """The shape, type and range of a tensor to make; integers are from ``low`` to ``high - 1``."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    low: int = 0
    high: int | None = None

    def make(self, seed: int = 0) -> torch.Tensor:
        """Make the tensor on the CPU, from its own generator with ``seed``.

        Raises:
            TargetError: ``dtype`` is no dtype of torch.
        """
        import torch

        dtype = getattr(torch, self.dtype.removeprefix("torch."), None)
        if not isinstance(dtype, torch.dtype):
            raise TargetError(f'"{self.dtype}" is not a dtype of torch; use one such as "float32" or "int64"')
        generator = torch.Generator(device="cpu").manual_seed(seed)
        if dtype == torch.bool:
            return torch.ones(self.shape, dtype=dtype, device="cpu")
        if dtype.is_floating_point or dtype.is_complex:
            made = torch.randn(self.shape, generator=generator, dtype=torch.float32, device="cpu")
            return made.to(dtype)
        high = self.high if self.high is not None else 2
        return torch.randint(
            self.low, max(high, self.low + 1), self.shape, generator=generator, device="cpu"
        ).to(dtype)

    def __str__(self) -> str:
        return f"{self.dtype}{list(self.shape)}"


def describe_value(value: Any) -> str:
    """Return a short text for one input: ``1x3x224x224``, or the type of a value that is no tensor."""
    import torch

    if isinstance(value, torch.Tensor):
        shape = "x".join(str(size) for size in value.shape) or "scalar"
        return shape if value.dtype == torch.float32 else f"{shape} {str(value.dtype).removeprefix('torch.')}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {describe_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(describe_value(item) for item in value) + "]"
    if isinstance(value, Fields) or is_dataclass(value):
        return describe_value(vars(value))
    return (
        repr(value) if isinstance(value, bool | int | float | str | None.__class__) else type(value).__name__
    )


def describe_arguments(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Return a short text for all inputs of a call."""
    parts = [describe_value(value) for value in args]
    parts += [f"{name}={describe_value(value)}" for name, value in kwargs.items()]
    return ", ".join(parts) or "no inputs"
