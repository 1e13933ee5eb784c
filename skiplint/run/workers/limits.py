"""How many processes there are, and how long and how much memory each may take."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

_SHARE = 0.9
"""The share of the machine's memory that a process may take; the system would kill one that took all."""
_WORKER_BYTES = 1 << 30
"""The memory that a worker is counted with when their number is chosen."""


@dataclass(frozen=True)
class Workers:
    """How many processes there are, and their limits."""

    jobs: int = 0
    """How many processes at most; 0 means as many as there are processors and memory for."""
    timeout: float = 0
    """Seconds that one item of a unit may take, and what comes before the first; 0 means any."""
    memory: int | None = None
    """Bytes that one process may allocate, on Linux; None means nine tenths of the machine's, 0 any."""
    fork: bool = sys.platform == "linux"
    """Fork the process that does the work from one that has imported torch, so that the next one after a
    crash is there at once."""
    aloud: bool = False
    """Show on stderr what the user's code prints, again for all arguments and inputs that are tried."""

    def count(self, units: int) -> int:
        """The number of processes to start for so many units of work."""
        if self.jobs:
            return max(1, min(self.jobs, units))
        total = total_memory()
        room = processors() if total is None else min(processors(), total // _WORKER_BYTES)
        return max(1, min(room, units))

    @property
    def memory_limit(self) -> int:
        """Bytes that one process may allocate; 0 where there is no limit."""
        if self.memory is not None:
            return self.memory
        total = total_memory()
        return 0 if total is None else int(total * _SHARE)


def processors() -> int:
    """The number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


def total_memory() -> int | None:
    """The bytes of memory of the machine or the container; None where that cannot be told."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            total = min(total, int(Path(name).read_text(encoding="ascii")))
        except (OSError, ValueError):  # No such group, or "max".
            continue
    return total if total > 0 else None
