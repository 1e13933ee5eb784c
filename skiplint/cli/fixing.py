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
    """Which fixes are made."""

    fix: Annotated[
        bool,
        option(FIXING, "Make the fixes that are safe, each tried on the model first.", "--fix"),
    ] = False
    unsafe_fixes: Annotated[
        bool,
        option(FIXING, "Make those too that may not be meant.", "--unsafe-fixes"),
    ] = False
    show_fixes: Annotated[
        bool,
        option(FIXING, "Print the fixes as a diff and write nothing.", "--show-fixes"),
    ] = False

    @property
    def wanted(self) -> bool:
        """Whether fixes are made or shown."""
        return self.fix or self.show_fixes


def fixed(report: Report, tries: Try, options: FixOptions) -> Report:
    """Make the fixes of ``report``, or only show them; the report of what is left then.

    Args:
        report: what was found.
        tries: lints again with some files replaced by other texts.
        options: which fixes to make, and whether to print a diff instead of writing the files.

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
    """The changes as one unified diff that ``git apply`` takes."""
    parts: list[str] = []
    for path, (before, after) in sorted(texts.items()):
        lines = difflib.unified_diff(_lines(before), _lines(after), f"a/{path}", f"b/{path}")
        parts += [
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        ]
    return "".join(parts)


def _lines(text: str) -> list[str]:
    """As git counts them: a form feed ends none."""
    return list(io.StringIO(text))


def _write(texts: Mapping[str, tuple[str, str]]) -> None:
    """Write all files, or none where one of them is known not to be writable."""
    path = ""
    try:
        for path, (before, _) in texts.items():
            check_writable(path)
            if read_source(path) != before:
                raise UsageError(f"{path} has changed meanwhile and was not fixed; run skiplint again")
        for path, (_, after) in texts.items():
            write_source(path, after)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror or error}") from None
