"""The input contract of a model as a part of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skiplint.reporting.record import location_report
from skiplint.reporting.sections import (
    AcceptedSizes,
    ContractFailure,
    ContractReport,
    ContractSize,
    InputDimension,
)
from skiplint.sources.paths import absolute_place, shown_place

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.contract import Contract, Failure, Sizes
    from skiplint.graph import ModelGraph


def describe_contract(analysis: Analysis) -> ContractReport | None:
    """The sizes that the inputs may have, in words and figures; None where they are not known."""
    from skiplint.analysis.contract.contract import contract_in_words

    contract = analysis.contract
    if contract is None:
        return None
    return ContractReport(
        text=contract_in_words(contract),
        free=contract.free,
        sizes=_sizes(analysis.graph, contract),
        equal=tuple(contract.axes[number].axis.name for number in contract.equal),
        ones=contract.ones,
        together=contract.together,
        independent=contract.independent,
        batch=_accepted(contract.batch),
        failures=tuple(_failure(each) for each in contract.failures),
        probes=contract.probes,
    )


def _sizes(graph: ModelGraph, contract: Contract) -> tuple[ContractSize, ...]:
    return tuple(
        ContractSize(
            name=each.axis.name,
            dimensions=tuple(
                InputDimension(input=graph.inputs[number].name, dim=dim) for number, dim in each.axis.places
            ),
            example=each.axis.size,
            accepted=_accepted(each.sizes),
        )
        for each in contract.axes
    )


def _accepted(sizes: Sizes) -> AcceptedSizes:
    return AcceptedSizes(
        minimum=sizes.minimum,
        maximum=sizes.maximum,
        modulus=sizes.modulus,
        residues=tuple(sizes.residues),
        others=tuple(sizes.others),
        refused=tuple(sizes.refused),
    )


def _failure(failure: Failure) -> ContractFailure:
    place = failure.location
    return ContractFailure(
        inputs=failure.inputs,
        kind=failure.kind,
        node=failure.node,
        operands=failure.operands,
        location=None if place is None else location_report(shown_place(absolute_place(place))),
        message=failure.message,
    )
