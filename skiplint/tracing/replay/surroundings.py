"""Where recorded calls run again: on which device, with which tensors and random numbers.

torch is imported when something is asked for, so that rules can import this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

from skiplint.graph import Operation, TensorSpec

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Device = Literal["cpu", "meta"]
"""``meta``: shapes only, no values and no memory."""


class ExecutionError(Exception):
    """A recorded call does not run again; ``str()`` is one line that names it."""


@contextmanager
def apart(*, grad: bool, device: Device = "cpu", seed: int = 0) -> Iterator[None]:
    """Run calls on ``device`` inside, and restore torch's global state afterwards.

    Args:
        grad: whether gradients are recorded.
        device: the default device.
        seed: of the random numbers.
    """
    import torch

    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.set_grad_enabled(grad))
        stack.enter_context(torch.device(device))
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed accelerators too
        yield


def filled(spec: TensorSpec, *, zero: bool = False) -> Tensor:
    """A tensor on the CPU with the shape and dtype of ``spec``.

    Standard normal numbers; zeros where asked, and for integers and truth values.

    Raises:
        ExecutionError: the tensor is quantized.
    """
    import torch

    dtype: torch.dtype = getattr(torch, spec.dtype)
    if dtype.is_floating_point or dtype.is_complex:
        return torch.zeros(spec.shape, dtype=dtype) if zero else torch.randn(spec.shape).to(dtype)
    if spec.dtype.startswith(("quint", "qint")):
        raise ExecutionError("quantized tensors have no plain values")
    return torch.zeros(spec.shape, dtype=dtype)


def refused(operation: Operation, output: int) -> Tensor:
    """For calls that may read nothing from elsewhere.

    Raises:
        ExecutionError: always.
    """
    raise ExecutionError(f"output {output} of {operation.id} is not known")


def bare(operation: Operation, output: int) -> Tensor:
    """An input, parameter, buffer or constant on the meta device; a parameter requires a gradient."""
    tensor = _bare(operation.outputs[output])
    return tensor.requires_grad_(operation.kind == "parameter" and _is_differentiable(tensor))


def stand_in(operation: Operation, spec: TensorSpec, reads: list[Tensor]) -> Tensor:
    """A result of ``operation`` on the meta device, made without running it.

    It requires a gradient if one of the operands ``reads`` does. An operation in place gives its operand.
    """
    for operand, read in zip(operation.operands, reads, strict=True):
        if operation.inplace and operand.argument == "0":
            return read
    tensor = _bare(spec)
    if _is_differentiable(tensor) and any(read.requires_grad for read in reads):
        return tensor.requires_grad_().clone()  # a leaf could not be written in place
    return tensor


def _bare(spec: TensorSpec) -> Tensor:
    import torch

    quantized = spec.dtype.startswith(("quint", "qint"))
    dtype: torch.dtype = torch.uint8 if quantized else getattr(torch, spec.dtype)
    return torch.empty(spec.shape, dtype=dtype, device="meta")


def _is_differentiable(tensor: Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()
