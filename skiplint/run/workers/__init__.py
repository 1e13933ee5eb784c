"""Models run in worker processes, so that what one does to its process harms nothing else.

:class:`Workers` says how; :class:`Pool` gives units of work to processes that import torch once and survive
crashes, endless loops and huge allocations. Nothing here needs torch; the child process does.
"""

from skiplint.run.workers.limits import Workers
from skiplint.run.workers.messages import Unit
from skiplint.run.workers.pool import Pool, UnitResult, WorkerError

__all__ = ["Pool", "Unit", "UnitResult", "WorkerError", "Workers"]
