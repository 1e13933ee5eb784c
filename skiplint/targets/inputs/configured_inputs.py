"""Inputs from the configuration: shapes with symbolic sizes, dtypes, lists and plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skiplint.targets.inputs.tensors import SIZES, TensorPlan
from skiplint.targets.records import Arguments, ModelConfig, TargetError

_KEYS = frozenset({"shape", "dtype", "low", "high", "value", "list"})


def configured_arguments(config: ModelConfig) -> Arguments | None:
    """Return the arguments of forward that ``config`` describes; None if it has no inputs.

    Raises:
        TargetError: an entry describes no input, or a symbolic size has no value.
    """
    if config.inputs is None:
        return None
    reader = _Reader(config)
    if isinstance(config.inputs, dict) and not (set(config.inputs) <= _KEYS and "shape" in config.inputs):
        return (), {
            name: reader.read(spec, index) for index, (name, spec) in enumerate(config.inputs.items())
        }
    specs = config.inputs
    if isinstance(specs, dict) or _is_shape(specs):
        specs = [specs]
    return tuple(reader.read(spec, index) for index, spec in enumerate(specs)), {}


def _is_shape(spec: Any) -> bool:
    """Whether it is a list of sizes. An empty list means no inputs, not a scalar."""
    return isinstance(spec, list) and bool(spec) and all(isinstance(size, int | str) for size in spec)


class _Reader:
    def __init__(self, config: ModelConfig) -> None:
        self._target = config.target
        self._sizes: Mapping[str, int] = {**SIZES, **config.sizes}

    def read(self, spec: Any, seed: int) -> Any:
        if isinstance(spec, list):
            if not spec or _is_shape(spec):
                return TensorPlan(self._shape(spec)).make(seed)
            return [self.read(item, seed + index) for index, item in enumerate(spec)]
        if not isinstance(spec, dict):
            return spec  # a plain number, string or boolean
        unknown = set(spec) - _KEYS
        if unknown and _KEYS & set(spec):
            names = ", ".join(sorted(unknown))
            raise TargetError(
                f"{self._target}: unknown key {names} in inputs; use {', '.join(sorted(_KEYS))}"
            )
        if unknown:
            return {name: self.read(item, seed + index) for index, (name, item) in enumerate(spec.items())}
        if "value" in spec:
            return spec["value"]
        if "list" in spec:
            return [self.read(item, seed + index) for index, item in enumerate(spec["list"])]
        if not isinstance(spec.get("shape"), list):
            raise TargetError(
                f'{self._target}: an input needs a shape such as ["B", 3, "H", "W"]; got {spec}'
            )
        shape = self._shape(spec["shape"])
        default = "int64" if "high" in spec else "float32"
        return TensorPlan(shape, spec.get("dtype", default), spec.get("low", 0), spec.get("high")).make(seed)

    def _shape(self, sizes: list[Any]) -> tuple[int, ...]:
        return tuple(self._size(size) for size in sizes)

    def _size(self, size: Any) -> int:
        if isinstance(size, str):
            if size not in self._sizes:
                raise TargetError(
                    f'{self._target}: the size "{size}" has no value; add sizes = {{{size} = 16}} to its '
                    "[[tool.skiplint.models]] entry"
                )
            return self._sizes[size]
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise TargetError(
                f'{self._target}: {size!r} is not a size; use whole numbers and names such as "H"'
            )
        return size
