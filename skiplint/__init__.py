"""Find every skip connection in a PyTorch model, and what is wrong with it.

The public API; importing it imports neither torch nor networkx::

    import skiplint

    graph = skiplint.trace(model, x)        # what ran: graph.nx is a networkx.MultiDiGraph
    analysis = skiplint.analyze(model, x)   # analysis.skips, each analysis computed when asked for
    report = skiplint.lint(model, x)        # report.models, report.findings, report.to_dict()
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from skiplint.version import __version__

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis as Analysis
    from skiplint.analysis.faults.remedy import Remedy as Remedy
    from skiplint.api import analyze as analyze
    from skiplint.api import lint as lint
    from skiplint.graph import Location as Location
    from skiplint.graph import ModelGraph as ModelGraph
    from skiplint.linting.finding import Finding as Finding
    from skiplint.linting.finding import Severity as Severity
    from skiplint.linting.rule import Rule as Rule
    from skiplint.linting.rule import RuleOptions as RuleOptions
    from skiplint.reporting.report import Report as Report
    from skiplint.settings.settings import Settings as Settings
    from skiplint.tracing import trace as trace

_HOMES = {
    "Analysis": "skiplint.analysis.analysis",
    "Finding": "skiplint.linting.finding",
    "Location": "skiplint.graph",
    "ModelGraph": "skiplint.graph",
    "Remedy": "skiplint.analysis.faults.remedy",
    "Report": "skiplint.reporting.report",
    "Rule": "skiplint.linting.rule",
    "RuleOptions": "skiplint.linting.rule",
    "Settings": "skiplint.settings.settings",
    "Severity": "skiplint.linting.finding",
    "analyze": "skiplint.api",
    "lint": "skiplint.api",
    "trace": "skiplint.tracing",
}

__all__ = [  # noqa: PLE0604
    "__version__",
    *_HOMES,
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'skiplint' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
