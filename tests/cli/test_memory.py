"""``skiplint memory`` and the inputs at another size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from skiplint.analysis.memory.resizing import ResizeError, Resizing, resize
from skiplint.reporting.formats.console_memory import sparkline
from tests.conftest import Run

UNET = """
import torch
from torch import nn
from torch.nn import functional as F

class UNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, 2, 1)
        self.drop, self.last = nn.Dropout(0.5), nn.Conv2d(8, 4, 1)

    def forward(self, x):
        skip = self.one(x)
        deep = self.drop(self.two(skip))
        return self.last(torch.cat([skip, F.interpolate(deep, scale_factor=2)], 1))

class Narrow(nn.Module):
    def __init__(self):
        super().__init__()
        self.only = nn.Linear(12, 3)

    def forward(self, x):
        return self.only(x.flatten(1))

if __name__ == "__main__":
    print(UNet()(torch.randn(1, 3, 32, 32)), Narrow()(torch.randn(1, 3, 2, 2)))
"""


@pytest.fixture
def unet(tmp_path: Path) -> str:
    (tmp_path / "unet.py").write_text(UNET)
    return "unet.py:UNet"


def memory_of(text: str) -> tuple[list[int], dict[str, Any]]:
    (model,) = json.loads(text)["models"]
    return model["inputs"][0]["shape"], model["memory"]


def test_console(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", unet)
    assert done.returncode == 0, done.stderr
    for part in ("peak in inference", "saved for backward", "live bytes", "█", "alive at the peak", "x1.0"):
        assert part in done.stdout
    assert "held over the peak by a skip" in done.stdout


def test_only_inference(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", unet, "--infer")
    assert "peak in inference" in done.stdout
    assert "saved for backward" not in done.stdout


def test_only_training(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", unet, "--train")
    assert done.returncode == 0, done.stderr
    assert "saved for backward" in done.stdout
    assert "live bytes" not in done.stdout


def test_exact_bytes_as_json_at_another_size(skiplint: Run, unet: str) -> None:
    words = ("--output-format", "json")
    shape, small = memory_of(skiplint("memory", unet, "--batch", "1", "--size", "32,32", *words).stdout)
    assert shape == [1, 3, 32, 32]
    # The first feature, what is upsampled to be joined with it, both in one, and what `low` names.
    assert small["peak_inference_bytes"] == 4 * 4 * (32 * 32 * (1 + 1 + 2) + 16 * 16)
    assert small["concat_allocated_bytes"] == 2 * 4 * 4 * 32 * 32
    shape, large = memory_of(skiplint("memory", unet, "--batch", "3", "--size", "64x64", *words).stdout)
    assert shape == [3, 3, 64, 64]
    for figure in ("peak_inference_bytes", "saved_for_backward_bytes", "concat_allocated_bytes"):
        assert large[figure] == 12 * small[figure]


def test_growth_in_words_and_in_json(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", unet, "--growth")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for part in (
        "peak in inference with batch^1.00, side^2.00",
        "saved for backward with batch^1.00, side^2.",
    ):
        assert part in text
    assert "0.0% off at batch 3" in text
    _, memory = memory_of(skiplint("memory", unet, "--growth", "--output-format", "json").stdout)
    side = memory["growth"]["side"]
    assert side["sizes"] == [32, 64, 128]
    assert side["checked_at"] == 96
    assert side["exponents"]["peak_inference"] == pytest.approx(2, abs=0.01)
    assert len(side["bytes"]["saved_for_backward"]) == 3


def test_a_budget(skiplint: Run, unet: str) -> None:
    words = ("--batch", "4", "--memory-budget", "2MiB")
    done = skiplint("memory", unet, *words)
    assert done.returncode == 0, done.stderr
    assert "training with batch 4 takes" in done.stdout
    shape, memory = memory_of(skiplint("memory", unet, *words, "--output-format", "json").stdout)
    budget = memory["budget"]
    assert shape[0] == budget["batch"] == 4
    parts = ("weight", "gradient", "optimizer", "activation", "input")
    assert budget["total_bytes"] == sum(budget[f"{part}_bytes"] for part in parts)
    assert budget["fits"] == (budget["largest_batch"] >= 4)
    assert budget["activation_bytes"] == memory["saved_for_backward_bytes"]


def test_check_with_a_budget(skiplint: Run, unet: str) -> None:
    done = skiplint("check", unet, "--memory-budget", "2MiB", "--batch", "64", "--select", "SKL1")
    assert done.returncode == 1, done.stderr
    text = " ".join(done.stdout.split())
    assert "error[SKL405 memory-budget] training with batch 64 takes" in text
    assert "the largest batch that fits is" in text
    assert "joins whose results take most: cat" in text
    fits = skiplint("check", unet, "--memory-budget", "2GiB", "--batch", "64", "--ignore", "SKL104")
    assert fits.returncode == 0


def test_a_budget_from_the_configuration(skiplint: Run, unet: str, tmp_path: Path) -> None:
    (tmp_path / "skiplint.toml").write_text(
        'ignore = ["SKL104"]\n[rules.memory-budget]\nbudget = "1MiB"\noptimizer = "sgd"\n'
    )
    assert skiplint("check", unet).returncode == 0
    assert "batch 64" in skiplint("check", unet, "--batch", "64").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--memory-budget", "lots"), "'lots' is no size in bytes"),
        (("--batch", "4"), "--batch and --optimizer go with --memory-budget"),
    ],
)
def test_not_a_budget(skiplint: Run, unet: str, words: tuple[str, ...], message: str) -> None:
    done = skiplint("check", unet, *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_budget_in_the_configuration_that_is_none(skiplint: Run, unet: str, tmp_path: Path) -> None:
    (tmp_path / "skiplint.toml").write_text('[rules.memory-budget]\nbudget = "lots"\n')
    done = skiplint("check", unet)
    assert done.returncode == 2
    assert "skiplint.toml" in done.stderr
    assert "'lots' is no size in bytes" in done.stderr


def test_a_size_at_which_the_model_does_not_run(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", "unet.py:Narrow", "--size", "5,5")
    assert done.returncode == 2
    assert "forward failed" in done.stderr
    assert "Traceback" not in done.stderr


def test_more_dimensions_than_there_are(skiplint: Run, unet: str) -> None:
    done = skiplint("memory", unet, "--size", "8,8,8,8")
    assert done.returncode == 2
    assert "--size gives 4 dimensions" in done.stderr


@pytest.mark.parametrize("size", ["0", "axb", "-4,4"])
def test_not_a_size(skiplint: Run, unet: str, size: str) -> None:
    done = skiplint("memory", unet, f"--size={size}")
    assert done.returncode == 2
    assert "--size must be positive numbers" in done.stderr


class TestResize:
    def test_image_and_mask_follow(self) -> None:
        image, mask = torch.randn(1, 3, 8, 8), torch.zeros(1, 8, 8)
        args, kwargs = resize((image,), {"mask": mask}, Resizing(4, (16, 24)))
        assert args[0].shape == (4, 3, 16, 24)
        assert kwargs["mask"].shape == (4, 16, 24)

    def test_one_number_is_a_square_image(self) -> None:
        assert resize((torch.randn(1, 3, 8, 8),), {}, Resizing(size=(16,)))[0][0].shape == (1, 3, 16, 16)

    def test_tokens_keep_their_values(self) -> None:
        ids = torch.tensor([[5, 6, 7]])
        (longer,), _ = resize((ids,), {}, Resizing(2, (5,)))
        assert longer.tolist() == [[5, 6, 7, 5, 6]] * 2

    def test_inside_containers(self) -> None:
        _, kwargs = resize((), {"batch": {"ids": torch.zeros(1, 4), "scale": torch.tensor(1.0)}}, Resizing(2))
        assert kwargs["batch"]["ids"].shape == (2, 4)
        assert kwargs["batch"]["scale"].shape == ()

    def test_on_the_meta_device(self) -> None:
        image = torch.empty(1, 3, 8, 8, device="meta")
        assert resize((image,), {}, Resizing(size=(4, 4)))[0][0].shape == (1, 3, 4, 4)

    def test_nothing_to_do(self) -> None:
        image = torch.randn(1, 3, 8, 8)
        assert resize((image,), {}, Resizing())[0][0] is image

    def test_too_many_dimensions(self) -> None:
        with pytest.raises(ResizeError, match="2 dimensions"):
            resize((torch.zeros(1, 4),), {}, Resizing(size=(2, 2)))


def test_sparkline() -> None:
    assert sparkline([1, 2, 4, 8], 4) == "▁▂▄█"
    assert sparkline(list(range(1000)), 10)[-1] == "█"
    assert len(sparkline(list(range(1000)), 10)) == 10
    assert sparkline([], 10) == sparkline([0, 0], 10) == ""
