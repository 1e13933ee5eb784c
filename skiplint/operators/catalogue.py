"""The catalogue: every function of torch of which something is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from skiplint.operators.arithmetic import ELEMENTWISE, JOINS, PRODUCTS, REDUCTIONS
from skiplint.operators.families import Family
from skiplint.operators.kernels import KERNELS
from skiplint.operators.layers import LAYERS
from skiplint.operators.names import base_name, recorded_name
from skiplint.operators.op import Op
from skiplint.operators.shaping import MADE, PARTS, VIEWS

_TABLES = (*JOINS, *PRODUCTS, *ELEMENTWISE, *REDUCTIONS, *LAYERS, *VIEWS, *PARTS, *MADE)


def _with_kernels(op: Op) -> Op:
    own = (family for family, names in KERNELS.items() if op.name in names)
    return replace(op, families=op.families.union(own))


OPS: tuple[Op, ...] = tuple(map(_with_kernels, _TABLES))
"""All of them, each once."""

_BY_NAME = {spelling: op for op in OPS for spelling in op.spellings}


@cache
def op_of(name: str) -> Op:
    """What is known of the function with this name, recorded or as torch has it (``__iadd__``, ``add_``).

    A function that is not in the catalogue belongs to no family.
    """
    name = base_name(recorded_name(name))
    return _BY_NAME.get(name) or Op(name, spellings=(name,))


def members(*families: Family) -> tuple[Op, ...]:
    """The functions that belong to one of ``families``."""
    return tuple(op for op in OPS if op.is_a(*families))
