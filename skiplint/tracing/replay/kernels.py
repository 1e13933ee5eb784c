"""How recorded calls run on the meta device as they do on the CPU, and as in training."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from skiplint.operators import Family, Op

if TYPE_CHECKING:
    from torch import Tensor


def as_in_training(
    op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call of ``op``, recorded in evaluation mode, as they are in training."""
    flag = op.settings.get("training")
    if flag is None:
        return args, kwargs
    given = any(keyword in kwargs for keyword in flag.keywords)
    placed = flag.position is not None and any(isinstance(each, bool) for each in args[flag.position :][:1])
    return flag.put(True, args, kwargs) if given or placed else (args, kwargs)


def as_on_cpu(op: Op, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function to run in place of a recorded one, where the meta device has another kernel."""
    import torch

    if isinstance(function, torch._ops.OpOverload):
        return function  # recorded as the kernel that it is
    if op.is_a(Family.ATTENTION) and not op.is_a(Family.MULTI_HEAD):
        return _attention
    if op.is_a(Family.BATCH_NORM):
        return _batch_norm
    is_image = op.is_a(Family.CONVOLUTION) and not op.is_a(Family.TRANSPOSED) and op.space == 2
    return partial(_convolution, function) if is_image else function


def _batch_norm(
    data: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    training: bool,
    *_: Any,
) -> Tensor:
    """A batch norm that allocates and saves what that of the CPU does.

    On the meta device it is decomposed in Python, which takes as long as all other calls together.
    """
    import torch

    del running_mean, running_var  # saved, but they are the model's
    if torch.is_grad_enabled():
        normed: Tensor = _batch_norm_node().apply(data, weight, bias, training)
        return normed
    return torch.empty_like(data)


@cache
def _batch_norm_node() -> Any:
    import torch

    class BatchNorm(torch.autograd.Function):
        """Saves its input and the statistics of the batch."""

        @staticmethod
        def forward(
            ctx: Any, data: Tensor, weight: Tensor | None, bias: Tensor | None, training: bool
        ) -> Tensor:
            """A tensor like the result, without values."""
            del bias
            dtype = data.dtype if weight is None else weight.dtype
            size = data.shape[1] if training else 0
            statistics = [torch.empty(size, dtype=dtype, device="meta") for _ in range(2)]
            ctx.save_for_backward(data, weight, *statistics)
            return torch.empty_like(data)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            """Never called."""
            raise NotImplementedError

    return BatchNorm


def _convolution(function: Callable[..., Tensor], data: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """A convolution that keeps the memory format channels-last, which that of the meta device does not.

    Whether a later call copies depends on it.
    """
    import torch

    result = function(data, *args, **kwargs)
    last = data.dim() == 4 and data.is_contiguous(memory_format=torch.channels_last)
    if not last or data.is_contiguous():
        return result
    _, channels, height, width = result.shape
    return result.as_strided(result.shape, (channels * height * width, 1, width * channels, channels))


def _attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """Attention by the fused kernel wherever the CPU would use it.

    On the meta device torch always uses the unfused form, which saves the matrix of attention weights.
    """
    import torch

    if not _is_fused(query, key, value, attn_mask, dropout_p):
        unfused: Tensor = torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
        )
        return unfused
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        attn_mask = torch.where(attn_mask, 0.0, torch.full((), float("-inf"), dtype=query.dtype))
    fused: Tensor = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, is_causal, attn_mask=attn_mask, scale=scale
    )[0]
    return fused


def _is_fused(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, dropout: float) -> bool:
    tensors = (query, key, value)
    if dropout > 0 or any(tensor.dim() != 4 or 0 in tensor.shape for tensor in tensors):
        return False
    if query.size(-1) != value.size(-1) or any(tensor.stride(-1) != 1 for tensor in tensors):
        return False
    if mask is None:
        return True
    return mask.dim() in (2, 4) and not mask.requires_grad
