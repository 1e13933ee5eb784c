"""What the error of a failed forward says about its inputs."""

from __future__ import annotations

import re

_PAIRS = (
    re.compile(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x\d+\)"),
    re.compile(r"a and b must have same reduction dim, but got \[\d+, (\d+)\] X \[(\d+), \d+\]"),
    re.compile(r"The size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\)"),
)
_BROADCAST = re.compile(r"broadcast a dimension of length (\d+) at (-?\d+)!.* broadcastable to \[([\d, ]+)\]")
"""torch/_refs/__init__.py: the size of one operand, its axis, and the shape that the others have."""
_NORMALISED = re.compile(r"normalized_shape=\[([\d, ]+)\].*input of size\[([\d, ]+)\]")
_VIEW = re.compile(r"shape '\[([-\d, ]+)\]' is invalid for input of size (\d+)")
_UNPACK = re.compile(
    r"not enough values to unpack \(expected (\d+), got (\d+)\)|too many values to unpack \(expected (\d+)"
)
_EINOPS_RANK = re.compile(r"expected (\d+) dims")
_TOO_SMALL = re.compile(
    r"Kernel size can't be greater|output size is too small|Output size is too small|too small|smaller than|"
    r"Padding size should be less|non-positive|must be greater|size of zero|Expected more than 1",
    re.IGNORECASE,
)


def mismatch(error: BaseException) -> tuple[int, int] | None:
    """Return (size that the input gives, size that the layer takes) of one dimension; None if not told."""
    text = str(error)
    for pattern in _PAIRS:
        if found := pattern.search(text):
            return int(found[1]), int(found[2])
    if found := _BROADCAST.search(text):
        shape = [int(size) for size in found[3].split(",")]
        axis = int(found[2])
        return (shape[axis], int(found[1])) if -len(shape) <= axis < len(shape) else None
    if found := _NORMALISED.search(text):
        wanted, got = ([int(size) for size in group.split(",")] for group in found.groups())
        return got[-1], wanted[-1]
    if found := _VIEW.search(text):
        sizes = [int(size) for size in found[1].split(",")]
        wanted_product = 1
        for size in sizes:
            wanted_product *= max(size, 1)
        return int(found[2]), wanted_product
    return None


def unpacked_rank(error: BaseException) -> int | None:
    """Return the rank that forward expects, from an error in ``b, c, h, w = x.shape``; None if not told."""
    text = str(error)
    if found := _UNPACK.search(text):
        return int(found[1] or found[3])
    if found := _EINOPS_RANK.search(text):
        return int(found[1])
    return None


def too_small(error: BaseException) -> bool:
    """Return whether a feature map became too small."""
    return bool(_TOO_SMALL.search(str(error)))


def numbers(error: BaseException) -> list[int]:
    """Return the numbers in the message that may be sizes, without numbers of dimensions."""
    return [int(text) for text in re.findall(r"(?<!dimension )\b\d{1,4}\b", str(error))]
