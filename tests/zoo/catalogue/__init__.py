"""The models of the zoo, by family, each built when it is asked for."""

from __future__ import annotations

from functools import cache

from . import smp_models, timm_models, torchvision_models, transformers_models
from .model import Inputs, ZooModel

__all__ = ["Inputs", "ZooModel", "catalogue", "smp_models", "timm_models"]


@cache
def catalogue() -> tuple[ZooModel, ...]:
    """Every model, in a fixed order."""
    return (
        *torchvision_models.models(),
        *timm_models.models(),
        *transformers_models.models(),
        *smp_models.models(),
    )
