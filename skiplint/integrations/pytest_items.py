"""The work of the pytest plugin: models as tests, and findings as failures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from skiplint.api import lint
from skiplint.linting.finding import Severity
from skiplint.linting.registry import load_registry
from skiplint.reporting.formats import render
from skiplint.reporting.formats.style import Style
from skiplint.reporting.report import Report
from skiplint.run.check import check as check_targets
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings, split_words
from skiplint.sources.paths import shown

if TYPE_CHECKING:
    from torch import nn


class ModelFaultError(Exception):
    """A model has findings or could not be run; ``str()`` is the report."""


class ModelFile(pytest.File):
    """A Python file whose models are tests."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each model of the file, or one that fails if the file cannot be imported."""
        from skiplint.targets import SkippedTarget, TargetError, resolve

        settings = effective_settings([str(self.path)]).settings
        place = shown(self.path)
        try:
            found = resolve(place, models=settings.models)
        except TargetError:
            # A test that fails, because an error here would keep all other tests from running.
            yield ModelItem.for_target(self, "models", place, None)
            return
        for target in found:
            item = ModelItem.for_target(self, target.name, target.target, target.line)
            if isinstance(target, SkippedTarget):
                item.add_marker(pytest.mark.skip(reason=target.reason))
            elif target.unbuilt is not None:
                item.unbuilt = target.unbuilt.reason
            yield item


class ModelItem(pytest.Item):
    """One model, linted as ``skiplint check`` would."""

    target: str
    line: int | None
    unbuilt: str | None = None
    """Why the model may not be constructible, which skips the test."""

    @classmethod
    def for_target(cls, parent: ModelFile, name: str, target: str, line: int | None) -> ModelItem:
        """The test of one model of a file.

        Args:
            parent: the collected file.
            name: the name shown after ``skiplint:``.
            target: what to lint, as on the command line.
            line: the line that defines the model, counted from 1.
        """
        item: ModelItem = cls.from_parent(parent, name=f"skiplint:{name}")
        item.target, item.line = target, line
        return item

    def runtest(self) -> None:
        """Lint the model.

        Raises:
            ModelFaultError: it has findings at or above ``fail-on``, or cannot be run.
        """
        registry = load_registry()
        settings = effective_settings([str(self.path)], registry=registry).settings
        report = check_targets(Request([self.target], settings), registry=registry)
        if self.unbuilt is not None and all(model.status != "traced" for model in report.models):
            pytest.skip(self.unbuilt)
        _judge(report, settings.fail_on)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The findings alone; for any other error, the traceback."""
        if isinstance(excinfo.value, ModelFaultError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the model is defined."""
        return self.path, self.line - 1 if self.line else None, self.target


def check_model(root: Path, model: nn.Module, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Report:
    """Lint ``model(*args, **kwargs)`` with the project's settings, and fail the test for findings.

    Args:
        root: the folder from which settings are searched, upward.
        model: the model.
        args: positional arguments of its forward.
        kwargs: keyword arguments of its forward, and ``select``, ``ignore`` and ``fail_on``.
    """
    __tracebackhide__ = True
    inputs = dict(kwargs)
    fail_on = inputs.pop("fail_on", None)
    table: dict[str, Any] = {}
    for key in ("select", "ignore"):
        words = inputs.pop(key, ())
        table[key] = list(split_words(words) if isinstance(words, str) else words)
    if fail_on is not None:
        table["fail-on"] = fail_on.value if isinstance(fail_on, Severity) else fail_on
    given = {key: value for key, value in table.items() if value}
    settings = effective_settings(start=root, registry=load_registry(), command_line=given).settings
    report = lint(model, *args, settings=settings, **inputs)
    try:
        _judge(report, settings.fail_on)
    except ModelFaultError as failure:
        pytest.fail(str(failure))
    return report


def is_wanted(path: Path, parent: pytest.Collector) -> bool:
    """Whether ``--skiplint`` lints the file: it was named, or is in ``skiplint_paths``."""
    if parent.session.isinitpath(path):
        return True
    wanted = [parent.config.rootpath / entry for entry in parent.config.getini("skiplint_paths")]
    return any(place == path or place in path.parents for place in wanted)


def is_test_module(path: Path, config: pytest.Config) -> bool:
    """Whether pytest itself takes the file for a test module."""
    patterns: list[str] = config.getini("python_files")
    return any(fnmatch(path.name, pattern) or fnmatch(str(path), f"*/{pattern}") for pattern in patterns)


def _judge(report: Report, fail_on: Severity) -> None:
    __tracebackhide__ = True
    broken = [model for model in report.models if model.status == "failed"]
    failed = [
        # Most reasons name the file already.
        reason if model.target in reason else f"{model.target}: {reason}"
        for model, reason in ((model, model.reason or "") for model in broken)
    ]
    worst = report.worst()
    if report.broken or (worst is not None and worst.at_least(fail_on)):
        text = render(report, "console", Style(verbosity=-1, failures=False))
        raise ModelFaultError("\n".join([*failed, text.strip()]).strip())
