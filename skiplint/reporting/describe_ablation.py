"""An ablation as a part of the report."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from skiplint.reporting.sections import (
    AblationReport,
    AblationRow,
    AblationSeed,
    AblationSpread,
    LayerGradient,
    RowPaths,
)

if TYPE_CHECKING:
    from skiplint.analysis.ablation.ablation import Ablation, Row


def describe_ablation(found: Ablation) -> AblationReport:
    """The model with every skip, without each, without any, and over initialisations.

    Numbers that overflow are None.
    """
    return AblationReport(
        mode="training" if found.training else "evaluation",
        batch=found.batch,
        with_skips=_row(found.base, found.base),
        without_one=tuple(
            msgspec.structs.replace(
                _row(row, found.base), join_node=found.graph.operations[row.removed[0]].id, kind=skip.kind
            )
            for row, skip in zip(found.rows, found.skips, strict=True)
        ),
        without_any=_row(found.sequential, found.base) if found.sequential else None,
        seeds=tuple(
            AblationSeed(
                seed=each.seed,
                first_gradient=_number(each.first),
                first_gradient_without=_number(each.first_without),
                information=_number(each.information),
                information_without=_number(each.information_without),
            )
            for each in found.seeds
        ),
        spread=AblationSpread(
            with_skips=_spread(each.first for each in found.seeds),
            without_any=_spread(each.first_without for each in found.seeds),
        ),
        by_layer=_by_layer(found),
    )


def _row(row: Row, base: Row) -> AblationRow:
    joins = [index for index in row.removed if index in row.join_variance]
    before = [base.join_variance[index] for index in joins]
    after = [row.join_variance[index] for index in joins]
    return AblationRow(
        first_gradient=_number(row.first),
        last_gradient=_number(row.last),
        gradient_change=_ratio(row.first, base.first),
        profile=tuple(_number(each) for each in row.profile),
        join_variance_change=_ratio(after[-1], before[-1]) if joins else None,
        output_variance=_number(row.output_variance),
        output_variance_change=_ratio(row.output_variance, base.output_variance),
        information=_number(row.information),
        paths=_paths(row),
    )


def _paths(row: Row) -> RowPaths | None:
    if row.paths is None:
        return None
    return RowPaths(
        count=str(Decimal(row.paths["count"])),
        min=row.paths["min"],
        mean=_number(row.paths["mean"]),
        max=row.paths["max"],
    )


def _by_layer(found: Ablation) -> tuple[LayerGradient, ...]:
    """The gradient at every weighted layer, with and without skips, from input to output."""
    without = found.sequential.gradient if found.sequential else {}
    return tuple(
        LayerGradient(
            node=found.graph.operations[index].id,
            gradient=_number(norm),
            gradient_without=_number(without.get(index)),
        )
        for index, norm in found.base.gradient.items()
    )


def _spread(values: Iterable[float]) -> float | None:
    """The standard deviation of the logarithm to base 10: 1 is a factor of ten."""
    numbers = list(values)
    if len(numbers) < 2 or not all(0 < number < math.inf for number in numbers):
        return None
    logs = [math.log10(number) for number in numbers]
    mean = sum(logs) / len(logs)
    return _number((sum((log - mean) ** 2 for log in logs) / (len(logs) - 1)) ** 0.5)


def _ratio(value: float, base: float) -> float | None:
    return _number(value / base) if base else None


def _number(value: float | None) -> float | None:
    """``value`` to nine significant digits, on which different machines agree; None if not finite."""
    return None if value is None or not math.isfinite(value) else float(f"{value:.9g}")
