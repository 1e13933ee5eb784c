"""Tracing a call of a model: the backends in order, one record, one graph."""

from __future__ import annotations

import inspect
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from types import CodeType
from typing import Any, TypeVar

from torch import Tensor, nn

from skiplint.graph import BUILT_AT, Backend, InputInfo, Location, ModelGraph, ModuleInfo, OperationKind
from skiplint.tracing.execution.autocast import AutocastWithoutDeviceError
from skiplint.tracing.execution.backends import ORDER, asks_for_grad, prepared
from skiplint.tracing.execution.cost import Bounded
from skiplint.tracing.execution.errors import TraceError, one_line, user_place, verbose_text
from skiplint.tracing.execution.limits import needs_values
from skiplint.tracing.execution.strict import Strict
from skiplint.tracing.recording.fx_graph import builder
from skiplint.tracing.recording.lift import lift
from skiplint.tracing.recording.modes import DispatchMode, FunctionMode
from skiplint.tracing.recording.recorder import Observer, Recorder
from skiplint.tracing.recording.scopes import ScopeStack, class_name
from skiplint.tracing.recording.sources import FrameReader
from skiplint.tracing.recording.trees import named_inputs, walk
from skiplint.tracing.recovery.recurrent import unchecked

T = TypeVar("T")


def trace(model: nn.Module, /, *args: Any, **kwargs: Any) -> ModelGraph:
    """Trace ``model(*args, **kwargs)`` into a graph.

    Raises:
        TraceError: the forward did not run on any backend.
    """
    return trace_call(model, args, kwargs)


def trace_call(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    name: str | None = None,
    backends: Sequence[Backend] | None = None,
    recover: bool = False,
) -> ModelGraph:
    """Trace ``model(*args, **kwargs)`` on the first of ``backends`` that can run it.

    The model, its inputs and the random state are as before when this returns.

    Args:
        model: the model.
        args: its positional inputs.
        kwargs: its keyword inputs.
        name: of the graph; None means the class of the model.
        backends: tried in this order; None means :data:`~skiplint.tracing.execution.backends.ORDER`.
        recover: put calls that fail on shapes among the graph's ``faults`` and continue with the shapes that
            they were evidently meant to give.

    Raises:
        TraceError: no backend could run the forward; the message is of the most faithful one.
    """
    model = _unwrapped(model)
    title = name or type(model).__name__
    graph, errors = _first_that_runs(
        backends or ORDER, lambda backend, grad: _trace_on(backend, model, args, kwargs, title, grad, recover)
    )
    if graph is None:
        raise _trace_error(errors, model) from _faithful(errors)
    return graph


def observe_call(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    observer: Observer,
    *,
    name: str | None = None,
    keep: list[Tensor] | None = None,
    seed: int = 0,
) -> ModelGraph:
    """Trace a call on real values with gradients; ``observer`` runs the calls that are recorded.

    Args:
        model: the model.
        args: its positional inputs.
        kwargs: its keyword inputs.
        observer: runs the calls.
        name: of the graph; None means the class of the model.
        keep: gets the tensors that the model returns, one for each operand of the graph's output.
        seed: of the random numbers that the forward draws.

    Raises:
        TraceError: the forward fails.
    """
    model = _unwrapped(model)
    title = name or type(model).__name__
    try:
        return _trace_on("eager", model, args, kwargs, title, True, False, observer, keep, seed)
    except Exception as error:
        raise _trace_error([error], model) from error


def recovered(
    model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], *, name: str | None = None
) -> ModelGraph | None:
    """The graph of a forward that fails on shapes, with its faults; None if it fails on anything else.

    Args:
        model: the model, called as ``model(*args, **kwargs)``.
        args: positional arguments of its forward.
        kwargs: keyword arguments of its forward.
        name: the graph's name; the class of the model by default.
    """
    try:
        graph = trace_call(model, args, kwargs, name=name, recover=True)
    except TraceError:
        return None
    return graph if graph.faults else None


