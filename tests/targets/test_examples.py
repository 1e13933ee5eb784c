"""The example files are found, and run or fail as their docstrings say."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint.targets import ExampleInputs, ModelTarget, TargetError, build, find_inputs, resolve
from tests.targets.conftest import trial

EXAMPLES = Path(__file__).parents[2] / "examples"


def inputs(target: ModelTarget) -> ExampleInputs:
    model = build(target).model
    return find_inputs(model, target, runs=trial(model))


@pytest.mark.parametrize(
    ("name", "models", "shape", "source"),
    [
        ("unet.py", ["UNet"], [1, 3, 256, 256], "demo"),
        ("resnet_cifar.py", ["resnet20", "resnet56"], [1, 3, 32, 32], "inferred"),
        ("highway.py", ["HighwayNetwork"], [1, 1, 28, 28], "inferred"),
        ("transformer.py", ["LanguageModel"], [1, 16], "inferred"),
    ],
)
def test_an_example_needs_no_configuration(
    name: str, models: list[str], shape: list[int], source: str
) -> None:
    found = resolve(str(EXAMPLES / name))
    assert [item.name for item in found] == models
    for item in found:
        assert isinstance(item, ModelTarget)
        chosen = inputs(item)
        assert (list(chosen.args[0].shape), chosen.source) == (shape, source)


def test_the_broken_example_says_where_it_breaks() -> None:
    (target,) = resolve(str(EXAMPLES / "mismatched_unet.py"))
    assert isinstance(target, ModelTarget)
    with pytest.raises(TargetError, match=r"mismatched_unet\.py:38") as raised:
        inputs(target)
    assert raised.value.attempt is not None
    assert list(raised.value.attempt.args[0].shape) == [1, 3, 224, 224]
