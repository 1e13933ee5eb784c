"""Run one real forward so that each recorded call can be differentiated by itself.

Each call runs on new leaf tensors that share memory with its operands. So the gradient through one call to
one operand is known separately from that of other calls. Values and memory are those of an ordinary forward:
writes in place go into the real tensor. It is the model's own forward that runs, not its recorded calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from skiplint.graph import Operation
from skiplint.operators.names import ALIAS, UPDATE, is_in_place
from skiplint.tracing.recording.naming import function_name
from skiplint.tracing.recording.storages import Region, region_of, storage_key, storage_size
from skiplint.tracing.recording.trees import tensors_in, with_tensors


@dataclass(slots=True)
class _Call:
    """The autograd graph of one call."""

    leaves: list[Tensor | None]
    """By position of the operand; None for one without a gradient."""
    outputs: dict[int, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    """The elements of its storage that an output covers."""

    storage: int
    elements: int
    region: Region


class Tape:
    """Observes a recorded forward and differentiates its calls."""

    def __init__(self, instead: Mapping[int, Tensor] | None = None) -> None:
        """Observe nothing yet; ``instead`` has values to use in place of parameters, by ``id``."""
        self._instead = dict(instead or {})
        self.opaque: list[int] = []
        """Calls that autograd cannot differentiate; their gradients are not known."""
        self._calls: dict[int, _Call] = {}
        self._places: dict[tuple[int, int], _Place] = {}
        self._pending: tuple[list[Tensor | None], dict[int, Tensor], list[Tensor]] | None = None
        self._refused = False
        self._data: set[int] = set()
        self._buffers: frozenset[int] = frozenset()

    # -- while the forward runs --------------------------------------------------------------------

    def start(self, buffers: frozenset[int]) -> None:
        """Note the ``id`` of each buffer of the model; buffers get no gradient."""
        self._buffers = buffers

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run one call on leaf tensors of its own; its result, for the forward to continue with."""
        read = tensors_in(args, kwargs)
        data = [self._is_data(tensor) for tensor in read]
        if not any(data) or not torch.is_grad_enabled():
            self._pending = None
            result = function(*args, **kwargs)
            made = tensors_in(result)
            if any(data):  # in a region without gradients
                self._mark(made)
            return _mapped(result, {}) if any(tensor.requires_grad for tensor in made) else result
        writes = _writes_in_place(function, kwargs)
        state = torch.random.get_rng_state()
        for copied in (False, True)[writes:]:
            try:
                return self._run_on_leaves(function, args, kwargs, read, data, copied=copied)
            except RuntimeError:  # it writes into a leaf, or has no derivative
                torch.random.set_rng_state(state)
        self._pending, self._refused = None, True
        with torch.no_grad():
            result = function(*args, **kwargs)
        self._mark(tensors_in(result))
        return result

    def _run_on_leaves(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        read: list[Tensor],
        data: list[bool],
        *,
        copied: bool,
    ) -> Any:
        leaves: list[Tensor | None] = []
        given: list[Tensor] = []
        clones: list[tuple[Tensor, Tensor]] = []
        for tensor, is_data in zip(read, data, strict=True):
            leaf = tensor.detach().requires_grad_() if is_data and _differentiable(tensor) else None
            leaves.append(leaf)
            use = self._instead.get(id(tensor), tensor) if leaf is None else leaf
            written = copied and (leaf is not None or tensor is read[0]) and id(tensor) not in self._buffers
            given.append(use.clone() if written else use)
            if written:
                clones.append((tensor, given[-1]))
        new_args, new_kwargs = with_tensors(args, kwargs, given)
        with torch.enable_grad():
            result = function(*new_args, **new_kwargs)
        back: dict[int, Tensor] = {}
        local: dict[int, Tensor] = {}
        for tensor, use in zip(read, given, strict=True):
            back.setdefault(id(use), tensor)
            if use is not tensor:
                local.setdefault(id(tensor), use)
        with torch.no_grad():
            for tensor, clone in clones:
                if clone._version:
                    tensor.copy_(clone)
        keep: list[Tensor] = []
        outcome = _mapped(result, back, local, keep)
        self._mark(tensors_in(outcome))
        self._mark([tensor for tensor, use in zip(read, given, strict=True) if use is not tensor])
        self._pending = (leaves, local, [*keep, *given])
        return outcome

    def recorded(self, index: int) -> None:
        """The call that ran last has become record ``index``."""
        if self._refused:
            self.opaque.append(index)
            self._refused = False
        if self._pending is not None:
            self._calls[index] = _Call(self._pending[0])

    def bound(self, producer: int, output: int, tensor: Tensor) -> None:
        """``tensor`` is the value ``output`` of record ``producer``."""
        key = storage_key(tensor)
        if key > 0:
            elements = storage_size(tensor) // max(1, tensor.element_size())
            self._places[producer, output] = _Place(key, elements, region_of(tensor))
        call = self._calls.get(producer)
        if call is not None and self._pending is not None:
            local = self._pending[1].get(id(tensor))
            if local is None and output == 0:  # handed back under another name, such as by dropout
                local = next((each for each in self._pending[1].values() if _same(each, tensor)), None)
            if local is not None:
                call.outputs.setdefault(output, local)

    def entered(self, tensor: Tensor) -> None:
        """``tensor`` is an input of the model."""
        self._mark([tensor])

    def _mark(self, tensors: list[Tensor]) -> None:
        self._data.update(key for key in map(storage_key, tensors) if key > 0)

    def _is_data(self, tensor: Tensor) -> bool:
        return id(tensor) not in self._buffers and storage_key(tensor) in self._data

    # -- afterwards --------------------------------------------------------------------------------

    def pull(self, operation: Operation, gradients: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """The gradient at each operand of ``operation``, by position, for ``gradients`` at its outputs."""
        if operation.name in (UPDATE, ALIAS) and operation.index not in self._calls:
            return self._pull_through_memory(operation, gradients)
        call = self._calls.get(operation.index)
        if call is None:
            return {}
        outputs = [place for place in gradients if _has_history(call.outputs.get(place))]
        leaves = [place for place, leaf in enumerate(call.leaves) if leaf is not None]
        if not outputs or not leaves:
            return {}
        try:
            found = torch.autograd.grad(
                [call.outputs[place] for place in outputs],
                [leaf for leaf in call.leaves if leaf is not None],
                [gradients[place].to(call.outputs[place].dtype) for place in outputs],
                retain_graph=True,
                allow_unused=True,
            )
        except (RuntimeError, NotImplementedError):  # a kernel without a derivative
            self.opaque.append(operation.index)
            return {}
        return {place: each for place, each in zip(leaves, found, strict=True) if each is not None}

    def forget(self, index: int) -> None:
        """Free what is needed to differentiate call ``index``."""
        self._calls.pop(index, None)

    def _pull_through_memory(
        self, operation: Operation, gradients: Mapping[int, Tensor]
    ) -> dict[int, Tensor]:
        """For a tensor that others wrote into: the gradient at each of them, where it was written last."""
        whole = self._places.get((operation.index, 0))
        gradient = gradients.get(0)
        if whole is None or gradient is None:
            return {}
        memory = torch.zeros(whole.elements, dtype=gradient.dtype)
        _look(memory, whole.region).copy_(gradient)
        found: dict[int, Tensor] = {}
        # What was there first is what no later write has replaced.
        for position in reversed(range(len(operation.operands))):
            operand = operation.operands[position]
            place = self._places.get((operand.producer, operand.output))
            if place is None or place.storage != whole.storage:
                continue
            part = _look(memory, place.region)
            found[position] = part.clone()
            part.zero_()
        return found


def _look(memory: Tensor, region: Region) -> Tensor:
    return memory.as_strided(region.shape, region.strides, region.offset)


def _same(left: Tensor, right: Tensor) -> bool:
    """Whether two tensors cover the same elements; strides of an axis of one element do not matter."""
    if storage_key(left) != storage_key(right) or storage_key(left) < 0:
        return False
    return tuple(left.shape) == tuple(right.shape) and region_of(left).offset == region_of(right).offset


def _differentiable(tensor: Tensor) -> bool:
    return (tensor.is_floating_point() or tensor.is_complex()) and not tensor.is_inference()


def _has_history(tensor: Tensor | None) -> bool:
    return tensor is not None and tensor.requires_grad


def _writes_in_place(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> bool:
    """Whether a call is known to write into an argument; others fail on a leaf tensor."""
    if is_in_place(function_name(function)):
        return True
    return bool(kwargs.get("inplace")) or kwargs.get("out") is not None


def _mapped(
    value: Any,
    back: Mapping[int, Tensor],
    local: dict[int, Tensor] | None = None,
    keep: list[Tensor] | None = None,
) -> Any:
    """A result without autograd history; arguments that are returned are the real ones.

    Args:
        value: the result, with tensors nested in it.
        back: the real argument by the ``id`` of the leaf that stands for it.
        local: gets the tensor with history by the ``id`` of the one without.
        keep: gets both, so that their ids are not used again.
    """
    if isinstance(value, Tensor):
        real = back.get(id(value))
        if real is None:
            real = value.detach() if value.requires_grad else value
            if local is not None and keep is not None:
                local[id(real)] = value
                keep += [real, value]
        return real
    if isinstance(value, (list, tuple)):
        items = [_mapped(item, back, local, keep) for item in value]
        if isinstance(value, list):
            return items
        if type(value) is tuple:
            return tuple(items)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if type(value) is dict:
        return {key: _mapped(item, back, local, keep) for key, item in value.items()}
    return value
