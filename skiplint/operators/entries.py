"""How the tables of the catalogue are written: one line for functions of which the same is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from skiplint.operators.families import Family
from skiplint.operators.op import Op, Setting

Arguments = Mapping[str, tuple[int | None, Any]]
"""Settings by name with their positions and defaults; the name is the keyword too."""
_KEYWORDS = {
    "dim": ("dim", "axis", "dim0", "axis0"),
    "dim1": ("dim1", "axis1"),
    "factor": ("upscale_factor", "downscale_factor"),
    "floor": ("min_val", "min", "other", "value"),
    "groups": ("groups", "num_groups", "num_heads"),
    "sizes": ("sizes", "size", "shape", "dims", "split_sizes", "split_size", "split_size_or_sections"),
    "training": ("training", "train"),
    "index": ("index", "indices"),
    "width": ("embed_dim_to_check",),
}
"""Keywords that functions use for one setting, where there are several."""


def entries(names: str, *families: Family, arguments: Arguments | None = None, **facts: Any) -> Iterator[Op]:
    """Ops of which the same is known.

    Args:
        names: the functions, separated by spaces; ``a|b`` are two recorded names of one function.
        families: what all of them belong to.
        arguments: their settings.
        facts: other fields of :class:`Op`.
    """
    settings = {
        name: Setting(position, _KEYWORDS.get(name, (name,)), default)
        for name, (position, default) in (arguments or {}).items()
    }
    for spelled in names.split():
        spellings = tuple(spelled.split("|"))
        yield Op(spellings[0], frozenset(families), spellings, settings=MappingProxyType(settings), **facts)
