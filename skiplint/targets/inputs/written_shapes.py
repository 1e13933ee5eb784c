"""Shapes as people write them in docstrings, comments and patterns of einops."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

_NO_SIZES = frozenset(
    "tensor torch float floattensor longtensor int bool long optional default none list tuple dict str true "
    "false of and or the a an e.g. i.e. eg".split()
)
_SIZE = re.compile(r"^[\w./*+\- ]{1,24}$|^\.\.\.$")
_BRACKETS = re.compile(r"[(\[{<]([^()\[\]{}<>]*)[)\]}>]")
_PATTERN_AXES = re.compile(r"\([^)]*\)|\S+")


def shapes_in_docstring(text: str, name: str, *, first: bool) -> Iterator[str]:
    """Yield the shapes that a docstring gives for a parameter, such as "b c h w" for ``x: (B, C, H, W)``.

    Args:
        text: the docstring.
        name: the parameter.
        first: whether it is the first one, which sections on shapes call the input.
    """
    names = [re.escape(name), *(["[Ii]nputs?"] if first else [])]
    for found in re.finditer(rf"(?<![\w.])(?:{'|'.join(names)})`*\s*(?::|\(|-|=|of shape|has shape)", text):
        lines = text[found.start() :].split("\n")
        entry = [lines[0], *(line for line in lines[1:3] if not re.match(r"\s*(-\s*)?\w+\s*[:(]", line))]
        yield from _shapes(" ".join(entry)[len(name) :])


def shapes_in_comments(source: str, name: str, rebound: int | None) -> Iterator[str]:
    """Yield the shapes that comments give for a parameter before it gets another value.

    Args:
        source: the text of the function.
        name: the parameter.
        rebound: the line of the function in which it gets another value; None if it never does.
    """
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError, IndentationError):
        return
    for token in tokens:
        if token.type != tokenize.COMMENT or (rebound is not None and token.start[0] >= rebound):
            continue
        if found := re.search(
            rf"(?<![\w.]){re.escape(name)}(?:\.shape|\.size\(\))?\s*(?::|=|is|->|-)?\s*(?=[(\[<])",
            token.string,
        ):
            yield from _shapes(token.string[found.end() :])


def shape_in_pattern(pattern: str) -> str:
    """Return the shape on the left of a pattern of einops; "" if it leaves axes open."""
    left = pattern.partition("->")[0]
    if "..." in left:
        return ""
    axes = [axis.strip("()").split() for axis in _PATTERN_AXES.findall(left)]
    return " ".join(parts[0] if parts else "1" for parts in axes)


def _shapes(text: str) -> Iterator[str]:
    """Yield the shape in the first brackets that hold one."""
    for found in _BRACKETS.finditer(text):
        sizes = [size.strip(" `'\"$\\") for size in found[1].split(",")]
        if len(sizes) == 1:
            sizes = re.split(r"\s*x\s*|\s+", found[1].strip(" `'\""))
        if all(map(_is_size, sizes)) and (len(sizes) > 1 or re.fullmatch(r"[A-Z]|batch\w*|\d+", sizes[0])):
            yield " ".join(_named(size) for size in sizes)
            return


def _is_size(text: str) -> bool:
    words = text.lower().split()
    return (
        bool(_SIZE.match(text)) and bool(words) and _NO_SIZES.isdisjoint(words) and "." not in text.strip(".")
    )


def _named(size: str) -> str:
    """One size without what would part it from the others."""
    return re.sub(r"[^\w.]+", "_", size.strip())
