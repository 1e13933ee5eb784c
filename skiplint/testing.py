"""For the tests of rule packs: check a rule against its documentation and its examples.

>>> from skiplint.testing import assert_rule
>>> from skiplint_rules.degenerate_skip import DegenerateSkip
>>> assert_rule(DegenerateSkip)
"""

from __future__ import annotations

import inspect
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skiplint.analysis.analysis import Analysis
from skiplint.linting.engine import run_rules
from skiplint.linting.finding import Finding
from skiplint.linting.rule import (
    REQUIRED_SECTIONS,
    SECTIONS,
    Example,
    Rule,
    example_source,
    fault_of,
    sections,
)
from skiplint.linting.selection import option_names


@dataclass(frozen=True)
class Case:
    """An example model that is ready to run, and the lines where a rule should find something."""

    model: Any
    inputs: tuple[Any, ...]
    path: str
    expected_lines: frozenset[int]


def assert_rule(rule: type[Rule]) -> None:
    """Check that ``rule`` is complete and that its examples give the findings they should.

    The rule has its metadata and documentation. In a bad example it finds exactly the lines that end in a
    comment with the rule's code. In a good example it finds nothing.

    Raises:
        AssertionError: the message says in one sentence what is missing or wrong.
    """
    assert_documented(rule)
    assert rule.bad, f"{rule.code} has no bad example"
    assert rule.good, f"{rule.code} has no good example"
    for examples in (rule.bad, rule.good):
        for example in examples:
            with tempfile.TemporaryDirectory() as folder:
                _assert_case(rule, example, Path(folder), bad=examples is rule.bad)


def assert_documented(rule: type[Rule]) -> None:
    """Check that ``rule`` has its metadata and all sections of its documentation.

    Raises:
        AssertionError: the message says in one sentence what is missing.
    """
    fault = fault_of(rule)
    assert fault is None, f"{rule.__qualname__} {fault}"
    written = sections(rule)
    missing = [title for title in REQUIRED_SECTIONS if title not in written]
    assert not missing, f"{rule.code} lacks the sections {missing}"
    unknown = [title for title in written if title not in SECTIONS]
    assert not unknown, f"{rule.code} has the sections {unknown}, which are none of {list(SECTIONS)}"
    explained = written.get("Options", "")
    silent = [name for name in option_names(rule) if f"`{name.replace('_', '-')}`" not in explained]
    assert not silent, f"{rule.code} does not say under Options what {silent} are for"


def findings_of(rule: Rule, model: Any, *inputs: Any, **keywords: Any) -> list[Finding]:
    """The findings of one rule, with the options it has, in ``model(*inputs, **keywords)``."""
    from skiplint.tracing import Subject, trace_or_recover

    analysis = Analysis(trace_or_recover(model, inputs, keywords), Subject(model, inputs, keywords))
    return run_rules(analysis, [rule], model=type(model).__name__)


def load_case(example: Example, folder: Path, code: str = "") -> Case:
    """Build the model of an example.

    Args:
        example: source code, or a function that returns a model and its inputs.
        folder: where to write source code to, so that findings have a file and lines.
        code: of the rule whose marked lines are wanted; without it no line is expected.
    """
    marker = re.compile(rf"#.*\b{code}\b") if code else re.compile(r"(?!)")
    if isinstance(example, str):
        path = folder / "model.py"
        source = example_source(example)
        path.write_text(source + "\n", encoding="utf-8")
        scope: dict[str, Any] = {"__name__": "skiplint_example", "__file__": str(path)}
        exec(compile(source, str(path), "exec"), scope)  # noqa: S102 - the rule brings it
        model, inputs, first = scope["model"], scope["inputs"], 1
    else:
        path, source, first = _function_source(example)
        model, inputs = example()
    marked = {number for number, line in enumerate(source.splitlines(), first) if marker.search(line)}
    return Case(model, tuple(inputs), str(path), frozenset(marked))


def _function_source(function: Callable[..., Any]) -> tuple[Path, str, int]:
    lines, first = inspect.getsourcelines(function)
    return Path(inspect.getsourcefile(function) or ""), "".join(lines), first


def _assert_case(rule: type[Rule], example: Example, folder: Path, *, bad: bool) -> None:
    case = load_case(example, folder, rule.code)
    findings = findings_of(rule(rule.Options(**rule.example_options)), case.model, *case.inputs)
    source = example_source(example)
    if not bad:
        assert not findings, f"{rule.code} finds {findings} in its good example:\n{source}"
        return
    assert case.expected_lines, f"no line of a bad example of {rule.code} ends in # {rule.code}:\n{source}"
    wrong = [finding.code for finding in findings if finding.code != rule.code]
    assert not wrong, f"{rule.code} reports as {wrong}: {[finding.message for finding in findings]}"
    places = [finding.location for finding in findings]
    found = {place.line for place in places if place is not None and Path(place.path) == Path(case.path)}
    assert found == case.expected_lines, (
        f"{rule.code} is to be found at lines {sorted(case.expected_lines)} of its bad example, "
        f"was found at {sorted(found)}:\n{source}"
    )
