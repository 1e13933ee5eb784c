"""The graph of one traced forward pass.

A :class:`ModelGraph` is a list of operations in the order in which they ran, each with the tensors it
read and made. Reads always name the operation that produced the *current* value, so an in-place write
is a new version of the tensor and the data flow has no cycles: execution order is a topological order.
Tracing makes these objects; everything after tracing only reads them. Nothing here needs torch.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from skiplint.display.facts import Facts, Shown, counted
from skiplint.operators import Op, op_of
from skiplint.operators.names import base_name

if TYPE_CHECKING:
    import networkx
    import torch.fx

OperationKind = Literal["input", "parameter", "buffer", "constant", "call", "output"]
Backend = Literal["meta", "fake", "eager"]
TensorId = tuple[int, int]
"""A tensor of the graph as (index of the operation that made it, number of its output)."""
BUILT_AT = "_skiplint_built_at"
"""Attribute of a module with the :class:`Location` of the call that made it, set while models are built."""
FaultKind = Literal["join", "layer", "shape"]
Blame = Literal["call", "operand", "width"]
_NAMES_SHOWN = 8
"""Names of torch functions in a graph's text, the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Location:
    """A range of a source file; lines and columns count from 1, and what is unknown is None.

    Two locations are equal if they begin at the same place of the same function, wherever they end.
    """

    path: str
    line: int
    column: int | None = None
    function: str = ""
    end_line: int | None = field(default=None, compare=False)
    """The line of the last character."""
    end_column: int | None = field(default=None, compare=False)
    """The column after the last character, as in SARIF and in the ranges of the Language Server Protocol."""


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What is known of one tensor without its values.

    ``storage`` numbers the memory that the tensor looks into: two specs with the same number share it
    (views, in-place results). ``nbytes`` counts the tensor's own elements, in bytes.
    """

    shape: tuple[int, ...]
    dtype: str
    nbytes: int
    storage: int

    @property
    def floating(self) -> bool:
        """Whether the tensor holds features (real, complex or quantized numbers), not indices or masks."""
        return self.dtype.startswith(("float", "bfloat", "complex", "quint", "qint"))


@dataclass(frozen=True, slots=True)
class Operand:
    """One tensor that an operation reads: output ``output`` of the operation with index ``producer``.

    ``argument`` is where it stands in the call, such as ``"0"``, ``"0[2]"`` or ``"weight"``.
    """

    producer: int
    output: int
    argument: str

    @property
    def tensor(self) -> TensorId:
        """The tensor that is read, the same for everyone who reads it."""
        return self.producer, self.output


@dataclass(frozen=True, slots=True)
class OperandRef:
    """Stands in ``Operation.args`` and ``Operation.kwargs`` where the call had a tensor."""

    position: int
    """Index into ``Operation.operands``."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One node: a model input, a parameter, a call of a torch function, or the model's output."""

    index: int
    """Position in execution order, from 0."""
    id: str
    """Unique and the same in every run, such as ``layer1.0.conv1`` or ``layer1.0/add_``."""
    kind: OperationKind
    name: str
    """Name of the torch function, such as ``conv2d`` or ``add_``; a trailing underscore is in-place."""
    module: str
    """Path of the module whose forward made the call, "" for the model itself."""
    module_class: str
    """Class of that module, such as ``torch.nn.modules.conv.Conv2d``."""
    call: int
    """Which call of that module this belongs to: 0 for the first, more where a module is used again."""
    operands: tuple[Operand, ...]
    outputs: tuple[TensorSpec, ...]
    stack: tuple[Location, ...] = ()
    """The user's frames, innermost first; torch's own are left out."""
    args: tuple[Any, ...] = ()
    """Positional arguments of the call; tensors are :class:`OperandRef`."""
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    parameters: tuple[str, ...] = ()
    """Full names of the parameters that the call reads directly."""
    inplace: bool = False
    """The call wrote into the memory of its first operand (``add_``, ``x[i] = y``, ``out=``)."""
    view: bool = False
    """The result looks into the memory of an operand and nothing was written."""
    weighted: bool = False
    """The call mixes data with learned weights (DESIGN: a weighted layer)."""
    data: bool = False
    """Some output descends from a model input."""
    learned: bool = False
    """Some output descends from a parameter."""

    @property
    def location(self) -> Location | None:
        """Where in the user's source the call was made."""
        return self.stack[0] if self.stack else None

    @property
    def base_name(self) -> str:
        """The name without the in-place mark: ``add`` for both ``add`` and ``add_``."""
        return base_name(self.name)

    @property
    def op(self) -> Op:
        """What is known of the function that was called: its families, how it moves axes and sizes."""
        return op_of(self.name)

    def setting(self, name: str) -> Any:
        """An argument that the catalogue knows by ``name``, such as ``stride``: as given, or the default.

        None where the function has no such argument.
        """
        return self.op.setting(self, name)

    def argument(self, position: int, keyword: str, default: Any = None) -> Any:
        """The non-tensor argument given at ``position`` or as ``keyword``, else ``default``."""
        if keyword in self.kwargs:
            return self.kwargs[keyword]
        return self.args[position] if position < len(self.args) else default


