"""The command line: parses, calls the pipeline, prints. No analysis happens here."""

from __future__ import annotations

from skiplint.cli.app import main

__all__ = ["main"]
