"""Estimated against measured memory of real models, as the table in docs/memory.md.

Run it from the root of the repository: ``python -m benchmarks.memory_table [part of a name ...]``.
"""

from __future__ import annotations

import sys
import warnings

import torch

from skiplint import analyze
from tests.analysis.memory.memory_measuring import MODELS, MeasuredModel, peak_bytes, saved_bytes


def row(measured: MeasuredModel) -> str:
    model, args, kwargs = measured.build()
    peak = analyze(model.eval(), *args, **kwargs).memory.peak.nbytes
    real_peak = peak_bytes(model, args, kwargs)
    model.train()
    torch.manual_seed(1)  # stochastic depth drops the same blocks in both runs
    saved = analyze(model, *args, **kwargs).memory.saved.nbytes
    torch.manual_seed(1)
    real_saved = saved_bytes(model, args, kwargs)
    cells = [
        measured.id,
        *(f"{number:,}" for number in (real_saved, saved)),
        f"{saved / real_saved - 1:+.2%}",
        *(f"{number:,}" for number in (real_peak, peak)),
        f"{peak / real_peak - 1:+.2%}",
    ]
    return f"| {' | '.join(cells)} |"


def main(parts: list[str]) -> None:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print("| model | saved, measured | estimated | off by | peak, measured | estimated | off by |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for measured in MODELS:
        if not parts or any(part in measured.id for part in parts):
            print(row(measured), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
