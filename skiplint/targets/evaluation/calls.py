"""Which calls are made while expressions of a user's file are evaluated: those that have no effects."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import inspect
import types
from typing import Any

BUILTINS: dict[str, Any] = {
    name: getattr(builtins, name)
    for name in (
        "abs all any bool bytes callable complex dict divmod enumerate filter float frozenset getattr "
        "hasattr int isinstance issubclass len list map max min object pow range repr reversed round "
        "set slice sorted str sum tuple type zip"
    ).split()
}
"""The builtins that a user's expression may use, but ``setattr`` and ``vars``."""

_PURE_MODULES = frozenset(
    "_operator argparse builtins collections copy dataclasses easydict einops enum fractions functools "
    "itertools math ml_collections numpy omegaconf operator re string torch torchvision timm types typing "
    "_collections _functools".split()
)
"""Packages whose functions compute values, apart from those named in ``_EFFECTS``."""
_EFFECTS = frozenset(
    "load save save_checkpoint download download_url load_state_dict_from_url load_state_dict hub system "
    "popen run call exit quit input exec eval from_pretrained load_from_checkpoint imread "
    "urlopen backward compile fromfile tofile init_process_group set_default_device set_default_dtype "
    "manual_seed seed set_num_threads memmap loadtxt savetxt genfromtxt spawn fork set_device "
    "parse_args".split()
)
"""Functions that read files, reach the network, end the program or change what is global."""


def is_harmless(function: Any) -> bool:
    """Whether a call of ``function`` has no effects outside of what it gives."""
    from torch import nn

    name = getattr(function, "__name__", "")
    if name in _EFFECTS:
        return False
    owner = getattr(function, "__self__", None)
    if isinstance(owner, types.ModuleType):  # how C functions of a module are bound
        owner = None
    if isinstance(function, type):
        return _makes_values(function) or _is_pure(function)
    if owner is not None:
        kind = owner if isinstance(owner, type) else type(owner)
        return issubclass(kind, nn.Module) or _makes_values(kind) or _is_pure(kind)
    if any(function is builtin for builtin in BUILTINS.values()):
        return True
    return _is_pure(function) or (_is_pure(type(function)) and not inspect.isroutine(function))


def is_of_module(function: Any) -> bool:
    """Whether a call runs a model: that of a module or of a method of one."""
    from torch import nn

    return isinstance(function, nn.Module) or isinstance(getattr(function, "__self__", None), nn.Module)


def _makes_values(kind: type) -> bool:
    """Whether instances of the class are values: modules, records, enumerations, exceptions apart."""
    import enum

    from torch import nn

    return (
        issubclass(kind, nn.Module | enum.Enum | dict | list | tuple | str | int | float | set | frozenset)
        or dataclasses.is_dataclass(kind)
        or hasattr(kind, "model_fields")  # pydantic
        or hasattr(kind, "__attrs_attrs__")
    )


def _is_pure(function: Any) -> bool:
    return str(getattr(function, "__module__", None) or "").partition(".")[0] in _PURE_MODULES


def is_plain(node: ast.ClassDef) -> bool:
    """Whether making an instance of the class only computes and sets attributes, from its syntax."""
    makers = [
        inner
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name in ("__init__", "__new__", "__post_init__")
    ]
    calls = [inner for maker in makers for inner in ast.walk(maker) if isinstance(inner, ast.Call)]
    return all(
        ast.unparse(call.func) in BUILTINS or ast.unparse(call.func).startswith("super()") for call in calls
    )
