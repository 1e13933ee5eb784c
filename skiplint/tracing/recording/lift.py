"""Operations of the graph from the records of the tape: their names and what follows from the data flow."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from skiplint.graph import Operation
from skiplint.operators import Family, Role, op_of
from skiplint.tracing.recording.naming import plain
from skiplint.tracing.recording.recorder import Record


def lift(records: Sequence[Record]) -> tuple[Operation, ...]:
    """Return one operation for each of ``records``, in the same order."""
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
    """For each record whether some of its values come from a record of ``kind``."""
    found: list[bool] = []
    for record in records:
        op = op_of(record.name)
        inherited = any(
            found[operand.producer] and not (op.is_a(Family.FRESH) and op.role(place) is Role.LENDS)
            for place, operand in enumerate(record.operands)
        )
        found.append(record.kind == kind or inherited)
    return found


def _is_weighted(record: Record, sources: Sequence[Operation]) -> bool:
    """Whether the call is a weighted layer: it mixes data with learned weights (DESIGN, section 4)."""
    if record.kind != "call" or not any(source.data for source in sources):
        return False
    op = op_of(record.name)
    if op.takes_weights:  # in a place of their own: weights made from data (dynamic convolutions) count too
        return any(source.learned for source in sources[1:]) or sources[0].learned
    pure_weights = [source.learned and not source.data for source in sources]
    if op.is_a(Family.CONTRACTION):
        factors = slice(op.first_factor, None)
        return any(pure_weights[factors]) and any(source.data for source in sources[factors])
    if op.is_a(Family.PICK):  # rows of a table picked by data: an embedding by hand
        return pure_weights[0] and any(source.data for source in sources[1:])
    return False


def _ids(records: Sequence[Record], data: Sequence[bool]) -> list[str]:
    """Unique names: the module's path if the call is all that it does with data, else ``path/function``."""
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
