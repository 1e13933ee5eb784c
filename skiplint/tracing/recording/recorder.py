"""Record a running forward: every call with the values that it reads and makes."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakTensorKeyDictionary

from skiplint.graph import Fault, Location, Operand, OperandRef, OperationKind, TensorSpec
from skiplint.operators import Family, op_of
from skiplint.operators.names import ALIAS, UPDATE, in_place_name, is_in_place
from skiplint.tracing.execution.errors import SHAPE_ERRORS, one_line
from skiplint.tracing.execution.strict import assert_fits, called
from skiplint.tracing.recording.naming import function_name
from skiplint.tracing.recording.scopes import Scope, ScopeStack
from skiplint.tracing.recording.sources import FrameReader
from skiplint.tracing.recording.storages import StorageState, Value, Write, region_of, storage_key
from skiplint.tracing.recording.trees import template, tensors_in, walk
from skiplint.tracing.recovery.calls import Call
from skiplint.tracing.recovery.repair import Repair, Repairs


@dataclass(slots=True)
class Record:
    """One call, input, parameter, buffer, constant or output; in ``args`` tensors are :class:`OperandRef`."""

    kind: OperationKind
    name: str
    scope: Scope
    operands: list[Operand] = field(default_factory=list)
    outputs: list[TensorSpec] = field(default_factory=list)
    stack: tuple[Location, ...] = ()
    function: Callable[..., Any] | None = None
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    inplace: bool = False
    view: bool = False
    target: str = ""
    """Name of the input, parameter or buffer."""


class Observer(Protocol):
    """Runs the calls instead of the recorder, and is told which records they become."""

    def start(self, buffers: frozenset[int]) -> None:
        """Called when the forward starts; ``buffers`` are the ``id()`` of the model's buffers."""

    def run(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Run a call and return its result, with which the forward continues."""

    def recorded(self, index: int) -> None:
        """Called when the call that ran last has become record ``index``."""

    def bound(self, producer: int, output: int, tensor: Tensor) -> None:
        """Called when ``tensor`` becomes output number ``output`` of record ``producer``."""

    def entered(self, tensor: Tensor) -> None:
        """Called for every input of the model."""


class Recorder:
    """Makes the records of one forward. It holds tensors weakly, so that no activation is kept alive."""

    def __init__(
        self,
        scopes: ScopeStack,
        frames: FrameReader,
        registered: Mapping[int, tuple[OperationKind, str]],
        *,
        recover: bool = False,
        observer: Observer | None = None,
    ) -> None:
        """Prepare the record of one forward.

        Args:
            scopes: the stack of running modules.
            frames: reads the user's lines.
            registered: kind and name of each parameter and buffer of the model, by its ``id()``.
            recover: go on after calls that fail on shapes.
            observer: runs the calls in place of the recorder.
        """
        self.records: list[Record] = []
        self.inside = False
        """Whether a recorded call is running, to which the kernels that run now belong."""
        self._scopes = scopes
        self._frames = frames
        self._registered = registered
        self._values: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self._storages: dict[int, StorageState] = {}
        self._storage_count = 0
        self._writes: list[Tensor] = []
        self._watched: dict[int, weakref.ref[Tensor]] = {}
        self.alive_until: dict[int, int] = {}
        """By the number of a storage the last record before it was freed."""
        self._repairs = Repairs() if recover else None
        self._observer = observer
        if observer is not None:
            observer.start(frozenset(key for key, (kind, _) in registered.items() if kind == "buffer"))

    @property
    def faults(self) -> list[Fault]:
        """The faults so far, if the recorder goes on after calls that fail on shapes."""
        return self._repairs.faults if self._repairs else []

    @property
    def recovers(self) -> bool:
        """Whether it goes on after calls that fail on shapes."""
        return self._repairs is not None

    # -- what runs -------------------------------------------------------------------------------

    def call(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        written: list[Tensor] | None = None,
    ) -> Any:
        """Run ``function``, record the call if it makes or writes a tensor, and return its result.

        Args:
            function: a function, method or operator of torch.
            args: its positional arguments.
            kwargs: its keyword arguments.
            written: the tensors that it writes, if the caller knows them. None: the dispatch mode reports
                them through :meth:`wrote` while the call runs.

        Raises:
            Exception: as ``function`` does, unless its failure is repaired.
        """
        if self.inside:  # a kernel called from Python passes the function mode a second time
            return function(*args, **kwargs)
        tensors = tensors_in(args, kwargs)
        if any(_is_batched(tensor) or is_lazy(tensor) for tensor in tensors):
            # In a torch.func transform the kernels below are recorded; a lazy weight has no data to read.
            return function(*args, **kwargs)
        outer, self._writes = self._writes, []
        self.inside = True
        call, repair = Call(function, args, kwargs), None
        try:
            if self._repairs is not None:
                call, result, repair = self._recover(self._repairs, call)
            elif self._observer is None:
                result = called(function, args, kwargs)
            else:
                assert_fits(function, args, kwargs)
                result = self._observer.run(function, args, kwargs)
        finally:
            self.inside = False
            writes, self._writes = self._writes, outer
        if written is not None:
            writes = written
        outputs = [tensor for _, tensor in walk(result)] if result is not None else []
        mutated = self._mutated(tensors, writes)
        if not mutated and all(any(made is read for read in tensors) for made in outputs):
            # Outside of training a dropout returns its argument. It gets a tensor object of its own, so that
            # reads of the argument and reads of the result can be told apart.
            name = function_name(function)
            if is_in_place(name) or not op_of(name).is_a(Family.DROPOUT) or not outputs:
                return result
            self.inside = True
            result = outputs[0].view(outputs[0].shape)
            self.inside = False
            outputs = [result]
        self._record(function, args, kwargs, tensors, outputs, mutated, writes)
        if self._repairs is not None:
            self._learn(self._repairs, call, result, repair)
        return result

    def _learn(self, repairs: Repairs, call: Call, result: Any, repair: tuple[Repair, str] | None) -> None:
        """Tell ``repairs`` of the call that was recorded last."""
        record = len(self.records) - 1
        outer, self._writes = self._writes, []
        self.inside = True
        try:
            if repair is None:
                repairs.ran(record, call, result)
            else:
                repairs.failed(record, call, *repair)
        finally:
            self.inside = False
            self._writes = outer

    @staticmethod
    def _recover(repairs: Repairs, call: Call) -> tuple[Call, Any, tuple[Repair, str] | None]:
        """The call as it is meant, its result, and how that was repaired if the call failed."""
        call = repairs.as_settled(call)
        try:
            return call, called(call.function, call.args, call.kwargs), None
        except SHAPE_ERRORS as error:
            repair = repairs.mend(call)
            if repair is None:
                raise
            return call, repair.result, (repair, one_line(error))

    def wrote(self, tensors: list[Tensor]) -> None:
        """Note the tensors that a kernel of the running call has written."""
        self._writes.extend(tensors)

    def _mutated(self, read: list[Tensor], writes: list[Tensor]) -> list[Tensor]:
        """The arguments into whose memory the call wrote, each once."""
        if not writes:
            return []
        keys = {key for key in map(storage_key, writes) if key > 0}
        found: list[Tensor] = []
        for tensor in read:
            if storage_key(tensor) in keys and not any(tensor is other for other in found):
                found.append(tensor)
        return found

    def _record(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        tensors: list[Tensor],
        outputs: list[Tensor],
        mutated: list[Tensor],
        writes: list[Tensor],
    ) -> None:
        stack = self._frames.stack(4)
        operands: list[Operand] = []
        positions: dict[str, OperandRef] = {}

        def reference(path: str, tensor: Tensor) -> OperandRef:
            value = self.read(tensor, stack)
            positions[path] = OperandRef(len(operands))
            operands.append(Operand(value.producer, value.output, path))
            return positions[path]

        plain_args = tuple(template(item, str(index), reference) for index, item in enumerate(args))
        plain_kwargs = {key: template(item, key, reference) for key, item in kwargs.items()}
        before = {self._state(tensor).number for tensor in tensors}
        made = outputs + [tensor for tensor in mutated if not any(tensor is other for other in outputs)]
        record = Record(
            "call",
            function_name(function),
            self._scopes.current,
            operands,
            [self._spec(tensor) for tensor in made],
            stack,
            function,
            plain_args,
            plain_kwargs,
        )
        if mutated and made[0] is tensors[0] and any(made[0] is tensor for tensor in mutated):
            record.inplace = True
            record.name = in_place_name(record.name)
        elif made:
            record.view = self._state(made[0]).number in before
        index = self._append(record)
        if self._observer is not None:
            self._observer.recorded(index)
        self._apply_writes(writes, mutated, index, made)
        for output, tensor in enumerate(made):
            self._bind(tensor, index, output)

    def _apply_writes(
        self, writes: list[Tensor], mutated: list[Tensor], index: int, made: list[Tensor]
    ) -> None:
        if not mutated:
            return
        states = {id(self._state(tensor)): tensor for tensor in mutated}
        for written in writes:
            state = self._state(written)
            owner = states.get(id(state))
            if owner is None:
                continue
            state.version += 1
            output = next(place for place, tensor in enumerate(made) if tensor is owner)
            state.writes.append(Write(state.version, region_of(written), Value(index, output, state.version)))

    # -- values ----------------------------------------------------------------------------------

    def add_input(self, name: str, tensor: Tensor) -> None:
        """Record an input of the model."""
        record = Record("input", "input", self._scopes.current, outputs=[self._spec(tensor)], target=name)
        self._bind(tensor, self._append(record), 0)
        if self._observer is not None:
            self._observer.entered(tensor)

    def add_output(self, tensors: list[tuple[str, Tensor]]) -> None:
        """Record the result of the model, given as (path, tensor)."""
        operands = []
        for path, tensor in tensors:
            value = self.read(tensor, ())
            operands.append(Operand(value.producer, value.output, path))
        self._append(Record("output", "output", self._scopes.current, operands))

    def read(self, tensor: Tensor, stack: tuple[Location, ...]) -> Value:
        """Return the current value of ``tensor``, with the writes through other views of its memory."""
        state = self._state(tensor)
        value: Value | None = self._values.get(tensor)  # type: ignore[no-untyped-call]
        if value is None:
            value = self._introduce(tensor, state)
        if value.version == state.version:
            return value
        writes = state.writes_seen_by(region_of(tensor), value.version)
        if writes:
            parts = {write.value[:2]: write.value for write in writes}
            sources = [value, *parts.values()]
            value = self._synthesize(UPDATE, tensor, sources, stack)
        else:
            value = value._replace(version=state.version)
            self._values[tensor] = value
        return value

    def _introduce(self, tensor: Tensor, state: StorageState) -> Value:
        """The value of a tensor that no recorded call made: a parameter, a buffer, an alias or a constant."""
        registered = self._registered.get(id(tensor))
        if registered is not None:
            kind, name = registered
            record = Record(kind, kind, self._scopes.current, outputs=[self._spec(tensor)], target=name)
        elif state.first is not None:
            return self._synthesize(ALIAS, tensor, [state.first], ())
        else:
            record = Record("constant", "constant", self._scopes.current, outputs=[self._spec(tensor)])
        index = self._append(record)
        return self._bind(tensor, index, 0, version=0)

    def _synthesize(
        self, name: str, tensor: Tensor, sources: list[Value], stack: tuple[Location, ...]
    ) -> Value:
        operands = [Operand(value.producer, value.output, str(i)) for i, value in enumerate(sources)]
        record = Record("call", name, self._scopes.current, operands, [self._spec(tensor)], stack, view=True)
        record.args = tuple(OperandRef(i) for i in range(len(operands)))
        version = self._state(tensor).version if name == UPDATE else sources[0].version
        return self._bind(tensor, self._append(record), 0, version=version)

    def _bind(self, tensor: Tensor, producer: int, output: int, version: int | None = None) -> Value:
        state = self._state(tensor)
        value = Value(producer, output, state.version if version is None else version)
        if tensor not in self._values:
            self._watch(tensor, state)
        self._values[tensor] = value
        if self._observer is not None:
            self._observer.bound(producer, output, tensor)
        if state.first is None:
            state.first = value
        return value

    def _watch(self, tensor: Tensor, state: StorageState) -> None:
        """Note when the last tensor object on a storage is freed."""
        key = id(tensor)
        state.holders += 1

        def gone(_: weakref.ref[Tensor]) -> None:
            self._watched.pop(key, None)
            state.holders -= 1
            if state.holders == 0:
                self.alive_until[state.number] = len(self.records) - 1

        self._watched[key] = weakref.ref(tensor, gone)

    def _append(self, record: Record) -> int:
        self.records.append(record)
        return len(self.records) - 1

    def _state(self, tensor: Tensor) -> StorageState:
        key = storage_key(tensor)
        state = self._storages.get(key)
        if state is None:
            weak = StorageWeakRef(tensor.untyped_storage()) if key > 0 else None  # type: ignore[no-untyped-call]
            state = StorageState(self._storage_count, weak)
            self._storage_count += 1
            self._storages[key] = state
        return state

    def _spec(self, tensor: Tensor) -> TensorSpec:
        shape = tuple(int(size) for size in tensor.shape)
        count = 1
        for size in shape:
            count *= size
        dtype = str(tensor.dtype).removeprefix("torch.")
        return TensorSpec(shape, dtype, count * tensor.element_size(), self._state(tensor).number)


def _is_batched(tensor: Tensor) -> bool:
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))
