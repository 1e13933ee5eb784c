"""What input contracts cost beside the rest of a check: the table in docs/contracts.md.

python benchmarks/contracts.py
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

import segmentation_models_pytorch as smp
import torch
import torchvision
from torch import nn

from skiplint import Analysis
from skiplint.analysis.contract.contract import contract_in_words
from skiplint.reporting.report import ModelReport
from skiplint.run.check import gathering_for
from skiplint.run.outcome import outcome_of
from skiplint.run.request import Request
from skiplint.settings.settings import Settings
from skiplint.tracing import Subject, trace

MODELS: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "resnet50": (torchvision.models.resnet50, 224),
    "vgg16": (torchvision.models.vgg16, 224),
    "densenet121": (torchvision.models.densenet121, 224),
    "swin_t": (torchvision.models.swin_t, 224),
    "vit_b_16": (torchvision.models.vit_b_16, 224),
    "smp Unet mobilenet_v2": (lambda: smp.Unet("mobilenet_v2", encoder_weights=None), 64),
    "smp UnetPlusPlus resnet18": (lambda: smp.UnetPlusPlus("resnet18", encoder_weights=None), 64),
}


def seconds(model: nn.Module, x: torch.Tensor, *, contracts: bool) -> tuple[float, float, Analysis]:
    start = time.process_time()
    graph = trace(model, x)
    traced = time.process_time() - start
    analysis = Analysis(graph, Subject(model, (x,), {}))
    report = ModelReport(target="model", name="model", status="traced")
    rules = gathering_for(Settings()).rules
    outcome_of(analysis, report, rules, Request(contract=contracts))
    return traced, time.process_time() - start, analysis


def main() -> None:
    warnings.filterwarnings("ignore")
    print("| model | trace | check | check with contract | forwards | contract |")
    print("|---|--:|--:|--:|--:|---|")
    for name, (build, size) in MODELS.items():
        with torch.device("meta"):
            model, x = build().eval(), torch.empty(1, 3, size, size)
        seconds(model, x, contracts=False)  # the first run also imports
        traced, plain, _ = seconds(model, x, contracts=False)
        _, full, analysis = seconds(model, x, contracts=True)
        contract = analysis.contract
        assert contract is not None
        print(
            f"| {name} | {traced:.2f} | {plain:.2f} | {full:.2f} | {contract.probes} | "
            f"{contract_in_words(contract)} |"
        )


if __name__ == "__main__":
    main()
