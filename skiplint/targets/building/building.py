"""Build the model of a target: on the meta device where that works, without initialising its weights."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skiplint.sources.errors import at, describe
from skiplint.sources.randomness import seeded
from skiplint.targets.building.construction import construction_noted
from skiplint.targets.failures import from_exception
from skiplint.targets.models.importing import quiet, unscripted
from skiplint.targets.records import BuiltModel, Device, ModelTarget, TargetError

if TYPE_CHECKING:
    from torch import nn


_USER_ERRORS = (Exception, SystemExit)
"""What the user's constructor may raise, and what is reported instead of ending the run."""


def build(target: ModelTarget, *, device: Device = "meta", seed: int = 0) -> BuiltModel:
    """Build the model of ``target`` and put it into evaluation mode.

    Args:
        target: what to build.
        device: on "meta" the weights take no memory and are not initialised; a constructor that needs values
            is run on the CPU, still without initialising weights, and its model is moved to the meta device
            afterwards, if that is possible. On "cpu" the model is built as its author meant it.
        seed: of the random numbers of the constructor.

    Returns:
        The model, and the device where it is.

    Raises:
        TargetError: the constructor raises, or what it gives is no model.
    """
    with (
        warnings.catch_warnings(),
        quiet(),
        unscripted(),
        seeded(seed),
        construction_noted(),
        target.environment(),
    ):
        warnings.simplefilter("ignore")
        model, built_on = _on_cpu(target) if device == "cpu" else _on_meta(target)
    with contextlib.suppress(NotImplementedError):  # exported programs have no modes
        model.eval()
    return BuiltModel(model, built_on)


def _on_meta(target: ModelTarget) -> tuple[nn.Module, Device]:
    import torch

    from skiplint.targets.building.initialisers import SkipInitialisers
    from skiplint.targets.building.pretrained import no_downloads

    # A constructor that reads values, such as torch.linspace(...).item(), needs real tensors to do so.
    for device, readable in (("meta", False), ("meta", True), ("cpu", False)):
        skipping = SkipInitialisers(readable=readable)
        with contextlib.suppress(*_USER_ERRORS), no_downloads(), torch.device(device), skipping:
            return to_meta(_checked(target, target.build()))
    return to_meta(_on_cpu(target)[0])


def _on_cpu(target: ModelTarget) -> tuple[nn.Module, Device]:
    from skiplint.targets.building.pretrained import no_downloads

    with contextlib.suppress(*_USER_ERRORS), no_downloads():
        return _checked(target, target.build()), "cpu"
    try:
        return _checked(target, target.build()), "cpu"
    except TargetError:
        raise
    except _USER_ERRORS as error:
        message = (
            f"{target.target}: {target.name} cannot be built: {describe(error)}{at(error)}; correct the "
            "constructor, or give its arguments with --args and --kwargs or in [[tool.skiplint.models]]"
        )
        raise from_exception(message, error) from error


def _checked(target: ModelTarget, built: Any) -> nn.Module:
    """The model in what a constructor or factory gave (some return the model and its preprocessing)."""
    from torch import nn

    for candidate in built if isinstance(built, list | tuple) else [built]:
        if isinstance(candidate, nn.Module):
            return candidate
    raise TargetError(
        f"{target.target}: {target.name} gives {type(built).__name__}, not a torch.nn.Module; "
        "name a model class or a function that returns a model"
    )


def to_meta(model: nn.Module) -> tuple[nn.Module, Device]:
    """A copy of ``model`` on the meta device, or itself, where it cannot be copied; and the device."""
    import torch

    found = list(_tensors(model))
    if all(tensor.device.type == "meta" for tensor in found):
        return model, "meta"
    memo: dict[int, Any] = {}
    for tensor in found:
        memo.setdefault(id(tensor), _empty(tensor))
    try:
        with torch.no_grad():
            return copy.deepcopy(model, memo), "meta"
    except Exception:
        return model, "cpu"


def _tensors(model: nn.Module) -> Iterator[Any]:
    """Every tensor that the modules hold: parameters, buffers and plain attributes."""
    import torch

    for module in model.modules():
        held = [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
        for value in held:
            if isinstance(value, torch.Tensor):
                yield value
            elif isinstance(value, list | tuple):
                yield from (item for item in value if isinstance(item, torch.Tensor))


def _empty(tensor: Any) -> Any:
    import torch
    from torch import nn

    if isinstance(tensor, nn.parameter.UninitializedParameter | nn.parameter.UninitializedBuffer):
        return copy.deepcopy(tensor)
    shape = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(shape, requires_grad=tensor.requires_grad)
    return shape
