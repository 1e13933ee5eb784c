"""The storages of tensors, and what has been written into them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef


class Value(NamedTuple):
    """Output number ``output`` of record ``producer``, at version ``version`` of its storage."""

    producer: int
    output: int
    version: int


class Region(NamedTuple):
    """The elements of a storage that a tensor covers, in elements."""

    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(slots=True)
class Write:
    """A value written into part of a storage."""

    version: int
    region: Region
    value: Value


@dataclass(slots=True)
class StorageState:
    """One storage, numbered in order of appearance.

    The weak reference keeps its address from being used again. It does not keep the memory.
    """

    number: int
    weak: StorageWeakRef | None
    version: int = 0
    writes: list[Write] = field(default_factory=list)
    first: Value | None = None
    holders: int = 0
    """The number of tensor objects on it."""

    def writes_seen_by(self, region: Region, since: int) -> list[Write]:
        """Return the writes after version ``since`` that overlap ``region``."""
        return [write for write in self.writes if write.version > since and overlap(write.region, region)]


_NO_STORAGE = (NotImplementedError, RuntimeError, AttributeError, ValueError)
"""What a tensor without a storage (sparse, batched, lazy) raises when it is asked for it."""


def storage_key(tensor: Tensor) -> int:
    """A number that living tensors have in common if they share memory.

    The address of the storage; for a tensor without one a negative number of its own.
    """
    try:
        return int(tensor.untyped_storage()._cdata)
    except _NO_STORAGE:
        return -id(tensor)


def storage_size(tensor: Tensor) -> int:
    """Bytes of the storage, 0 for a tensor without one."""
    try:
        return int(tensor.untyped_storage().nbytes())
    except _NO_STORAGE:
        return 0


def region_of(tensor: Tensor) -> Region:
    """Return the elements of its storage that a strided ``tensor`` covers."""
    return Region(
        int(tensor.storage_offset()), tuple(map(int, tensor.shape)), tuple(map(int, tensor.stride()))
    )


def overlap(left: Region, right: Region) -> bool:
    """Return whether two regions of one storage share an element.

    Exact for slices of one tensor (equal strides). For others it compares address ranges, and may return
    True for two that do not overlap.
    """
    if 0 in left.shape or 0 in right.shape:
        return False
    if left.strides == right.strides and _nested(left) and _nested(right):
        return _slices_overlap(left, right)
    return left.offset <= _last(right) and right.offset <= _last(left)


def _last(region: Region) -> int:
    return region.offset + sum(
        (size - 1) * step for size, step in zip(region.shape, region.strides, strict=True)
    )


def _axes(region: Region) -> list[int]:
    return sorted(range(len(region.strides)), key=lambda axis: -region.strides[axis])


def _nested(region: Region) -> bool:
    """Whether each axis stays inside one step of the next larger one, so that offsets name coordinates."""
    rest, outer = region.offset, 0
    for axis in _axes(region):
        step, size = region.strides[axis], region.shape[axis]
        if step <= 0:
            return False
        start, rest = divmod(rest, step)
        if outer and (start + size) * step > outer:
            return False
        outer = step
    return True


def _slices_overlap(left: Region, right: Region) -> bool:
    left_rest, right_rest = left.offset, right.offset
    for axis in _axes(left):
        step = left.strides[axis]
        left_start, left_rest = divmod(left_rest, step)
        right_start, right_rest = divmod(right_rest, step)
        if left_start + left.shape[axis] <= right_start or right_start + right.shape[axis] <= left_start:
            return False
    return True
