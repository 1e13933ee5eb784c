"""The callback in real runs of Lightning, under both of its names."""

from __future__ import annotations

import importlib
import logging
import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from skiplint.integrations.lightning import SkipConnectionError, SkiplintCallback
from skiplint.settings.settings import Settings

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def module_of(package: str, *, faulty: bool, example: Any = None) -> Any:
    """A LightningModule that adds its branch to itself if it is faulty, and to its input if not."""
    lightning = importlib.import_module(package)

    class Net(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)
            self.example_input_array = example
            self.steps = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.layer(x)
            return y + y if faulty else x + y

        def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
            self.steps += 1
            x = batch["x"] if isinstance(batch, dict) else batch[0]
            return self(x).square().mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.01)

    return Net()


def fit(package: str, module: Any, callback: SkiplintCallback, batches: Any = None) -> None:
    lightning = importlib.import_module(package)
    if batches is None:
        batches = DataLoader(TensorDataset(torch.zeros(4, 4), torch.zeros(4)), batch_size=2)
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[callback],
    )
    trainer.fit(module, batches)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_fault_stops_the_training_before_the_first_step(package: str) -> None:
    module = module_of(package, faulty=True, example=torch.zeros(2, 4))
    with pytest.raises(SkipConnectionError, match="SKL205 degenerate-skip") as caught:
        fit(package, module, SkiplintCallback(fail_on="warning"))
    assert module.steps == 0
    assert [finding.code for finding in caught.value.report.findings] == ["SKL205"]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_sound_module_is_trained(package: str) -> None:
    module, callback = module_of(package, faulty=False), SkiplintCallback(fail_on="warning")
    fit(package, module, callback)
    assert module.steps == 2
    assert callback.report is not None
    assert [skip.kind for skip in callback.report.models[0].skips] == ["additive"]
    assert callback.report.models[0].inputs[0].shape == (2, 4)


def test_below_fail_on_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    module = module_of(PACKAGES[0], faulty=True, example=torch.zeros(2, 4))
    with caplog.at_level(logging.INFO, logger="skiplint"):
        fit(PACKAGES[0], module, SkiplintCallback())
    assert module.steps == 2
    (record,) = [record for record in caplog.records if record.name == "skiplint"]
    assert record.levelname == "WARNING"
    assert record.getMessage().startswith("warning[SKL205 degenerate-skip]")


def test_settings_count() -> None:
    module = module_of(PACKAGES[0], faulty=True, example=torch.zeros(2, 4))
    callback = SkiplintCallback(fail_on="warning", settings=Settings(ignore=("SKL205",)))
    fit(PACKAGES[0], module, callback)
    assert callback.report is not None
    assert callback.report.findings == ()


@pytest.mark.parametrize("to_inputs", [None, lambda batch: batch["x"]])
def test_a_batch_with_names(to_inputs: Any) -> None:
    module = module_of(PACKAGES[0], faulty=True)
    with pytest.raises(SkipConnectionError):
        fit(
            PACKAGES[0],
            module,
            SkiplintCallback(fail_on="warning", batch_to_inputs=to_inputs),
            DataLoader([{"x": torch.zeros(4)}] * 2, batch_size=2),  # type: ignore[arg-type]
        )
    assert module.steps == 0


def test_training_is_the_same_with_it() -> None:
    """The trace leaves weights, buffers, gradients and the random state as they were."""
    ends = []
    for callbacks in (True, False):
        torch.manual_seed(0)
        module = module_of(PACKAGES[0], faulty=False)
        callback = SkiplintCallback()
        if not callbacks:
            callback.report = object()  # type: ignore[assignment]  # as if linted already
            callback.on_fit_start = lambda *_: None  # type: ignore[method-assign]
        fit(PACKAGES[0], module, callback)
        ends.append((module.layer.weight.detach().clone(), torch.rand(1)))
    assert torch.equal(ends[0][0], ends[1][0])
    assert torch.equal(ends[0][1], ends[1][1])


def test_a_severity_that_is_none() -> None:
    with pytest.raises(ValueError, match="never"):
        SkiplintCallback(fail_on="never")


def test_without_lightning() -> None:
    code = (
        "import sys\nsys.modules.update({'lightning': None, 'pytorch_lightning': None})\n"
        "try:\n    import skiplint.integrations.lightning\n"
        "except ModuleNotFoundError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "SkiplintCallback needs Lightning: pip install 'skiplint[lightning]'\n"
