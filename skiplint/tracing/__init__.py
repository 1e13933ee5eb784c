"""Record one forward pass of a real model as a :class:`skiplint.graph.ModelGraph`.

Importing this package imports no torch: its names are loaded when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from skiplint.tracing.execution.backends import one_at_a_time as one_at_a_time
    from skiplint.tracing.execution.errors import TraceError as TraceError
    from skiplint.tracing.execution.forward import dry_run as dry_run
    from skiplint.tracing.execution.forward import recovered as recovered
    from skiplint.tracing.execution.forward import trace as trace
    from skiplint.tracing.execution.forward import trace_call as trace_call
    from skiplint.tracing.execution.forward import trace_or_recover as trace_or_recover
    from skiplint.tracing.execution.limits import needs_values as needs_values
    from skiplint.tracing.execution.subject import Subject as Subject
    from skiplint.tracing.execution.subject import SubjectError as SubjectError

_HOMES = {
    "Subject": "subject",
    "SubjectError": "subject",
    "TraceError": "errors",
    "dry_run": "forward",
    "needs_values": "limits",
    "one_at_a_time": "backends",
    "recovered": "forward",
    "trace": "forward",
    "trace_call": "forward",
    "trace_or_recover": "forward",
}

__all__ = [*_HOMES]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.execution.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
