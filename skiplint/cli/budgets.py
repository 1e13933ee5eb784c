"""``--memory-budget`` and what goes with it: options of the rule SKL405 and of ``skiplint memory``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import msgspec
import typer

from skiplint.analysis.memory.byte_sizes import parse_bytes
from skiplint.cli.failures import UsageError
from skiplint.linting.registry import Registry
from skiplint.settings.settings import Settings

CODE = "SKL405"
PANEL = "Memory budget"


class Optimizer(str, Enum):
    """What keeps numbers for every weight."""

    ADAM = "adam"
    SGD = "sgd"
    NONE = "none"


MemoryBudget = Annotated[
    str,
    typer.Option(
        "--memory-budget",
        metavar="BYTES",
        help="Whether training fits into this, such as 16GiB, and the largest batch that does.",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
Batch = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="Batch size to train with.  [default: that of the example inputs]",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]
OptimizerOption = Annotated[
    Optimizer,
    typer.Option(help="Adam keeps two numbers for every weight, SGD its momentum.", rich_help_panel=PANEL),
]
OptimizerChoice = Annotated[
    Optimizer | None,
    typer.Option(
        help="Adam keeps two numbers for every weight, SGD its momentum.  [default: adam]",
        show_default=False,
        rich_help_panel=PANEL,
    ),
]


@dataclass(frozen=True)
class BudgetOptions:
    """The memory that training has, and how it is done."""

    memory_budget: MemoryBudget = ""
    batch: Batch = None
    optimizer: OptimizerChoice = None


def parsed(text: str) -> int | None:
    """The bytes of ``--memory-budget``, None where it was not given.

    Raises:
        UsageError: it is no size.
    """
    if not text:
        return None
    try:
        return parse_bytes(text)
    except ValueError as error:
        raise UsageError(f"--memory-budget: {error}") from None


def with_budget(settings: Settings, registry: Registry, options: BudgetOptions) -> Settings:
    """``settings`` with the options of the rule about budgets, selected if there is a budget.

    Raises:
        UsageError: the budget is no size, there is none for the other options, or no such rule.
    """
    budget = options.memory_budget
    parsed(budget)
    given: dict[str, Any] = {
        name: value
        for name, value in (
            ("budget", budget),
            ("batch", options.batch),
            ("optimizer", options.optimizer.value if options.optimizer else None),
        )
        if value
    }
    if not given:
        return settings
    rule = registry.find(CODE)
    if rule is None:
        raise UsageError(f"--memory-budget needs the rule {CODE}, and no installed pack has it")
    key = next((key for key in settings.rules if registry.find(key) is rule), rule.name)
    table = {**settings.rules.get(key, {}), **given}
    if not table.get("budget"):
        raise UsageError("--batch and --optimizer go with --memory-budget")
    return msgspec.structs.replace(
        settings,
        rules={**settings.rules, key: table},
        extend_select=(*settings.extend_select, CODE) if budget else settings.extend_select,
    )
