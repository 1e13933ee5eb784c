"""The report as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from skiplint.reporting.formats.html.page import render

__all__ = ["render"]
