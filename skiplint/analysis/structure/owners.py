"""Which module owns an operation, told by the paths of modules."""

from __future__ import annotations

from skiplint.analysis.provider import TracedModel
from skiplint.graph import ModelGraph, Operation


def inside(module: str, owner: str) -> bool:
    """Whether ``module`` is ``owner`` or one of the modules below it."""
    return not owner or module == owner or module.startswith(f"{owner}.")


def common_owner(left: str, right: str) -> str:
    """The innermost module that both paths are inside."""
    shared: list[str] = []
    for one, other in zip(left.split("."), right.split("."), strict=False):
        if one != other:
            break
        shared.append(one)
    return ".".join(shared)


def parent(module: str) -> str:
    """The path of the module one level up, "" for the model itself."""
    return module.rpartition(".")[0]


class Owners:
    """For each operation the innermost module around it that has weighted layers: the block it belongs to."""

    def __init__(self, graph: ModelGraph) -> None:
        self._weighted: set[str] = {""}
        for operation in graph:
            path = operation.module
            while operation.weighted and path not in self._weighted:
                self._weighted.add(path)
                path = parent(path)

    @classmethod
    def compute(cls, analysis: TracedModel) -> Owners:
        """The owners in a traced model."""
        return cls(analysis.graph)

    def of(self, operation: Operation) -> str:
        """The path of the module that ``operation`` belongs to, "" for the model itself."""
        path = operation.module
        while path not in self._weighted:
            path = parent(path)
        return path
