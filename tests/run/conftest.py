"""The small rules and graphs of tests/linting."""

from __future__ import annotations

from tests.linting.conftest import analysis_at, registry

__all__ = ["analysis_at", "registry"]
