"""One forward pass of a real model, recorded into a :class:`skiplint.graph.ModelGraph`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.tracing.caches import caches_kept_clean
from skiplint.tracing.errors import TraceError
from skiplint.tracing.forward import dry_run, recovered, trace_call, trace_or_recover
from skiplint.tracing.subject import Subject, SubjectError

if TYPE_CHECKING:
    from torch import nn

    from skiplint.graph import ModelGraph

__all__ = [
    "Subject",
    "SubjectError",
    "TraceError",
    "caches_kept_clean",
    "dry_run",
    "recovered",
    "trace",
    "trace_call",
    "trace_or_recover",
]


def trace(model: nn.Module, /, *args: Any, **kwargs: Any) -> ModelGraph:
    """Trace ``model(*args, **kwargs)`` into a graph.

    Raises:
        TraceError: the forward did not run on any backend.
    """
    with caches_kept_clean():
        return trace_call(model, args, kwargs)
