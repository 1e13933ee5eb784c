"""Spellings of torch functions, and what their names tell."""

from __future__ import annotations

_RECORDED = {
    "iadd": "add_",
    "isub": "sub_",
    "imul": "mul_",
    "itruediv": "div_",
    "idiv": "div_",
    "ipow": "pow_",
    "imatmul": "matmul_",
    "radd": "add",
    "rsub": "sub",
    "rmul": "mul",
    "rtruediv": "div",
    "rdiv": "div",
    "rmatmul": "matmul",
    "rpow": "pow",
    "truediv": "div",
    "true_divide": "div",
    "true_divide_": "div_",
    "divide": "div",
    "divide_": "div_",
    "multiply": "mul",
    "multiply_": "mul_",
    "subtract": "sub",
    "subtract_": "sub_",
    "concat": "cat",
    "concatenate": "cat",
    "iter": "unbind",
    "invert": "bitwise_not",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
    "iand": "bitwise_and_",
    "ior": "bitwise_or_",
    "ixor": "bitwise_xor_",
}
"""Operators and synonyms, with the name under which a trace records them."""

UPDATE = "update"
"""The recorder's own entry for a value after writes through other views of its memory."""
ALIAS = "alias"
"""The recorder's own entry for another tensor on the memory of a value."""

_QUIET_PROPERTIES = frozenset(
    "shape dtype device ndim requires_grad is_meta layout is_leaf is_cuda is_cpu is_sparse is_quantized "
    "grad_fn itemsize nbytes name names is_nested is_mps is_xpu is_xla is_mkldnn is_sparse_csr "
    "retains_grad output_nr volatile _version grad _grad _backward_hooks is_complex".split()
)
_QUIET_METHODS = frozenset(
    "size dim stride numel nelement is_contiguous is_floating_point is_complex storage_offset data_ptr "
    "element_size get_device is_set_to storage untyped_storage __len__ __hash__ __repr__ "
    "__format__ has_names is_inference is_same_size requires_grad_ register_hook is_signed".split()
)


def recorded_name(name: str) -> str:
    """The name that a trace records for a function called ``name``: ``add_`` for ``__iadd__``."""
    if name.startswith("__") and name.endswith("__"):
        name = name[2:-2]
    return _RECORDED.get(name, name)


def base_name(name: str) -> str:
    """``name`` without the in-place mark: ``add`` for both ``add`` and ``add_``."""
    return name.rstrip("_") or name


def in_place_name(name: str) -> str:
    """``name`` with the in-place mark."""
    return f"{name.rstrip('_')}_"


def is_in_place(name: str) -> bool:
    """Whether a function of this name writes into its first argument: ``add_``, ``__setitem__``."""
    name = recorded_name(name)
    return name.endswith("_") or name == "setitem"


def is_query(name: str, *, is_property: bool) -> bool:
    """Whether a method or property of tensors makes no tensor and writes none, such as ``size``."""
    return name in (_QUIET_PROPERTIES if is_property else _QUIET_METHODS)
