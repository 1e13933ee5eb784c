"""Path lengths in words."""

from __future__ import annotations


def lengths_in_words(shortest: int, longest: int, mean: float, count: str) -> str:
    """Such as ``0 to 54 weighted layers, mean 27.0, over 1.8e16 paths``.

    Args:
        shortest: weighted layers on the shortest path.
        longest: weighted layers on the longest path.
        mean: the mean number of weighted layers.
        count: the number of paths, as a string of digits.
    """
    if count == "0":
        return "no path from an input to an output"
    paths = f"{path_count(count)} path{'' if count == '1' else 's'}"
    return f"{shortest} to {longest} weighted layers, mean {mean:.1f}, over {paths}"


def path_count(digits: str) -> str:
    """A number of paths as people read it, such as ``65,536`` or ``1.8e16``."""
    # The number may have more digits than int() takes or a float can hold.
    if len(digits) < 10:
        return f"{int(digits):,}"
    return f"{digits[0]}.{digits[1]}e{len(digits) - 1}"
