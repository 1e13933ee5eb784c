"""Build a model of the catalogue without paying for its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.module import register_module_parameter_registration_hook

from .catalogue import Inputs, ZooModel


def _without_values(module: nn.Module, name: str, parameter: nn.Parameter | None) -> nn.Parameter | None:
    if parameter is None or parameter.is_meta or isinstance(parameter, nn.UninitializedParameter):
        return None
    return nn.Parameter(parameter.detach().to("meta"), requires_grad=parameter.requires_grad)


@contextmanager
def weightless() -> Iterator[None]:
    """Parameters lose their values as soon as a module gets them, so initialising them costs nothing.

    Unlike building under ``torch.device("meta")``, constructors may compute with tensors.
    """
    # Its annotation forgets that the hook may return what to register instead.
    handle = register_module_parameter_registration_hook(_without_values)  # type: ignore[arg-type]
    try:
        yield
    finally:
        handle.remove()


def build(model: ZooModel) -> tuple[nn.Module, Inputs]:
    """The model in eval mode and its inputs: on the CPU if it needs values, else on the meta device."""
    torch.manual_seed(0)
    if model.needs_values:
        return model.build().eval(), model.inputs()
    try:
        with weightless():
            module = model.build()
    except (NotImplementedError, RuntimeError):
        # A constructor that runs its own layers, to measure them, needs real ones.
        module = model.build()
    module = module.eval().to("meta")
    with torch.device("meta"):
        inputs = model.inputs()
    return module, inputs