def trace_or_recover(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> ModelGraph:
    """Trace a call; one that fails on shapes gives a graph with faults.

    Raises:
        TraceError: the forward fails on something else.
    """
    try:
        return trace_call(model, args, kwargs)
    except TraceError:
        graph = recovered(model, args, kwargs)
        if graph is None:
            raise
        return graph


def dry_run(
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    *,
    backends: Sequence[Backend] = ORDER,
) -> Exception | None:
    """The error of ``model(*args, **kwargs)``, run without recording; None if it ran.

    Args:
        model: the model to call.
        args: positional arguments of its forward.
        kwargs: keyword arguments of its forward.
        backends: tried in this order until one runs the forward.
    """
    model = _unwrapped(model)

    def run(backend: Backend, grad: bool) -> bool:
        checks = Bounded() if backend == "eager" else Strict()
        with prepared(backend, model, args, kwargs, grad=grad) as (ready, ready_args, ready_kwargs), checks:
            ready(*ready_args, **ready_kwargs)
        return True

    ran, errors = _first_that_runs(backends, run, until=_settled)
    return None if ran else _faithful(errors)


def _first_that_runs(
    backends: Sequence[Backend],
    run: Callable[[Backend, bool], T],
    until: Callable[[list[Exception]], bool] = lambda _: False,
) -> tuple[T | None, list[Exception]]:
    """The first result of ``run(backend, grad)``, or None and what went wrong on each backend.

    No further backend is tried once ``until(errors)`` is true.
    """
    errors: list[Exception] = []
    for backend in backends:
        for grad in (False, True):
            try:
                return run(backend, grad), errors
            except MemoryError as error:
                # Another backend would fill the memory again. What the frames hold must be freed.
                traceback.clear_frames(error.__traceback__)
                raise
            except Exception as error:
                errors.append(error)
                if not asks_for_grad(error):
                    break
        if until(errors):
            break
    return None, errors


def _unwrapped(model: nn.Module) -> nn.Module:
    while isinstance(model, (nn.DataParallel, nn.parallel.DistributedDataParallel)):
        model = model.module
    return model


def _trace_on(
    backend: Backend,
    model: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    name: str,
    grad: bool,
    recover: bool,
    observer: Observer | None = None,
    keep: list[Tensor] | None = None,
    seed: int = 0,
) -> ModelGraph:
    start = time.perf_counter()
    with prepared(backend, model, args, kwargs, grad=grad, seed=seed) as (ready, ready_args, ready_kwargs):
        scopes = ScopeStack(ready)
        package = type(ready).__module__.partition(".")[0]
        frames = FrameReader(package, _run.__code__)
        recorder = Recorder(scopes, frames, _registered(ready), recover=recover, observer=observer)
        inputs = _unique(named_inputs(ready.forward, ready_args, ready_kwargs))
        for path, tensor in inputs:
            recorder.add_input(path, tensor)
        checks = unchecked(ready) if recover else nullcontext()
        with (
            checks,
            scopes.watching(),
            FunctionMode(recorder, on_meta=backend == "meta"),
            DispatchMode(recorder),
        ):
            result, ended_by = _result(recorder, ready, ready_args, ready_kwargs)
        alive_until = dict(recorder.alive_until)
        returned = list(walk(result))
        recorder.add_output(returned)
        if keep is not None:
            keep.extend(tensor for _, tensor in returned)
        modules = _modules(ready)
        count = sum({id(p): p.numel() for p in ready.parameters()}.values())
    operations = lift(recorder.records)
    specs = [operation.outputs[0] for operation in operations if operation.kind == "input"]
    return ModelGraph(
        name=name,
        operations=operations,
        modules=modules,
        inputs=tuple(InputInfo(path, spec) for (path, _), spec in zip(inputs, specs, strict=True)),
        parameters=count,
        backend=backend,
        training=model.training,
        alive_until=alive_until,
        faults=tuple(recorder.faults),
        ended_by=ended_by,
        seconds=time.perf_counter() - start,
        fx_builder=builder(recorder.records, operations),
    )


def _result(
    recorder: Recorder, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, str]:
    """What the forward returns; None and the error, if it failed after faults that can be reported."""
    try:
        return _run(model, args, kwargs), ""
    except Exception as error:
        if not recorder.faults or isinstance(error, AutocastWithoutDeviceError):
            raise
        place = user_place(error.__traceback__)
        return None, f"{place}: {one_line(error)}" if place else one_line(error)


def _run(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The frame below which no frame is the user's."""
    return model(*args, **kwargs)


def _unique(inputs: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    """One entry a tensor: the same tensor passed twice is one input."""
    seen: set[int] = set()
    return [(path, t) for path, t in inputs if not (id(t) in seen or seen.add(id(t)))]  # type: ignore[func-returns-value]


def _registered(model: nn.Module) -> Mapping[int, tuple[OperationKind, str]]:
    names: dict[int, tuple[OperationKind, str]] = {}
    for name, parameter in model.named_parameters():
        names.setdefault(id(parameter), ("parameter", name))
    for name, buffer in model.named_buffers():
        names.setdefault(id(buffer), ("buffer", name))
    return names


def _modules(model: nn.Module) -> dict[str, ModuleInfo]:
    places = {cls: class_location(cls) for cls in {type(module): None for module in model.modules()}}
    return {
        path: ModuleInfo(
            path,
            class_name(module),
            sum(parameter.numel() for parameter in module.parameters(recurse=False)),
            module.training,
            places[type(module)],
            module.__dict__.get(BUILT_AT),
        )
        for path, module in model.named_modules()
    }


def class_location(cls: type) -> Location | None:
    """Where ``cls`` is written, None for a class without a source file.

    Before Python 3.13 a class does not know its line: then it is that of a method, or looked up in the
    source where the class has none.
    """
    first = getattr(cls, "__firstlineno__", None)  # Python 3.13 and newer
    code = next(_own_code(cls), None)
    if code is not None:
        return Location(code.co_filename, first or code.co_firstlineno, None, cls.__qualname__)
    try:
        path, line = inspect.getsourcefile(cls), first or inspect.getsourcelines(cls)[1]
    except (OSError, TypeError):
        return None  # typed into a prompt, or made at run time
    return Location(path, line, None, cls.__qualname__) if path else None


def _own_code(cls: type) -> Iterator[CodeType]:
    """The code of methods that are written in the body of ``cls``, its forward first."""
    for method in (cls.__dict__.get("forward"), *cls.__dict__.values()):
        if not inspect.isfunction(method):
            continue
        name, code = method.__qualname__, getattr(inspect.unwrap(method), "__code__", None)
        # A function that was only assigned here is written elsewhere, a generated one nowhere.
        own = name.startswith(f"{cls.__qualname__}.")
        if own and isinstance(code, CodeType) and not code.co_filename.startswith("<"):
            yield code


def _settled(errors: list[Exception]) -> bool:
    """Whether two backends fail with the same error of the model's own, so that another one would too."""
    if len(errors) < 2 or any(map(needs_values, errors[-2:])):
        return False
    before, last = errors[-2:]
    same_place = user_place(before.__traceback__) == user_place(last.__traceback__)
    return type(before) is type(last) and same_place


def _faithful(errors: list[Exception]) -> Exception:
    """The last error that does not come from running without values, if there is one; else the last."""
    own = [error for error in errors if not needs_values(error)]
    return (own or errors)[-1]


def _trace_error(errors: list[Exception], model: nn.Module) -> TraceError:
    on_meta = any(parameter.is_meta for parameter in model.parameters())
    # The error of the eager backend only says that the model has no weights.
    chosen = _faithful(errors[:-1] if on_meta and len(errors) > 1 else errors)
    place = user_place(chosen.__traceback__)
    where = f" at {place}" if place else ""
    message = f"{type(model).__name__}.forward failed{where}: {one_line(chosen)}"
    return TraceError(message, verbose=verbose_text(chosen), needs_values=on_meta)
