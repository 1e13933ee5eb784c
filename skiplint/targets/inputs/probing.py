"""Find the first layer that each input reaches, by running forward once with marked tensors.

The marks are passed on through views, arithmetic and pooling to the first layer with weights. There the input
is replaced by one that fits the layer, so that forward goes on to the layers of the other inputs. Any control
flow works, since the real forward runs. Imported only while inputs are searched.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from skiplint.operators import Family, Op, op_of
from skiplint.operators.names import is_query
from skiplint.targets.inputs.layers import (
    Mark,
    Use,
    describe_use,
    fitting,
    functional_use,
    is_layer,
    module_use,
)

_MARK = "_skiplint_mark"


@dataclass
class Probe:
    """What one run has shown of the inputs."""

    uses: dict[str, Use] = field(default_factory=dict)
    keys: dict[str, list[str]] = field(default_factory=dict)
    """Inputs that were indexed by strings: they are dictionaries."""
    last_shape: str | None = None
    """The input whose shape was read last, which an error in unpacking a shape is about."""
    added: int = 0
    """The number of dimensions that were added to it before."""
    operations: int = 0
    error: BaseException | None = None


def probe(model: nn.Module, args: list[Any], kwargs: dict[str, Any]) -> Probe:
    """Run ``model`` once on marked inputs (see :func:`mark`) and return what each reached."""
    seen = Probe()
    handles = [
        module.register_forward_pre_hook(_layer_hook(seen, name), with_kwargs=True)
        for name, module in model.named_modules()
        if is_layer(module)
    ]
    try:
        with torch.no_grad(), warnings.catch_warnings(), _Watch(seen):
            warnings.simplefilter("ignore")
            model(*args, **kwargs)
    except (Exception, SystemExit) as error:
        seen.error = error
    finally:
        for handle in handles:
            handle.remove()
    return seen


def operations_before_failure(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """Return the number of torch operations that run before forward returns or raises."""
    return probe(model, list(args), kwargs).operations


def mark(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """Mark ``tensor`` as the input called ``name``, and return it."""
    setattr(tensor, _MARK, Mark((name,), rank=tensor.dim()))
    return tensor


def _mark_of(value: Any) -> Mark | None:
    return getattr(value, _MARK, None) if isinstance(value, torch.Tensor) else None


class _Watch(TorchFunctionMode):
    """Passes marks from operands to results, and notes layers that are called as functions."""

    def __init__(self, seen: Probe) -> None:
        super().__init__()
        self._seen = seen

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        name, op = getattr(func, "__name__", ""), _op_of(func)
        marks = [found for value in tree_leaves((args, kwargs)) if (found := _mark_of(value))]
        if not marks:
            result = func(*args, **kwargs)
            self._seen.operations += 1
            return result
        if name == "__get__" or is_query(name, is_property=False):
            self._seen.last_shape = marks[0].names[0]
            asked = next(value for value in tree_leaves((args, kwargs)) if _mark_of(value))
            self._seen.added = 0 if marks[0].reshaped else asked.dim() - marks[0].rank
        if op.is_a(Family.INDEXED) and len(args) > 1 and isinstance(args[1], str):
            return self._entry(args[0], args[1])
        carried = _carried(op, marks, args, kwargs)
        weight = next((v for v in tree_leaves((args, kwargs)) if isinstance(v, nn.Parameter)), None)
        fitted = self._fitted(op, args, weight, carried)
        if fitted is not None:
            return func(*fitted, **kwargs)
        try:
            result = func(*args, **kwargs)
        except (RuntimeError, ValueError):
            result = self._instead(op, args, weight, carried)
            if result is None:
                raise
        self._seen.operations += 1
        return _pass_on(result, carried)

    def _entry(self, owner: torch.Tensor, key: str) -> torch.Tensor:
        found = _mark_of(owner)
        assert found is not None
        keys = self._seen.keys.setdefault(found.names[0], [])
        if key not in keys:
            keys.append(key)
        return mark(owner.new_empty(owner.shape), f"{found.names[0]}[{key}]")

    def _fitted(
        self, op: Op, args: tuple[Any, ...], weight: torch.Tensor | None, carried: Mark
    ) -> list[Any] | None:
        """The arguments of a layer called as a function, with an input that fits its weight; else None."""
        index = next((i for i, value in enumerate(args) if _mark_of(value)), None)
        if index is None or weight is None:
            return None
        use = functional_use(op, args[index], weight, index, carried)
        if use is None:
            return None
        self._note(carried, use)
        return [*args[:index], fitting(args[index], use), *args[index + 1 :]]

    def _instead(
        self, op: Op, args: tuple[Any, ...], weight: torch.Tensor | None, carried: Mark
    ) -> torch.Tensor | None:
        """A tensor in place of the result of a call that failed because of the input's shape."""
        value = next((value for value in args if _mark_of(value)), None)
        if weight is not None and weight.dim() >= 2 and value is not None:
            use = describe_use(
                Family.BROADCASTING,
                op.name,
                weight.shape[-1],
                value,
                carried,
                weight,
                shape=tuple(weight.shape),
            )
            self._note(carried, use)
            return weight.new_empty(weight.shape)
        if op.is_a(Family.CONCATENATION) and not op.is_a(Family.STACK) and carried.extra:
            return _joined_anyway(args, carried.extra)
        return _reshaped_anyway(op, args)

    def _note(self, carried: Mark, use: Use) -> None:
        for name in carried.names:
            self._seen.uses.setdefault(name, use)


