"""``--fix`` and ``--show-fixes``."""

from __future__ import annotations

import difflib
import importlib.util
import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from skiplint.cli.failures import UsageError
from skiplint.cli.options import FIXING, option
from skiplint.fixing.sources import check_writable, read_source, write_source
from skiplint.reporting.report import Report

if TYPE_CHECKING:
    from skiplint.fixing.fixing import Try


@dataclass(frozen=True)
class FixOptions:
    """Which fixes to apply or show."""

    fix: Annotated[
        bool,
        option(FIXING, "Apply safe fixes, after trying each on the model.", "--fix"),
    ] = False
    unsafe_fixes: Annotated[
        bool,
        option(FIXING, "Also apply fixes that may not be what you meant.", "--unsafe-fixes"),
    ] = False
    show_fixes: Annotated[
        bool,
        option(FIXING, "Print the fixes as a diff instead of applying them.", "--show-fixes"),
    ] = False

    @property
    def wanted(self) -> bool:
        """Whether to apply or show fixes."""
        return self.fix or self.show_fixes


def fixed(report: Report, tries: Try, options: FixOptions) -> Report:
    """Apply the fixes of ``report``, or print them as a diff; return the report of what is left.

    Args:
        report: what was found.
        tries: lints again with other texts in place of some files; takes the texts by path.
        options: which fixes to apply, and whether to print a diff instead.

    Raises:
        UsageError: LibCST is not installed, or a file cannot be written.
    """
    if importlib.util.find_spec("libcst") is None:
        raise UsageError("--fix and --show-fixes need LibCST: pip install 'skiplint[fix]'")
    from skiplint.fixing.fixing import fix

    result = fix(report, tries, unsafe=options.unsafe_fixes)
    write = not options.show_fixes
    for finding, why in result.refused:
        place = f"{finding.location.path}:{finding.location.line}: " if finding.location else ""
        print(f"skiplint: note: {place}{finding.code} was not fixed: {why}", file=sys.stderr)
    if write:
        _write(result.texts)
    else:
        sys.stdout.write(diff(result.texts))
    count = f"{len(result.made)} finding{'s' if len(result.made) != 1 else ''}"
    verb = "fixed" if write else "would fix"
    files = f" in {', '.join(sorted(result.texts))}" if result.texts else ""
    print(f"skiplint: {verb} {count}{files}", file=sys.stderr)
    return result.report if write else report


def diff(texts: Mapping[str, tuple[str, str]]) -> str:
    """The changes as a unified diff for ``git apply``."""
    parts: list[str] = []
    for path, (before, after) in sorted(texts.items()):
        lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
        parts += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        ]
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """The lines as git counts them: a form feed ends none."""
    return list(io.StringIO(text))


def _write(texts: Mapping[str, tuple[str, str]]) -> None:
    """Write all files, or none if one of them is known not to be writable."""
    path = ""
    try:
        for path, (before, _) in texts.items():
            check_writable(path)
            if read_source(path) != before:
                raise UsageError(f"{path} changed while skiplint ran and was not fixed; run skiplint again")
        for path, (_, after) in texts.items():
            write_source(path, after)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
