"""The inputs of a call that a project makes of its model, with values that fit in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.targets.evaluation.expressions import NotSimpleError
from skiplint.targets.records import Arguments, DemoCall

if TYPE_CHECKING:
    from torch import nn

_MOST_VALUES = 2**26
"""Values in the inputs of one call: 256 MB of float32."""


def evaluated(call: DemoCall, model: nn.Module) -> list[Arguments]:
    """The inputs that ``call`` passes to ``model``, best first; none where they cannot be computed.

    They are evaluated without values first: a batch of images takes no memory before its size is known.
    """
    import torch

    parameter = next(model.parameters(), None)
    if parameter is not None and parameter.device.type == "meta":
        try:
            with torch.device("meta"), torch.no_grad():
                sizes = sum(_values(arguments) for arguments in call.evaluate())
        except NotSimpleError:
            sizes = 0  # they depend on values
        if sizes > _MOST_VALUES:
            return []
    try:
        with torch.device("cpu"), torch.no_grad():
            return call.evaluate()
    except NotSimpleError:
        return []


def _values(arguments: Arguments) -> int:
    from torch import Tensor
    from torch.utils._pytree import tree_leaves

    leaves: list[Any] = tree_leaves(arguments)
    return sum(leaf.numel() for leaf in leaves if isinstance(leaf, Tensor))
