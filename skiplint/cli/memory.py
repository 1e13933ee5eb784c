"""``skiplint memory``: how much memory a model's activations take."""

from __future__ import annotations

from typing import Annotated

import typer

from skiplint.analysis.memory.resizing import Resizing
from skiplint.cli import budgets
from skiplint.cli.failures import UsageError
from skiplint.cli.isolation import RunOptions
from skiplint.cli.options import MODELS, ModelArguments, Targets, option
from skiplint.cli.view import ViewOptions, show
from skiplint.reporting.formats.console_memory import memory_tables
from skiplint.run.request import Request


def memory(
    targets: Targets,
    *,
    batch: Annotated[
        int | None,
        option(MODELS, "Batch size of the inputs.", min=1),
    ] = None,
    size: Annotated[
        str,
        option(
            MODELS,
            "Height and width of the inputs; one number for a square image or a sequence length.",
            metavar="H,W",
        ),
    ] = "",
    train: Annotated[
        bool | None,
        typer.Option(
            "--train/--infer",
            help="Show only what training saves (in training mode), or only the peak of inference.  "
            "[default: both, in evaluation mode]",
        ),
    ] = None,
    growth: Annotated[
        bool,
        typer.Option(
            "--growth",
            help="Also trace at other sizes, and show how memory grows with batch, resolution or length.",
        ),
    ] = False,
    memory_budget: budgets.MemoryBudget = "",
    optimizer: budgets.OptimizerOption = budgets.Optimizer.ADAM,
    model: ModelArguments,
    view: ViewOptions,
    run: RunOptions,
) -> None:
    """Show the memory of activations: peak in inference, saved for backward, and in concatenations.

    **Examples**

    `skiplint memory model.py:UNet --batch 8 --size 512,512`

    `skiplint memory torchvision.models:densenet121 --train`

    `skiplint memory model.py:UNet --batch 32 --memory-budget 16GiB`

    `skiplint memory model.py:UNet --growth`
    """
    request = Request(
        targets,
        resizing=Resizing(batch, _dimensions(size)),
        training=train is True,
        growth=growth,
        budget=budgets.parsed(memory_budget),
        optimizer=optimizer.value,
    )
    show(
        request,
        lambda report, style: memory_tables(
            report, style, inference=train is not True, training=train is not False
        ),
        model=model,
        view=view,
        run=run,
    )


def _dimensions(text: str) -> tuple[int, ...]:
    try:
        size = tuple(int(part) for part in text.lower().replace("x", ",").split(",")) if text else ()
    except ValueError:
        size = (0,)
    if any(each < 1 for each in size):
        raise UsageError(f"--size must be positive numbers such as 512,512 or 128, not {text!r}")
    return size
