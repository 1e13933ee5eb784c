"""Every model of the zoo traces, and its graph is sound.

The number of operations of each is recorded in ``operations.json``, for one release of each package; with
``ZOO_RECORD=1`` in the environment a run (of one process) writes there what it traced.
"""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import pytest
import timm

from skiplint.graph import ModelGraph
from skiplint.tracing import trace_call

from .building import build
from .catalogue import ZooModel, catalogue, timm_models

RECORD = Path(__file__).parent / "operations.json"

PACKAGES = {
    "torchvision": "torchvision",
    "timm": "timm",
    "transformers": "transformers",
    "smp": "segmentation-models-pytorch",
}

# Models whose size depends on what ran before in the same process, and why.
REMEMBERS: dict[str, str] = {
    "transformers:dinov3_vit": "keeps its patch coordinates in a cache of the module"
}

pytestmark = pytest.mark.filterwarnings("ignore")  # what the model packages deprecate

# Models that cannot be built or traced, and why. Empty: all can.
UNTRACEABLE: dict[str, str] = {}

# Outputs that do not depend on what goes in, and why.
CONSTANT_OUTPUTS: dict[str, dict[str, str]] = {
    "transformers:vit_mae": {
        "mask": "which patches are masked is drawn at random",
        "ids_restore": "the order of the patches is drawn at random",
    },
}


def cases(models: tuple[ZooModel, ...]) -> list[object]:
    """One parameter a model; those outside the quick part under the zoo's marker."""
    return [
        pytest.param(model, id=model.id, marks=() if model.quick else pytest.mark.zoo)
        for model in models
        if model.id not in UNTRACEABLE
    ]


def trace(model: ZooModel) -> ModelGraph:
    """The graph of one forward call of ``model``."""
    module, (args, kwargs) = build(model)
    return trace_call(module, args, dict(kwargs))


def unreached_outputs(graph: ModelGraph) -> set[str]:
    """Where in the model's result there are tensors that do not descend from an input."""
    reached: set[int] = set()
    for operation in graph:
        if operation.kind == "input" or any(operand.producer in reached for operand in operation.operands):
            reached.add(operation.index)
    return {
        operand.argument
        for operation in graph
        if operation.kind == "output"
        for operand in operation.operands
        if operand.producer not in reached
    }


@pytest.mark.parametrize("model", cases(catalogue()))
def test_traces(model: ZooModel) -> None:
    """The graph is acyclic, every output descends from an input, and its size is the recorded one."""
    graph = trace(model)

    assert [operation.index for operation in graph] == list(range(len(graph)))
    assert all(operand.producer < operation.index for operation in graph for operand in operation.operands)
    assert any(operation.kind == "output" for operation in graph)
    assert unreached_outputs(graph) == set(CONSTANT_OUTPUTS.get(model.id, {}))
    _check_size(model, sum(operation.kind == "call" for operation in graph))


def _check_size(model: ZooModel, operations: int) -> None:
    recorded: dict[str, dict[str, int]] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    package = f"{PACKAGES[model.family]} {version(PACKAGES[model.family])}"
    if os.environ.get("ZOO_RECORD"):
        _record(recorded, package, model.name, operations)
    elif package in recorded and model.id not in REMEMBERS:
        assert recorded[package].get(model.name) == operations, "run with ZOO_RECORD=1 if that is intended"


def _record(recorded: dict[str, dict[str, int]], package: str, name: str, operations: int) -> None:
    replaced = {key for key in recorded if key.split()[0] == package.split(maxsplit=1)[0] and key != package}
    kept = {key: value for key, value in recorded.items() if key not in replaced}
    kept.setdefault(package, {})[name] = operations
    RECORD.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")


def test_every_timm_module_is_represented() -> None:
    """The recorded release of timm has no architecture module without an entry."""
    recorded = json.loads(RECORD.read_text())
    if f"timm {version('timm')}" not in recorded:
        pytest.skip("another release of timm than the recorded one")
    assert set(timm.list_modules()) == set(timm_models.MODULES)


def test_names_are_unique() -> None:
    """Every table is keyed by the model's id."""
    ids = [model.id for model in catalogue()]
    assert len(ids) == len(set(ids))
