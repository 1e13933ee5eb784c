"""The Python code in notebooks, README files, documentation and docstrings, as syntax trees."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from skiplint.targets.models.syntax import FileSyntax

_FENCE = re.compile(r"^(\s*)(```+|~~~+)\s*\{?\.?([\w+-]*)[^\n]*$")
_LANGUAGES = frozenset(["", "py", "python", "python3", "pycon", "ipython", "ipython3", "pytorch", "code"])
_PROMPT = re.compile(r"^\s*(>>>|\.\.\.)( |$)")
_BLOCK = re.compile(r"(::\s*$|^\s*\.\. (code|code-block|sourcecode|testcode|doctest)::)")


def notebook_code(path: Path, text: bytes) -> FileSyntax | None:
    """The code cells of a notebook, one after the other; lines are counted over all of them."""
    try:
        cells = json.loads(text)["cells"]
        sources = [cell["source"] for cell in cells if cell.get("cell_type") == "code"]
    except (ValueError, KeyError, TypeError):
        return None
    blocks, line = [], 0
    for source in sources:
        code = "".join(source) if isinstance(source, list) else str(source)
        lines = ["pass" if row.lstrip().startswith(("%", "!")) else row for row in code.splitlines()]
        blocks.append((line, "\n".join(lines)))
        line += len(lines)
    return _syntax(path, blocks)


def document_code(path: Path, text: bytes) -> FileSyntax | None:
    """The fenced, indented and interactive code of a document."""
    return _syntax(path, list(_blocks(text.decode("utf-8", "replace").splitlines())))


def docstring_code(file: FileSyntax) -> FileSyntax | None:
    """The code in the docstrings of a Python file; lines are those of the file."""
    blocks: list[tuple[int, str]] = []
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                value = first.value.value
                if isinstance(value, str):
                    start = first.lineno - 1
                    blocks += [(start + line, code) for line, code in _blocks(value.splitlines())]
    return _syntax(file.path, blocks)


def _syntax(path: Path, blocks: list[tuple[int, str]]) -> FileSyntax | None:
    statements: list[ast.stmt] = []
    for line, code in blocks:
        for shift, part in _parsed(code):
            ast.increment_lineno(part, line + shift)
            statements += part.body
    return FileSyntax(path, ast.Module(statements, [])) if statements else None


def _parsed(code: str) -> Iterator[tuple[int, ast.Module]]:
    """The code; where it is not valid as a whole, its paragraphs that are."""
    try:
        yield 0, ast.parse(textwrap.dedent(code))
        return
    except (SyntaxError, ValueError, RecursionError):
        pass
    start = 0
    for paragraph in re.split(r"(?<=\n)[ \t]*\n", code):
        with contextlib.suppress(SyntaxError, ValueError, RecursionError):
            yield start, ast.parse(textwrap.dedent(paragraph))
        start += paragraph.count("\n") + 1


def _blocks(lines: list[str]) -> Iterator[tuple[int, str]]:
    """(lines before it, code) of the blocks of code in a text."""
    number = 0
    while number < len(lines):
        line = lines[number]
        if fence := _FENCE.match(line):
            end = number + 1
            while end < len(lines) and not lines[end].strip().startswith(fence[2]):
                end += 1
            block = lines[number + 1 : end]
            if any(_PROMPT.match(each) for each in block):
                yield number + 1, _prompted(block)
            elif fence[3].lower() in _LANGUAGES:
                yield number + 1, "\n".join(block)
            number = end + 1
        elif _PROMPT.match(line):
            end = number
            while end < len(lines) and lines[end].strip() and not _FENCE.match(lines[end]):
                end += 1
            yield number, _prompted(lines[number:end])
            number = end
        elif _BLOCK.search(line) or _is_heading_of_example(line):
            indent = len(line) - len(line.lstrip())
            end = number + 1
            while end < len(lines) and (
                not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent
            ):
                end += 1
            block = lines[number + 1 : end]
            if not any(_PROMPT.match(each) or _FENCE.match(each) for each in block):
                yield number + 1, "\n".join(block)
                number = end
            else:
                number += 1
        else:
            number += 1


def _is_heading_of_example(line: str) -> bool:
    return bool(re.match(r"^\s*(examples?|usage)s?\s*:?\s*$", line, re.IGNORECASE))


def _prompted(lines: list[str]) -> str:
    """The statements of an interactive session, its output made empty lines."""
    return "\n".join(_PROMPT.sub("", line, count=1) if _PROMPT.match(line) else "" for line in lines)
