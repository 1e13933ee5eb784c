"""The figures of memory in words."""

from __future__ import annotations

from skiplint.analysis.memory.byte_sizes import byte_size


def memory_in_words(peak: int, saved: int, allocated: int, distinct: int, blowup: float) -> str:
    """The peak, what is saved, and the concatenations if there are any.

    Such as ``3.2 MiB peak in inference, 9.1 MiB saved for backward``.

    Args:
        peak: bytes alive at the peak of inference.
        saved: bytes saved for the backward pass.
        allocated: bytes that concatenations allocate.
        distinct: bytes of the distinct features in them.
        blowup: allocated over distinct.
    """
    text = f"{byte_size(peak)} peak in inference, {byte_size(saved)} saved for backward"
    if not allocated:
        return text
    return (
        f"{text}; concatenations {byte_size(allocated)} for {byte_size(distinct)} of features (x{blowup:.1f})"
    )
