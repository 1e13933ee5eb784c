"""The command line: parses, runs, prints. No analysis happens here."""

from __future__ import annotations

from skiplint.cli.app import main

__all__ = ["main"]