def _op_of(func: Any) -> Op:
    """What is known of a function, or of a property that is read."""
    name = getattr(func, "__name__", "")
    return op_of(getattr(getattr(func, "__self__", None), "__name__", "") if name == "__get__" else name)


def _layer_hook(seen: Probe, path: str) -> Callable[..., Any]:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        new_args, new_kwargs = list(args), dict(kwargs)
        changed = False
        places: list[tuple[Any, Any]] = [*enumerate(args), *kwargs.items()]
        for key, value in places:
            found = _mark_of(value)
            use = module_use(module, path, value, found, key) if found else None
            if found is None or use is None:
                continue
            for name in found.names:
                seen.uses.setdefault(name, use)
            (new_args if isinstance(key, int) else new_kwargs)[key] = fitting(value, use)
            changed = True
        return (tuple(new_args), new_kwargs) if changed else None

    return hook


def _carried(op: Op, marks: list[Mark], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Mark:
    first = marks[0]
    names = tuple(dict.fromkeys(item for found in marks for item in found.names))
    dimension = kwargs.get("dim", args[1] if len(args) > 1 else 0)
    joins = op.is_a(Family.CONCATENATION) and dimension != 0
    others = _unmarked_size(args[0], dimension) if joins and not op.is_a(Family.STACK) and args else 0
    reshapes = op.is_a(Family.RESHAPE, Family.UNFOLDING) and not op.is_a(Family.UNIT_AXES)
    return replace(
        first,
        names=names,
        reshaped=any(found.reshaped for found in marks) or reshapes,
        transposed=any(found.transposed for found in marks) or op.is_a(Family.AXIS_MOVE, Family.SUBSCRIPTED),
        concatenated=any(found.concatenated for found in marks) or joins,
        extra=first.extra + others,
    )


def _unmarked_size(operands: Any, dimension: int) -> int:
    """The total size, along the dimension of a concatenation, of its unmarked operands."""
    if not isinstance(operands, list | tuple):
        return 0
    others = [value for value in operands if isinstance(value, torch.Tensor) and _mark_of(value) is None]
    return sum(int(value.shape[dimension]) for value in others if -value.dim() <= dimension < value.dim())


def _pass_on(result: Any, carried: Mark) -> Any:
    for value in tree_leaves(result):
        if isinstance(value, torch.Tensor):
            with contextlib.suppress(AttributeError):  # a subclass may refuse attributes
                setattr(value, _MARK, carried)
    return result


def _joined_anyway(args: tuple[Any, ...], extra: int) -> torch.Tensor:
    """In place of a concatenation that fails: a tensor of the other operands and one channel of the input."""
    other = next(value for value in args[0] if _mark_of(value) is None)
    shape = list(other.shape)
    shape[args[1] if len(args) > 1 and isinstance(args[1], int) else -1] = extra + 1
    return other.new_empty(shape)  # type: ignore[no-any-return]


def _reshaped_anyway(op: Op, args: tuple[Any, ...]) -> torch.Tensor | None:
    """In place of a reshape that fails: a tensor of the shape that was asked for."""
    if not op.is_a(Family.SIZED_RESHAPE) or len(args) < 2:
        return None
    sizes = args[1] if isinstance(args[1], list | tuple) else args[1:]
    if not all(isinstance(size, int) for size in sizes):
        return None
    return args[0].new_empty([1 if size == -1 else size for size in sizes])  # type: ignore[no-any-return]
