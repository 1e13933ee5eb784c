"""``python -m skiplint``."""

from __future__ import annotations

from skiplint.cli import main

if __name__ == "__main__":
    main()
