"""The report as one HTML page that loads nothing: no script, font or picture."""

from __future__ import annotations

from skiplint.reporting.formats.html.page import render

__all__ = ["render"]
