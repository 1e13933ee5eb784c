"""From the tape to the graph: names for operations, and what follows from the data flow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from skiplint.graph import Operation
from skiplint.tracing.recording.naming import plain
from skiplint.tracing.recording.recorder import Record

# Calls that contract data with weights. The first group takes its weights in a place of their own, so
# weights made from data (dynamic convolutions) count too; the second takes any two tensors.
_WITH_WEIGHTS = frozenset(
    "linear bilinear embedding embedding_bag convolution conv1d conv2d conv3d conv_transpose1d "
    "conv_transpose2d conv_transpose3d _convolution _conv_depthwise2d conv_depthwise3d conv_tbc "
    "mkldnn_convolution slow_conv3d thnn_conv2d deform_conv2d lstm gru rnn_tanh rnn_relu lstm_cell "
    "gru_cell rnn_tanh_cell rnn_relu_cell quantized_lstm_cell _thnn_fused_lstm_cell _thnn_fused_gru_cell "
    "conv2d_relu linear_relu linear_dynamic".split()
)
_CONTRACTIONS = frozenset(
    "matmul mm bmm mv addmm addmv addbmm baddbmm einsum tensordot inner dot vdot chain_matmul "
    "_scaled_mm _grouped_mm _scaled_grouped_mm _int_mm kron multi_dot linalg_multi_dot matrix_multiply "
    "sspaddmm".split()
)
_LOOKUPS = frozenset({"getitem", "index", "index_select", "gather", "take", "take_along_dim"})


def lift(records: Sequence[Record]) -> tuple[Operation, ...]:
    """Operations for ``records``, in the same order and with the same indices."""
    data, learned = _descents(records, "input"), _descents(records, "parameter")
    names = _ids(records, data)
    operations: list[Operation] = []
    for index, record in enumerate(records):
        operands = record.operands
        sources = [operations[operand.producer] for operand in operands]
        read_parameters = [source for source in sources if source.kind == "parameter"]
        operations.append(
            Operation(
                index=index,
                id=names[index],
                kind=record.kind,
                name=record.name,
                module=record.scope.path,
                module_class=record.scope.class_name,
                call=record.scope.call,
                operands=tuple(operands),
                outputs=tuple(record.outputs),
                stack=record.stack,
                args=tuple(plain(item) for item in record.args),
                kwargs={key: plain(item) for key, item in record.kwargs.items()},
                parameters=tuple(dict.fromkeys(source.id for source in read_parameters)),
                inplace=record.inplace,
                view=record.view,
                weighted=_is_weighted(record, sources),
                data=data[index],
                learned=learned[index],
            )
        )
    return tuple(operations)


def _descents(records: Sequence[Record], kind: str) -> list[bool]:
    """For each record whether its values come, among others, from one of ``kind``."""
    found: list[bool] = []
    for record in records:
        inherited = not _makes_fresh(record.name) and any(found[each.producer] for each in record.operands)
        found.append(record.kind == kind or inherited)
    return found


def _makes_fresh(name: str) -> bool:
    """``zeros_like``, ``new_full``: the operand gives a shape, no values."""
    return name.endswith("_like") or name.startswith("new_")


def _is_weighted(record: Record, sources: Sequence[Operation]) -> bool:
    """Whether the call mixes data with learned weights (a weighted layer, DESIGN section 3)."""
    if record.kind != "call" or not any(source.data for source in sources):
        return False
    name = record.name.rstrip("_")
    if name in _WITH_WEIGHTS:
        return any(source.learned for source in sources[1:]) or sources[0].learned
    pure_weights = [source.learned and not source.data for source in sources]
    if name in _CONTRACTIONS:
        operands = record.operands[1:] if name in ("addmm", "addmv", "baddbmm", "addbmm") else record.operands
        weights = pure_weights[len(sources) - len(operands) :]
        data = [source.data for source in sources[len(sources) - len(operands) :]]
        return any(weights) and any(data)
    if name in _LOOKUPS:  # weights picked by data: an embedding by hand
        return pure_weights[0] and any(source.data for source in sources[1:])
    return False


def _ids(records: Sequence[Record], data: Sequence[bool]) -> list[str]:
    """Unique names: the module's path where the call is all it does with the data, else ``path/function``."""
    per_call: Counter[int] = Counter(
        id(record.scope) for record, is_data in zip(records, data, strict=True) if is_data
    )
    used: defaultdict[str, int] = defaultdict(int)
    names: list[str] = []
    for record, is_data in zip(records, data, strict=True):
        name = _base_id(record, is_data and per_call[id(record.scope)] == 1)
        count = used[name]
        used[name] += 1
        if count:
            name = f"{name}_{count}"
            while name in used:
                name += "_"
            used[name] += 1
        names.append(name)
    return names


def _base_id(record: Record, alone: bool) -> str:
    scope = record.scope
    if record.kind in ("parameter", "buffer"):
        return record.target
    if record.kind == "input":
        return f"input/{record.target}"
    if record.kind == "output":
        return "output"
    if record.kind == "call" and scope.path and not scope.opened and alone:
        return f"{scope.path}#{scope.call}" if scope.call else scope.path
    return f"{scope.path}/{record.name}" if scope.path else record.name
