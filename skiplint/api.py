"""What Python programs call: trace a model, analyze it, lint it.

``skiplint.trace``, ``skiplint.analyze`` and ``skiplint.lint`` are these functions.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.graph import Location
from skiplint.reporting.describe import describe_inputs
from skiplint.reporting.report import ModelReport, Report
from skiplint.run.check import session_of
from skiplint.settings.settings import Settings
from skiplint.version import __version__

if TYPE_CHECKING:
    import torch


def analyze(model: torch.nn.Module, *args: Any, **kwargs: Any) -> Analysis:
    """Trace ``model(*args, **kwargs)`` and return its analyses, each computed when first asked for."""
    from skiplint.tracing import Subject, trace

    return Analysis(trace(model, *args, **kwargs), Subject(model, args, kwargs))


def lint(model: torch.nn.Module, *args: Any, settings: Settings | None = None, **kwargs: Any) -> Report:
    """Trace ``model(*args, **kwargs)`` and run the rules over it.

    Args:
        model: the model, in the mode (train or eval) in which it is meant.
        *args: positional arguments of its forward.
        settings: what to run; None means every default. No configuration file is read.
        **kwargs: keyword arguments of its forward.

    Raises:
        TraceError: the model cannot be run with these inputs.
        ConfigError: ``settings`` name a rule or an option that does not exist.
    """
    from skiplint.tracing import Subject, caches_kept_clean, trace_or_recover

    session = session_of(settings or Settings(), None)
    with caches_kept_clean(model):
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
    session.add(analysis, report)
    return session.finish(__version__)


def _class_place(kind: type) -> Location | None:
    if kind.__module__.startswith("torch."):
        return None  # A container of torch's own: that it is written there helps nobody.
    try:
        return Location(inspect.getsourcefile(kind) or "", inspect.getsourcelines(kind)[1])
    except (OSError, TypeError):
        return None  # A class typed into a notebook or made at run time has no file.
