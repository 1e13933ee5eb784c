"""Build the model of a target: on the meta device where that works, without initialising its weights."""

from __future__ import annotations

import contextlib
import copy
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from skiplint.sources.errors import at, describe
from skiplint.sources.randomness import seeded
from skiplint.targets.building.construction import construction_noted
from skiplint.targets.environment.missing import innermost_owner, not_installed
from skiplint.targets.environment.stand_ins import NotAvailableError, named
from skiplint.targets.failures import from_exception
from skiplint.targets.models.importing import quiet, unscripted
from skiplint.targets.records import BuiltModel, Device, ModelTarget, NotAModelError, TargetError

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
        The model, the device where it is, and what was left out of it.

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
        model, notes = _built(target, _ON_CPU if device == "cpu" else _ON_META)
        model, built_on = (model, device) if device == "cpu" else to_meta(model)
    with contextlib.suppress(NotImplementedError):  # exported programs have no modes
        model.eval()
    return BuiltModel(model, built_on, notes)


@dataclass(frozen=True)
class _Attempt:
    """One way to run a constructor."""

    device: Device
    initialised: bool = False
    """Initialise the weights."""
    readable: bool = False
    """As of :class:`~skiplint.targets.building.initialisers.SkipInitialisers`."""
    available: bool = False
    """What ``torch.cuda.is_available()`` says."""
    files: bool = False
    """Read the files of weights that are there."""


# A constructor that reads values, such as torch.linspace(...).item(), needs real tensors to do so.
_ON_META = (
    _Attempt("meta"),
    _Attempt("meta", readable=True),
    _Attempt("meta", readable=True, available=True),
    _Attempt("cpu"),
    _Attempt("cpu", files=True),
)
_ON_CPU = (
    _Attempt("cpu", initialised=True),
    _Attempt("cpu", initialised=True, available=True),
    _Attempt("cpu", initialised=True, files=True),
)


def _built(target: ModelTarget, attempts: tuple[_Attempt, ...]) -> tuple[nn.Module, tuple[str, ...]]:
    """The model by the first attempt that works, and what it left out.

    Raises:
        TargetError: none works; the message is of the last one, which is closest to what the author meant.
    """
    errors: list[BaseException] = []
    notes: list[str] = []
    for attempt in attempts:
        if attempt.device == "cpu" and _is_settled(errors) and not (attempt.files and notes):
            continue
        notes.clear()
        try:
            return _attempted(target, attempt, notes), tuple(notes)
        except _USER_ERRORS as error:
            errors.append(error)
    last = errors[-1]
    if isinstance(last, TargetError):
        raise last
    raise from_exception(f"{target.target}: {target.name} cannot be built: {_why(last)}", last) from last


def _why(error: BaseException) -> str:
    place = at(error)
    if isinstance(error, NotAvailableError):
        return error.with_place(place)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it imports {error.name}{place}, but {not_installed(error.name)}"
    return (
        f"{describe(error)}{place}; correct the constructor, or give its arguments with --args and --kwargs "
        "or in [[tool.skiplint.models]]"
    )


def _attempted(target: ModelTarget, attempt: _Attempt, notes: list[str]) -> nn.Module:
    """The model; ``notes`` gets what was left out, also where it cannot be built."""
    import torch

    from skiplint.devices.accelerators import accelerators_followed
    from skiplint.targets.building.initialisers import SkipInitialisers
    from skiplint.targets.building.weights import weights_left_out

    with contextlib.ExitStack() as stack:
        stack.enter_context(weights_left_out(notes, files=not attempt.files))
        if not attempt.initialised:
            stack.enter_context(torch.device(attempt.device))
        stack.enter_context(accelerators_followed(available=attempt.available))
        if not attempt.initialised:
            stack.enter_context(SkipInitialisers(readable=attempt.readable))
        stack.enter_context(named())
        return _checked(target, target.build())


def _is_settled(errors: list[BaseException]) -> bool:
    """Whether real tensors would change nothing: every attempt fails alike, at a check of the user's code."""
    seen = {(type(error), str(error), at(error)) for error in errors}
    if any("meta" in str(error) for error in errors):
        return False
    return len(errors) > 1 and len(seen) == 1 and innermost_owner(errors[0]) == "user"


def _checked(target: ModelTarget, built: Any) -> nn.Module:
    """The model in what a constructor or factory gave (some return the model and its preprocessing)."""
    from torch import nn

    for candidate in built if isinstance(built, list | tuple) else [built]:
        if isinstance(candidate, nn.Module):
            return candidate
    raise NotAModelError(
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
