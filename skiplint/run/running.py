"""One model as it is looked at: built, given inputs, traced."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skiplint.analysis.analysis import Analysis
from skiplint.analysis.faults.origins import is_between_inputs
from skiplint.analysis.memory.resizing import Resizing, resize
from skiplint.run.request import Measuring

if TYPE_CHECKING:
    from torch import nn

    from skiplint.graph import ModelGraph
    from skiplint.targets import ExampleInputs, ModelTarget
    from skiplint.targets.records import Device
    from skiplint.tracing import Subject


@dataclass(frozen=True, slots=True)
class Running:
    """How to run the models that are looked at."""

    resizing: Resizing = field(default_factory=Resizing)
    """Changes of the example inputs."""
    training: bool = False
    """In training mode; else in evaluation mode."""
    measuring: Measuring = field(default_factory=Measuring)
    """What to find out besides."""
    among: frozenset[Path] | None = None
    """Real paths of the files to look at in folders; None for all."""


def trace_target(target: ModelTarget, running: Running) -> tuple[Analysis, ExampleInputs]:
    """Build, find inputs and trace: without memory for weights where that works, else with real ones."""
    from skiplint.targets import TargetError
    from skiplint.tracing import TraceError

    try:
        return _trace_on(target, "meta", running)
    except TraceError as error:
        if not error.needs_values:
            raise
    except TargetError as error:
        traced = _trace_attempt(target, error.attempt)
        if traced is None:
            raise
        return traced
    return _trace_on(target, "cpu", running)


def _trace_attempt(
    target: ModelTarget, inputs: ExampleInputs | None
) -> tuple[Analysis, ExampleInputs] | None:
    """Run the most promising inputs once with real weights: some kernels only refuse to run without."""
    from skiplint.targets import TargetError, build
    from skiplint.tracing import TraceError, trace_call

    if inputs is None:
        return None
    try:
        model = build(target, device="cpu").model
        with target.environment():
            graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    except (TargetError, TraceError):
        return None
    return Analysis(graph, _subject(target, model, inputs)), inputs


def _trace_on(target: ModelTarget, device: Device, running: Running) -> tuple[Analysis, ExampleInputs]:
    from skiplint.targets import TargetError, build, find_inputs
    from skiplint.targets.records import FailedRun
    from skiplint.tracing import dry_run, needs_values, recovered, trace_call

    model = build(target, device=device).model

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
            return Analysis(graph, _subject(target, model, inputs)), inputs
        resized = resize(inputs.args, inputs.kwargs, running.resizing)
        inputs = replace(inputs, args=resized[0], kwargs=resized[1])
        if running.training:
            model.train()
        graph = trace_call(model, inputs.args, inputs.kwargs, name=target.name)
    return Analysis(graph, _subject(target, model, inputs)), inputs


def _is_wrong_guess(graph: ModelGraph) -> bool:
    """Whether the model fails on the inferred inputs before anything but them has had a part in it."""
    return any(is_between_inputs(graph, fault) for fault in graph.faults)


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
