"""``skiplint ablate``: what a model loses without each of its skips."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint.analysis.ablation.options import AblationOptions
from skiplint.cli.isolation import RunOptions
from skiplint.cli.options import MODELS, ModelArguments, Targets, option
from skiplint.cli.view import ViewOptions, show
from skiplint.reporting.formats.console_ablation import ablation_tables
from skiplint.run.request import Request


def ablate(
    targets: Targets,
    *,
    model: ModelArguments,
    seeds: Annotated[
        int,
        typer.Option(min=0, help="Number of initialisations to compare the model with and without skips on."),
    ] = 3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    batch: Annotated[int, option(MODELS, "Batch size of the inputs.", min=1)] = 8,
    view: ViewOptions,
    run: RunOptions,
) -> None:
    """Run a model without each of its skips, and without all of them.

    Shows the effect on the gradient of the first layers, on the variance of the signal, on how well inputs
    can be told apart, and on the paths. Each row takes a forward and a backward pass with real weights.
    `--verbose` shows every skip by itself.

    **Examples**

    `skiplint ablate model.py:Net`

    `skiplint ablate torchvision.models:resnet50 --seeds 10 --output-format json`
    """
    request = Request(targets, ablation=AblationOptions(seeds=seeds, seed=seed, batch=batch))
    show(request, ablation_tables, model=model, view=view, run=run)
