"""``torch.distributed`` in one process: whoever asks for the process group gets one of this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any


@contextmanager
def one_process() -> Iterator[None]:
    """Inside, the default process group is made when it is first asked for; it is gone afterwards.

    It uses no network. A group that is there already is left alone.
    """
    from torch import distributed, nn

    if not distributed.is_available() or distributed.is_initialized():
        yield
        return
    c10d: Any = distributed.distributed_c10d
    start, default_group = distributed.init_process_group, c10d._get_default_group
    store: Any = distributed.HashStore  # type: ignore[attr-defined]
    forward = nn.SyncBatchNorm.forward

    def started(*_: Any, **__: Any) -> None:
        if not distributed.is_initialized():
            start("gloo", store=store(), rank=0, world_size=1)

    def group() -> Any:
        started()
        return default_group()

    def unsynchronised(self: nn.SyncBatchNorm, data: Any) -> Any:
        # It refuses any device but a GPU if there is a group, even one of a single process.
        with _replaced((distributed, "is_initialized", lambda: False)):
            return forward(self, data)

    try:
        with _replaced(
            (distributed, "init_process_group", started),
            (c10d, "init_process_group", started),
            (c10d, "_get_default_group", group),
            (nn.SyncBatchNorm, "forward", unsynchronised),
        ):
            yield
    finally:
        if distributed.is_initialized():
            distributed.destroy_process_group()


@contextmanager
def _replaced(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    with ExitStack() as stack:
        for owner, name, value in changes:
            stack.callback(setattr, owner, name, getattr(owner, name))
            setattr(owner, name, value)
        yield
