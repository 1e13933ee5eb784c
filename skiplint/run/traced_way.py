"""Building a model in one way and tracing it."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.analysis.faults.origins import is_at_first_layer, is_between_inputs
from skiplint.analysis.memory.resizing import resize
from skiplint.operators.families import Family

if TYPE_CHECKING:
    from torch import nn

    from skiplint.graph import ModelGraph, Operation
    from skiplint.run.request import Request
    from skiplint.targets import BuiltModel, ExampleInputs, ModelTarget
    from skiplint.targets.records import Device
    from skiplint.tracing import Subject


def traced_way(target: ModelTarget, request: Request) -> tuple[Analysis, ExampleInputs]:
    """Build ``target``, find inputs and trace it; without memory for weights where that works.

    Raises:
        TargetError: it cannot be built, or no inputs run.
        TraceError: its forward fails.
        ResizeError: the inputs cannot be resized as ``request`` asks.
    """
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch, about inputs that are only tried
        try:
            return _traced_on(target, "meta", request)
        except TraceError as error:
            if not error.needs_values:
                raise
        except TargetError as error:
            found = _traced_attempt(target, error.attempt)
            if found is None:
                raise
            return found
        return _traced_on(target, "cpu", request)


def _traced_attempt(
    target: ModelTarget, inputs: ExampleInputs | None
) -> tuple[Analysis, ExampleInputs] | None:
    """Run the most promising inputs once with real weights: some kernels only refuse to run without."""
    from skiplint.targets import TargetError, build
    from skiplint.tracing import TraceError, trace_call

    if inputs is None:
        return None
    try:
        built = build(target, device="cpu")
        model = built.model
        with target.environment():
            graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    except (TargetError, TraceError):
        return None
    return Analysis(graph, _subject(target, model, inputs)), _with_notes(inputs, built)


def _traced_on(target: ModelTarget, device: Device, request: Request) -> tuple[Analysis, ExampleInputs]:
    from skiplint.targets import TargetError, build, find_inputs
    from skiplint.targets.records import FailedRun
    from skiplint.tracing import dry_run, needs_values, recovered, trace_call

    built = build(target, device=device)
    model = built.model

    def runs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> FailedRun | None:
        error = dry_run(model, args, kwargs)
        return None if error is None else FailedRun(error, needs_values(error))

    with target.environment():
        try:
            inputs = find_inputs(model, target, config=target.config, runs=runs)
        except TargetError as error:
            if error.attempt is None:
                raise
            inputs = error.attempt
            graph = recovered(model, inputs.args, inputs.kwargs, name=target.name)
            if graph is None or (inputs.source == "inferred" and _is_wrong_guess(graph)):
                raise
            return Analysis(graph, _subject(target, model, inputs)), _with_notes(inputs, built)
        if (broken := inputs.broken) is not None:
            graph = recovered(model, broken.args, broken.kwargs, name=target.name)
            if graph is not None and _fails_by_itself(graph):
                return Analysis(graph, _subject(target, model, broken)), _with_notes(broken, built)
            inputs = replace(inputs, notes=(*inputs.notes, broken.why))
        resized = resize(inputs.args, inputs.kwargs, request.resizing)
        inputs = replace(inputs, args=resized[0], kwargs=resized[1])
        if request.training:
            model.train()
        graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    return Analysis(graph, _subject(target, model, inputs)), _with_notes(inputs, built)


def _with_notes(inputs: ExampleInputs, built: BuiltModel) -> ExampleInputs:
    return replace(inputs, notes=(*built.notes, *inputs.notes))


def is_weightless(graph: ModelGraph) -> bool:
    """Whether a traced forward has no weighted layer: a norm, a pooling, a loss, and no model.

    A layer that reads no input counts: a model may start from coordinates or queries that it holds.
    """
    is_whole = not graph.faults and not graph.ended_by
    return not graph.parameters or (is_whole and not any(map(_mixes_weights, graph)))


def _mixes_weights(operation: Operation) -> bool:
    is_layer = operation.op.takes_weights or operation.op.is_a(Family.CONTRACTION)
    return operation.weighted or (is_layer and bool(operation.parameters))


def _is_wrong_guess(graph: ModelGraph) -> bool:
    """Whether the model fails on the inferred inputs before more than a first layer has had a part in it."""
    return any(is_between_inputs(graph, fault) or is_at_first_layer(graph, fault) for fault in graph.faults)


def _fails_by_itself(graph: ModelGraph) -> bool:
    """Whether the first fault is between values of the model's own, not between a layer and the inputs.

    Else the call may be of a model that is constructed in another way.
    """
    return graph.faults[0].kind == "join" and not _is_wrong_guess(graph)


def _subject(target: ModelTarget, model: nn.Module, inputs: ExampleInputs) -> Subject:
    """The live model, for analyses that run it again; built with real weights only where one asks."""
    from skiplint.targets import build
    from skiplint.tracing import Subject

    return Subject(
        model,
        inputs.args,
        inputs.kwargs,
        name=target.name,
        realise=lambda seed: build(target, device="cpu", seed=seed).model,
        environment=target.environment,
    )
