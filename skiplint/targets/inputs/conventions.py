"""Inputs that the model itself provides, and the usual inputs of the library that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skiplint.sources.errors import at, describe
from skiplint.targets.failures import from_exception
from skiplint.targets.inputs.signatures import unwrapped
from skiplint.targets.inputs.tensors import TensorPlan
from skiplint.targets.inputs.transformers_inputs import transformers_arguments
from skiplint.targets.records import Arguments, TargetError

if TYPE_CHECKING:
    from torch import nn

Offer = tuple[str, Arguments]

_TORCHVISION_SHAPES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("torchvision.models.video.mvit", (1, 3, 16, 224, 224)),
    ("torchvision.models.video.s3d", (1, 3, 16, 224, 224)),
    ("torchvision.models.video.swin", (1, 3, 16, 224, 224)),
    ("torchvision.models.video", (1, 3, 16, 112, 112)),
    ("torchvision.models.inception", (1, 3, 299, 299)),
    ("torchvision.models.quantization.inception", (1, 3, 299, 299)),
    ("torchvision.models", (1, 3, 224, 224)),
)


def conventional_arguments(model: nn.Module) -> Iterator[Offer]:
    """Yield inputs by convention with the reason for each, the most explicit first.

    Raises:
        TargetError: ``skiplint_inputs()`` raises, or returns no tensor, tuple or dict.
    """
    inner = unwrapped(model)
    if callable(getattr(inner, "skiplint_inputs", None)):
        yield "given by skiplint_inputs()", _own_inputs(inner)
    yield from _lightning(inner)
    yield from transformers_arguments(inner)
    yield from _timm(inner)
    yield from _torchvision(inner)


def _own_inputs(model: Any) -> Arguments:
    name = type(model).__name__
    try:
        given = model.skiplint_inputs()
    except Exception as error:
        message = f"{name}.skiplint_inputs() raises {describe(error)}{at(error)}; correct it or remove it"
        raise from_exception(message, error) from error
    arguments = as_arguments(given)
    if arguments is None:
        raise TargetError(
            f"{name}.skiplint_inputs() gives {type(given).__name__}; return a tensor, a tuple or a dict"
        )
    return arguments


def as_arguments(given: Any) -> Arguments | None:
    """Return the arguments of a call, given as a tensor, a tuple or a dictionary; None for anything else."""
    import torch

    if isinstance(given, torch.Tensor):
        return (given,), {}
    if isinstance(given, dict):
        return (), dict(given)
    if isinstance(given, list | tuple):
        last = given[-1] if given else None
        if (
            isinstance(given, tuple)
            and len(given) == 2
            and isinstance(given[0], tuple)
            and isinstance(last, dict)
        ):
            return given[0], dict(last)
        return tuple(given), {}
    return None


def _lightning(model: Any) -> Iterator[Offer]:
    given = getattr(model, "example_input_array", None)
    arguments = None if given is None else as_arguments(given)
    if arguments is not None:
        yield "its example_input_array", arguments


def _timm(model: Any) -> Iterator[Offer]:
    for attribute in ("pretrained_cfg", "default_cfg"):
        settings = getattr(model, attribute, None)
        size = settings.get("input_size") if isinstance(settings, dict) else None
        if isinstance(size, list | tuple) and all(isinstance(item, int) for item in size):
            channels = getattr(model, "in_chans", None)
            shape = (1, channels if isinstance(channels, int) else size[0], *size[1:])
            yield f"the input_size of its {attribute}", ((TensorPlan(shape).make(),), {})
            return


def _torchvision(model: Any) -> Iterator[Offer]:
    module = type(model).__module__
    if not module.startswith("torchvision.models"):
        return
    if module.startswith("torchvision.models.detection"):
        yield "a list of images, as torchvision's detectors take", (([TensorPlan((3, 224, 224)).make()],), {})
        return
    if module.startswith("torchvision.models.optical_flow"):
        images = tuple(TensorPlan((1, 3, 224, 224)).make(seed) for seed in (0, 1))
        yield "two images, as torchvision's optical flow models take", (images, {})
        return
    for prefix, shape in _TORCHVISION_SHAPES:
        if module.startswith(prefix):
            yield "the usual size of torchvision", ((TensorPlan(shape).make(),), {})
            return
