"""What the skip detection must find, derived without it."""

from __future__ import annotations

from torch import nn

from ..catalogue import ZooModel  # noqa: TID252 - the tests are no installed package
from . import smp_joins, timm_joins, torchvision_joins, transformers_joins
from .counts import Counts

__all__ = ["Counts", "expected"]


def expected(model: ZooModel, module: nn.Module) -> Counts | None:
    """Joins of ``module``, built from ``model``; None where they are not derived."""
    if model.family == "torchvision":
        return torchvision_joins.expected(module)
    if model.family == "timm":
        return timm_joins.expected(model.name, module)
    tables = {"transformers": transformers_joins.EXPECTED, "smp": smp_joins.EXPECTED}
    return tables[model.family].get(model.name)
