"""Whether a forward failed because it ran without values, or because of the model."""

from __future__ import annotations

import traceback
from typing import Any

from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)

from skiplint.tracing.execution.errors import BackendLimitError, is_deliberate

_ALWAYS = (
    BackendLimitError,
    DataDependentOutputException,
    DynamicOutputShapeException,
    UnsupportedFakeTensorException,
    UnsupportedOperatorException,
)
"""Raised for nothing else."""
_SOMETIMES = (RuntimeError, NotImplementedError, TypeError)
"""What torch raises without values, but also at a mistake of the model's."""
_AS_ARRAY = frozenset({Tensor.tolist, Tensor.numpy, Tensor.__array__, Tensor.data_ptr})
_AS_NUMBER = frozenset(
    {
        Tensor.item,
        Tensor.__bool__,
        Tensor.__int__,
        Tensor.__float__,
        Tensor.__complex__,
        Tensor.__index__,
        Tensor.__format__,
    }
)
"""Operations that hand the values of a tensor to Python; those of a single element."""
_SENTENCES = (
    # torch/_meta_registrations.py
    "Tensor.item() cannot be called on meta tensors",
    "cannot repeat_interleave a meta tensor without output_size",
    "The register_meta function for torch.nonzero() raises unimplemented by default",
    # aten/src/ATen/native/MetaFallbackKernel.cpp, torch/_library/fake_impl.py
    "attempted to run this operator with Meta tensors",
    "You're trying to run this operator with meta Tensors",
    # aten/src/ATen/core/dispatch/OperatorEntry.cpp
    "with arguments from the 'Meta' backend",
    # aten/src/ATen/native/Copy.cpp
    "Cannot copy out of meta tensor; no data!",
    # torch/csrc/utils/tensor_numpy.cpp
    "can't convert meta device type tensor to numpy",
    ".numpy() is not supported for tensor subclasses",
    # torch/storage.py
    "Not available for 'meta' device type",
    # c10/core/TensorImpl.h, c10/core/StorageImpl.cpp
    "but its data is not allocated yet",
    "Cannot access data pointer of",
    # torch/_prims_common/__init__.py, aten/src/ATen/TensorUtils.cpp, torch/_subclasses/fake_tensor.py: a
    # tensor that the forward makes from numbers has values, and meets those without
    "is not on the expected device meta!",
    "Expected all tensors to be on the same device",
    "Unhandled FakeTensor Device Propagation",
    # aten/src/ATen/NestedTensorImpl.cpp
    "NestedTensorImpl storage must be either",
    # aten/src/ATen/native/PackedSequence.cpp
    "'lengths' argument should be a 1D CPU int64 tensor, but got 1D meta",
)
"""Torch's own words by source, where neither the type of the error nor the operation tells."""


def needs_values(error: BaseException) -> bool:
    """Whether ``error`` comes from running without values.

    An error that the model's own code raises does not, whatever it says; unless it is raised while another
    one that does is handled.
    """
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, _ALWAYS) and is_deliberate(cause):
        cause = cause.__cause__ or cause.__context__
    if not isinstance(cause, _SOMETIMES):
        return False
    if isinstance(cause, _ALWAYS) or _hands_out_values(cause):
        return True
    return any(sentence in str(cause) for sentence in _SENTENCES)


def _hands_out_values(error: BaseException) -> bool:
    """Whether the call that raised ``error`` hands out values of a tensor that has none."""
    call: dict[str, Any] = {}
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_name == "__torch_function__":  # of a mode: it runs ``func(*args)``
            call = frame.f_locals
    function, args = call.get("func"), call.get("args", ())
    # A tensor of several elements is no number, with or without values.
    return function in _AS_ARRAY or (function in _AS_NUMBER and args[0].numel() == 1)