@dataclass(frozen=True, slots=True)
class ModuleInfo:
    """One module of the traced model."""

    path: str
    class_name: str
    parameters: int
    """Elements of the parameters that the module itself holds, not those of its children."""
    training: bool
    location: Location | None
    """Where the class is defined."""
    built_at: Location | None = None
    """The call that made it (``nn.ReLU(inplace=True)``); None where skiplint did not see it built."""


@dataclass(frozen=True, slots=True)
class InputInfo:
    """One tensor that went into the model."""

    name: str
    spec: TensorSpec


def fitting_sizes(asked: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """``asked`` with one of its last two sizes changed so that their product is ``total``.

    Those are where a reshape splits features into heads; the last one comes first.
    """
    for place in range(len(asked) - 1, max(len(asked) - 3, -1), -1):
        rest = math.prod(size for i, size in enumerate(asked) if i != place)
        if -1 not in asked and rest > 0 and total % rest == 0:
            yield (*asked[:place], total // rest, *asked[place + 1 :])


@dataclass(frozen=True, slots=True)
class Fault:
    """A call that failed on shapes; the trace went on after it."""

    operation: int
    """Index of the call."""
    kind: FaultKind
    """``join``: operands that cannot combine; ``layer``: not the features that its weights expect."""
    operand: int
    """Which operand of the call does not fit."""
    expected: tuple[int, ...]
    """The shape that it should have for the call to run."""
    message: str
    """What torch said, on one line; empty for a call that ran but gave what was not meant."""
    actual: tuple[int, ...] = ()
    """The shape that it has once the faults before are mended."""
    axis: int | None = None
    """For a concatenation along the wrong axis the one that was meant."""
    shapes: tuple[tuple[int, ...], ...] = ()
    """The shapes of all operands once the faults before are mended."""
    blame: Blame = "call"
    """``call``: it is built for the wrong number; ``operand``: what runs after it needs the operand as
    expected; ``width``: the call is built to keep a width, and for the wrong one."""


@dataclass(frozen=True)
class ModelGraph(Shown):
    """The operations of one forward pass and the model they came from.

    ``operations`` are in execution order, so ``operations[i].index == i`` and every operand's producer
    is smaller than the index of its reader.
    """

    name: str
    operations: tuple[Operation, ...]
    modules: Mapping[str, ModuleInfo]
    inputs: tuple[InputInfo, ...]
    parameters: int
    """Elements of all parameters of the model, shared ones counted once."""
    backend: Backend
    training: bool
    seconds: float = 0.0
    alive_until: Mapping[int, int] = field(default_factory=dict, repr=False, compare=False)
    """For each storage that went away during the forward, the last operation before it did."""
    faults: tuple[Fault, ...] = ()
    """Calls that failed on shapes, in execution order; empty for a model that runs."""
    ended_by: str = ""
    """The error that ended the forward after its faults, with its place; empty if it ran to its end."""
    fx_builder: Callable[[], torch.fx.Graph] | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"ModelGraph({self.name!r}, {counted(self.count().total(), 'operation')})"

    def _headline(self) -> str:
        return self.name

    def _facts(self) -> Facts:
        inputs = [f"{item.name}  {item.spec.dtype} {list(item.spec.shape)}" for item in self.inputs]
        names = [f"{number:,} {name}" for name, number in self.count().most_common(_NAMES_SHOWN)]
        calls = self.count().total()
        facts = [
            ("inputs", "\n".join(inputs) or "none"),
            ("parameters", f"{self.parameters:,}"),
            ("trace", f"{counted(calls, 'operation')} on {self.backend} in {self.seconds:.2f} s"),
            ("calls", ", ".join([*names, *(["…"] if len(self.count()) > _NAMES_SHOWN else [])]) or "none"),
        ]
        if self.faults:
            at = ", ".join(self.operations[fault.operation].id for fault in self.faults)
            facts.append(("faults", f"{len(self.faults)}, at {at}"))
        return facts

    def __len__(self) -> int:
        return len(self.operations)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __getstate__(self) -> dict[str, Any]:
        # Only what another process can use: the fx builder holds live torch functions.
        keep = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**keep, "fx_builder": None}

    @cached_property
    def by_id(self) -> dict[str, Operation]:
        """Operations by their id."""
        return {operation.id: operation for operation in self.operations}

    @cached_property
    def consumers(self) -> tuple[tuple[int, ...], ...]:
        """For each operation the indices of those that read it, once a read, in execution order."""
        readers: list[list[int]] = [[] for _ in self.operations]
        for operation in self.operations:
            for operand in operation.operands:
                readers[operand.producer].append(operation.index)
        return tuple(tuple(row) for row in readers)

    def spec(self, operand: Operand) -> TensorSpec:
        """The tensor that ``operand`` reads."""
        return self.operations[operand.producer].outputs[operand.output]

    def shapes(self, operands: Iterable[Operand]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the tensors that ``operands`` read."""
        return tuple(self.spec(operand).shape for operand in operands)

    def named(self, name: str) -> list[Operation]:
        """Operations called ``name``, in place or not."""
        return [operation for operation in self.operations if operation.base_name == name]

    def count(self) -> Counter[str]:
        """How often each operation name occurs among the calls."""
        return Counter(op.base_name for op in self.operations if op.kind == "call")

    @cached_property
    def nx(self) -> networkx.MultiDiGraph[str]:
        """The graph as a frozen :class:`networkx.MultiDiGraph`.

        A node is an operation's ``id`` and carries ``operation`` (the :class:`Operation`). An edge is one
        tensor read and carries ``operand`` (the :class:`Operand`), ``output``, ``argument``, ``shape``
        and ``dtype``; reading one tensor twice gives two parallel edges. Nodes stand in execution order.
        """
        import networkx

        graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=self.name)
        for operation in self.operations:
            graph.add_node(operation.id, operation=operation)
        for operation in self.operations:
            for operand in operation.operands:
                source = self.operations[operand.producer]
                spec = source.outputs[operand.output]
                graph.add_edge(
                    source.id,
                    operation.id,
                    operand=operand,
                    output=operand.output,
                    argument=operand.argument,
                    shape=spec.shape,
                    dtype=spec.dtype,
                )
        return networkx.freeze(graph)  # type: ignore[no-any-return]

    @cached_property
    def fx(self) -> torch.fx.Graph:
        """The same operations as a :class:`torch.fx.Graph`.

        Raises:
            RuntimeError: the graph came from another process, without its live functions.
        """
        if self.fx_builder is None:
            raise RuntimeError("this graph was loaded from another process; trace the model again for .fx")
        return self.fx_builder()
