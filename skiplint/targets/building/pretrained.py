"""Keep constructors from downloading pretrained weights, which do not matter for the structure of a model.

``resnet50(pretrained=True)`` inside a constructor, or a backbone whose weights are loaded by default, would
otherwise fetch hundreds of megabytes, or fail without a network. A constructor that reads what it has fetched
fails here, and is then run with downloads. This module is only imported while a model is built.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn


class AbsentWeights(dict[str, Any]):
    """A state dictionary that was not fetched; loading it changes nothing."""

    def __missing__(self, key: str) -> AbsentWeights:
        return AbsentWeights()


class AbsentFile(str):
    """The path of a file of weights that was not fetched."""

    __slots__ = ()


@contextlib.contextmanager
def no_downloads() -> Iterator[None]:
    """Make the functions that fetch weights fetch none, in every module that has imported them."""
    replacements = list(_replacements())
    load_state_dict = nn.Module.load_state_dict
    for name, original, stand_in in replacements:
        _swap(name, original, stand_in)
    nn.Module.load_state_dict = _tolerant(load_state_dict)  # type: ignore[method-assign]
    try:
        yield
    finally:
        nn.Module.load_state_dict = load_state_dict  # type: ignore[method-assign]
        for name, original, stand_in in replacements:
            _swap(name, stand_in, original)  # also where a module was imported meanwhile


def _replacements() -> Iterator[tuple[str, Any, Any]]:
    """(name, function, stand-in) of every function that fetches or reads weights and is already imported."""
    for module, name, stand_in in (
        ("torch.hub", "load_state_dict_from_url", _Fetch(AbsentWeights)),
        ("huggingface_hub", "hf_hub_download", _Fetch(lambda: AbsentFile("absent"))),
        ("timm.models._builder", "load_pretrained", _Fetch(lambda: None)),
        ("timm.models._builder", "load_custom_pretrained", _Fetch(lambda: None)),
    ):
        original = getattr(sys.modules.get(module), name, None)
        if original is not None:
            yield name, original, stand_in
    for module, name in (("torch", "load"), ("safetensors.torch", "load_file")):
        original = getattr(sys.modules.get(module), name, None)
        if original is not None:
            yield name, original, _unless_absent(original)


class _Fetch:
    """A function of any arguments that fetches nothing and gives a stand-in."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make

    def __call__(self, *_: Any, **__: Any) -> Any:
        return self._make()


def _swap(name: str, old: Any, new: Any) -> None:
    for module in list(sys.modules.values()):
        with contextlib.suppress(AttributeError, TypeError):  # not everything in sys.modules is a module
            if vars(module).get(name) is old:
                setattr(module, name, new)


def _unless_absent(original: Any) -> Any:
    def load(source: Any, *args: Any, **kwargs: Any) -> Any:
        return AbsentWeights() if isinstance(source, AbsentFile) else original(source, *args, **kwargs)

    return load


def _tolerant(original: Any) -> Any:
    def load_state_dict(self: nn.Module, state_dict: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(state_dict, AbsentWeights):
            return nn.modules.module._IncompatibleKeys([], [])
        return original(self, state_dict, *args, **kwargs)

    return load_state_dict
