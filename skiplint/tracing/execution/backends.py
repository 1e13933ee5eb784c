"""Run a forward on a backend and restore the model afterwards.

``meta``: shapes only, no memory. ``fake``: shapes, and devices as on the real machine. ``eager``: real
tensors, for a forward that needs values. Whatever the forward changes in what it can reach is restored.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter, is_lazy

from skiplint.devices.accelerators import accelerators_followed
from skiplint.graph import Backend
from skiplint.sources.randomness import seeded
from skiplint.tracing.execution.autocast import regions_followed
from skiplint.tracing.execution.caches import caches_kept_clean
from skiplint.tracing.execution.errors import BackendLimitError
from skiplint.tracing.execution.live_state import LiveState
from skiplint.tracing.recording.trees import replace

ORDER: tuple[Backend, ...] = ("meta", "fake", "eager")

one_at_a_time = threading.RLock()
"""Held while a live model is traced: its tensors are replaced, which other threads must not see."""

Call = tuple[nn.Module, tuple[Any, ...], dict[str, Any]]


@contextmanager
def prepared(
    backend: Backend,
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    grad: bool = False,
    seed: int = 0,
) -> Iterator[Call]:
    """Convert the model and its inputs to ``backend`` and yield what to call; leaving restores the model.

    Args:
        backend: where to run.
        model: the model.
        args: its positional inputs.
        kwargs: its keyword inputs.
        grad: record gradients, for a forward that differentiates.
        seed: of the random numbers that the forward draws, from torch, Python and numpy.

    Raises:
        BackendLimitError: ``eager`` was asked of a model whose weights are on the meta device.
    """
    with ExitStack() as stack:
        state = stack.enter_context(_kept(model))
        stack.enter_context(torch.set_grad_enabled(grad))
        stack.enter_context(_compiled_code_run_eagerly())
        stack.enter_context(seeded(seed))
        stack.enter_context(regions_followed({tensor.device.type for tensor in model.parameters()}))
        if backend == "meta":
            convert: Callable[[Tensor], Tensor] = _to_meta
            stack.enter_context(torch.device("meta"))
        elif backend == "fake":
            stack.enter_context(_quiet_fake_tensors())
            mode = FakeTensorMode(allow_non_fake_inputs=True)
            stack.enter_context(mode)
            convert = _Faker(mode)
        else:
            if any(parameter.is_meta for parameter in model.parameters()):
                raise BackendLimitError("the model has no real weights (it was built on the meta device)")
            convert = _to_copy
            state.save(*(parameter for parameter in model.parameters() if not is_lazy(parameter)))
        # Inside of the backend's own default device, which the accelerators then mean.
        devices = {tensor.device.type for tensor in model.parameters()}
        stack.enter_context(accelerators_followed(() if backend == "meta" else devices))
        memo: dict[int, Tensor] = {}

        def once(tensor: Tensor) -> Tensor:
            if id(tensor) not in memo:
                memo[id(tensor)] = convert(tensor)
            return memo[id(tensor)]

        inputs = replace(args, once), replace(kwargs, once)
        state.save(*inputs, apart_from={id(tensor) for tensor in memo.values()})
        _replace_tensors(model, once, keep_weights=backend == "eager")
        yield model, *inputs


def _to_meta(tensor: Tensor) -> Tensor:
    if is_lazy(tensor):
        return _lazy_twin(tensor, torch.device("meta"))
    if tensor.is_meta:
        return tensor
    with torch.no_grad():
        moved = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
    return _as_parameter_if(tensor, moved)


class _Faker:
    def __init__(self, mode: FakeTensorMode) -> None:
        self._mode = mode

    def __call__(self, tensor: Tensor) -> Tensor:
        if is_lazy(tensor):
            raise BackendLimitError("a lazy weight cannot be materialised as a fake tensor")
        device = "cpu" if tensor.is_meta else tensor.device
        with self._mode, torch.no_grad():
            fake: Any = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=device)
        if isinstance(tensor, nn.Parameter):
            # As nn.Parameter marks a tensor of another type, without the detour over a detached one.
            fake.requires_grad_(tensor.requires_grad)._is_param = True
        return fake  # type: ignore[no-any-return]


def _to_copy(tensor: Tensor) -> Tensor:
    if is_lazy(tensor):
        return _lazy_twin(tensor, tensor.device)
    return tensor.detach().clone()


def _lazy_twin(tensor: Tensor, device: torch.device) -> Tensor:
    """Materialising changes a lazy weight for good, so the forward gets another one."""
    kind: Any = UninitializedParameter if isinstance(tensor, UninitializedParameter) else UninitializedBuffer
    twin: Tensor = kind(tensor.requires_grad, device=device, dtype=tensor.data.dtype)
    return twin


def _as_parameter_if(original: Tensor, tensor: Tensor) -> Tensor:
    if isinstance(original, nn.Parameter):
        return nn.Parameter(tensor, requires_grad=original.requires_grad)
    return tensor


@contextmanager
def _kept(model: nn.Module) -> Iterator[LiveState]:
    """Put back all that a forward of ``model`` can reach; other threads wait."""
    state = LiveState()
    with one_at_a_time:
        state.save(model, warnings.filters)
        try:
            with caches_kept_clean(state.caches):
                yield state
        finally:
            state.restore()


def _replace_tensors(model: nn.Module, once: Callable[[Tensor], Tensor], *, keep_weights: bool) -> None:
    """Replace all tensors that the modules hold by converted ones; parameters only if they are not kept."""

    def change(tensor: Tensor) -> Tensor:
        keep = keep_weights and isinstance(tensor, nn.Parameter) and not is_lazy(tensor)
        return tensor if keep else once(tensor)

    for module in model.modules():
        if isinstance(module, torch.jit.ScriptModule):
            continue  # its weights live in TorchScript, out of reach
        own = module.__dict__
        for group in ("_parameters", "_buffers"):
            own[group] = {
                key: None if tensor is None else change(tensor) for key, tensor in own[group].items()
            }
        for key, value in list(own.items()):
            if key not in _MODULE_INTERNALS:
                own[key] = _replaced_attribute(value, change)


_MODULE_INTERNALS = frozenset(nn.Module().__dict__)


def _replaced_attribute(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Attributes that are tensors or plain containers of them; anything else is left alone."""
    if isinstance(value, Tensor):
        return change(value)
    if type(value) in (list, tuple) and any(isinstance(item, Tensor) for item in value):
        return type(value)(change(item) if isinstance(item, Tensor) else item for item in value)
    if type(value) is dict and any(isinstance(item, Tensor) for item in value.values()):
        return {key: change(item) if isinstance(item, Tensor) else item for key, item in value.items()}
    return value


@contextmanager
def _compiled_code_run_eagerly() -> Iterator[None]:
    """``torch.compile``'d functions run their Python, so that their calls can be recorded."""
    if "torch._dynamo" not in sys.modules:  # nothing in this process can be compiled
        yield
        return
    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Using `torch.compile.module.` when there are global hooks")
        yield


@contextmanager
def _quiet_fake_tensors() -> Iterator[None]:
    """Fake tensors log a traceback for every operation that fails; the error itself tells as much."""
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def asks_for_grad(error: BaseException) -> bool:
    """Whether the forward failed because it differentiates something and gradients are not recorded."""
    text = str(error)
    return "does not require grad" in text or "does not have a grad_fn" in text
