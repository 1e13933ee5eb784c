"""What a run costs with an empty and with a filled cache, next to a bare ``import torch``.

    python benchmarks/cache.py [TARGET] [--repeat N]

Each command runs in a process of its own, several times; the best CPU time counts, because that of other
processes on the machine does not. *CPU* is user and system time of the command and of all its processes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SKIPLINT = [sys.executable, "-m", "skiplint"]


def measure(command: list[str], folder: str, repeat: int) -> tuple[float, float]:
    """The least wall time and the least CPU time of ``command``, in seconds."""
    walls, cpus = [], []
    for _ in range(repeat):
        before, start = os.times(), time.perf_counter()
        subprocess.run(
            command, env={**os.environ, "SKIPLINT_CACHE_DIR": folder}, stdout=subprocess.DEVNULL, check=False
        )
        walls.append(time.perf_counter() - start)
        after = os.times()
        cpus.append(
            after.children_user + after.children_system - before.children_user - before.children_system
        )
    return min(walls), min(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", nargs="?", default=str(ROOT / "examples" / "unet.py"))
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        check = [*SKIPLINT, given.target, "--quiet"]
        commands = {
            "import torch": [sys.executable, "-c", "import torch"],
            "in skiplint's own process (-j 0)": [*check, "-j", "0", "--no-cache"],
            "in a worker process (-j 1)": [*check, "-j", "1", "--no-cache"],
            "cached": check,
            "skiplint --version": [*SKIPLINT, "--version"],
        }
        subprocess.run(
            check, env={**os.environ, "SKIPLINT_CACHE_DIR": folder}, capture_output=True, check=False
        )
        bare = None
        print("| command | wall, s | CPU, s | CPU to import torch |\n|---|---|---|---|")
        for name, command in commands.items():
            wall, cpu = measure(command, folder, given.repeat)
            bare = bare or cpu
            print(f"| {name} | {wall:.2f} | {cpu:.2f} | {cpu / bare:.2f} |", flush=True)


if __name__ == "__main__":
    main()
