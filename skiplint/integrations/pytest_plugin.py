"""The pytest plugin: the fixture ``skiplint_check`` and the option ``--skiplint``.

Pytest imports this module in every environment that has skiplint installed, so it is small and imports
nothing heavy. The work is in :mod:`skiplint.integrations.pytest_items`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from skiplint.reporting.report import Report


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--skiplint`` and the ini option ``skiplint_paths``."""
    group = parser.getgroup("skiplint", "linting the skip connections of PyTorch models")
    group.addoption(
        "--skiplint",
        action="store_true",
        help="lint the models of the named files or of those in skiplint_paths, one test per model",
    )
    parser.addini(
        "skiplint_paths",
        "files and folders whose models --skiplint lints, relative to the root folder",
        type="args",
        default=[],
    )


def pytest_configure(config: pytest.Config) -> None:
    """Collect the files in ``skiplint_paths``, unless the user named others."""
    if not config.getoption("--skiplint"):
        return
    paths = [str(config.rootpath / path) for path in config.getini("skiplint_paths")]
    named = config.args_source is pytest.Config.ArgsSource.ARGS
    if not named:
        config.args.extend(path for path in paths if path not in config.args)


# The older kind of wrapper, because this module must load under any version of pytest.
@pytest.hookimpl(hookwrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> Generator[None, Any, None]:
    """Collect the models of a file. A file that is no test module is not collected as one too."""
    outcome = yield
    if not parent.config.getoption("--skiplint") or file_path.suffix != ".py":
        return
    from skiplint.integrations.pytest_items import ModelFile, is_test_module, is_wanted

    if not is_wanted(file_path, parent):
        return
    collected = outcome.get_result()
    if not is_test_module(file_path, parent.config):
        collected = [node for node in collected if not isinstance(node, pytest.Module)]
    outcome.force_result([*collected, ModelFile.from_parent(parent, path=file_path)])


@pytest.fixture
def skiplint_check(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """``skiplint_check(model, *args, **kwargs)``: lint the model and fail the test for findings.

    The arguments are those of the model's forward. ``select`` and ``ignore`` choose rules, and ``fail_on`` is
    the lowest severity that fails. Everything else comes from the project's settings.
    Returns the report.
    """
    from skiplint.integrations.pytest_items import check_model

    def check(model: Any, *args: Any, **kwargs: Any) -> Report:
        __tracebackhide__ = True
        return check_model(request.config.rootpath, model, args, kwargs)

    return check
