"""The functions for Python programs: trace a model, analyze it, lint it.

``skiplint.trace``, ``skiplint.analyze`` and ``skiplint.lint`` are these functions.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.graph import Location
from skiplint.reporting.describe import describe_inputs
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.check import gathering_for
from skiplint.run.outcome import outcome_of
from skiplint.settings.settings import Settings

if TYPE_CHECKING:
    import torch


def analyze(model: torch.nn.Module, *args: Any, **kwargs: Any) -> Analysis:
    """Trace ``model(*args, **kwargs)`` and return its analyses, each computed on first use.

    Args:
        model: the model, in the mode (train or eval) in which to analyze it.
        *args: positional arguments of its forward.
        **kwargs: keyword arguments of its forward.

    Raises:
        TraceError: the model does not run with these inputs.
    """
    from skiplint.tracing import Subject, trace

    return Analysis(trace(model, *args, **kwargs), Subject(model, args, kwargs))


def lint(model: torch.nn.Module, *args: Any, settings: Settings | None = None, **kwargs: Any) -> Report:
    """Trace ``model(*args, **kwargs)``, run the rules and return the report.

    Args:
        model: the model, in the mode (train or eval) in which to lint it.
        *args: positional arguments of its forward.
        settings: which rules to run, and how; None means the defaults. No configuration file is read.
        **kwargs: keyword arguments of its forward.

    Raises:
        TraceError: the model does not run with these inputs, and tracing cannot go on after the failed call.
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    from skiplint.tracing import Subject, one_at_a_time, trace_or_recover

    gathering = gathering_for(settings or Settings())
    # Python before 3.12 also fails at times where two threads parse sources.
    with one_at_a_time:
        analysis = Analysis(trace_or_recover(model, args, kwargs), Subject(model, args, kwargs))
        kind = type(model)
        place = _class_place(kind)
        report = ModelReport(
            target=f"{kind.__module__}:{kind.__qualname__}",
            name=kind.__name__,
            path=place.path if place else None,
            line=place.line if place else None,
            status="traced",
            inputs=describe_inputs(analysis.graph, "given"),
        )
        gathering.add(outcome_of(analysis, report, gathering.rules))
        return gathering.report()


def _class_place(kind: type) -> Location | None:
    if kind.__module__.startswith("torch."):
        return None  # A container such as Sequential: its place in torch helps nobody.
    try:
        return Location(inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return None  # A class from a notebook or made at run time has no file.
