"""Worker processes, so that what a model does to its process harms nothing else.

:class:`Pool` gives units of work to processes that are prepared once and survive crashes, endless loops and
huge allocations; :class:`Workers` holds their number and limits. What the work is comes from an entry point,
which is named to the process when it starts: nothing here knows of models, rules or torch.
"""

from skiplint.run.workers.deaths import ran_out_of_memory
from skiplint.run.workers.limits import Workers
from skiplint.run.workers.messages import Found, Item, Listener, Unit, Work, Working, whole
from skiplint.run.workers.pool import Completed, Happening, ItemDone, Lost, Pool, WorkerError

__all__ = [
    "Completed",
    "Found",
    "Happening",
    "Item",
    "ItemDone",
    "Listener",
    "Lost",
    "Pool",
    "Unit",
    "Work",
    "WorkerError",
    "Workers",
    "Working",
    "ran_out_of_memory",
    "whole",
]
