"""``--memory-budget`` and what goes with it: for the rule that takes it and for ``skiplint memory``."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any

import msgspec
import typer

from skiplint.analysis.memory.byte_sizes import parse_bytes
from skiplint.cli.failures import UsageError
from skiplint.linting.registry import Registry
from skiplint.linting.rule import flags
from skiplint.settings.settings import Settings

FLAG = "--memory-budget"
PANEL = "Memory budget"
_OPTIMIZER = "Optimizer to count memory for: Adam keeps two numbers for every weight, SGD one."


class Optimizer(str, Enum):
    """The optimizer whose state is counted."""

    ADAM = "adam"
    SGD = "sgd"
    NONE = "none"


MemoryBudget = Annotated[
    str,
    typer.Option(
        FLAG,
        metavar="BYTES",
        help="Report whether training fits into this, such as 16GiB, and the largest batch that does.",
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
    typer.Option(help=_OPTIMIZER, rich_help_panel=PANEL),
]
OptimizerChoice = Annotated[
    Optimizer | None,
    typer.Option(
        help=f"{_OPTIMIZER}  [default: adam]",
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
        raise UsageError(f"{FLAG}: {error}") from None


def with_budget(settings: Settings, registry: Registry, options: BudgetOptions) -> Settings:
    """``settings`` with the options of the rule that takes ``--memory-budget``, selected if that is given.

    Raises:
        UsageError: the budget is no size, there is none for the other options, or no rule takes it.
    """
    budget = options.memory_budget
    parsed(budget)
    optimizer = options.optimizer.value if options.optimizer else None
    values = {FLAG: budget, "--batch": options.batch, "--optimizer": optimizer}
    if not any(values.values()):
        return settings
    rule = registry.taking(FLAG)
    if rule is None:
        raise UsageError(f"no rule of the installed packs takes {FLAG}")
    names = flags(rule)
    unknown = [flag for flag, value in values.items() if value and flag not in names]
    if unknown:
        raise UsageError(f"{rule.name} takes {FLAG}, but not {unknown[0]}")
    given: dict[str, Any] = {names[flag]: value for flag, value in values.items() if value}
    key = next((key for key in settings.rules if registry.find(key) is rule), rule.name)
    table = {**settings.rules.get(key, {}), **given}
    if not table.get(names[FLAG]):
        raise UsageError(f"--batch and --optimizer go with {FLAG}")
    return msgspec.structs.replace(
        settings,
        rules={**settings.rules, key: table},
        extend_select=(*settings.extend_select, rule.code) if budget else settings.extend_select,
    )
