"""The input contract of one model in the terms of the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.linting.finding import location_dict
from skiplint.sources.paths import absolute_place, shown_place

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis
    from skiplint.analysis.contract import Contract, Failure, Sizes
    from skiplint.graph import Location, ModelGraph


def describe_contract(analysis: Analysis) -> dict[str, Any] | None:
    """What the sizes of the inputs may be, in words and figures; None where it is not known."""
    from skiplint.analysis.contract.words import contract_in_words

    contract = analysis.contract
    if contract is None:
        return None
    return {
        "text": contract_in_words(contract),
        "free": contract.free,
        "sizes": _axes(analysis.graph, contract),
        "equal": [contract.axes[number].axis.name for number in contract.equal],
        "ones": contract.ones,
        "together": list(contract.together),
        "independent": contract.independent,
        "batch": _figures(contract.batch),
        "failures": [_failure(each) for each in contract.failures],
        "probes": contract.probes,
    }


def _axes(graph: ModelGraph, contract: Contract) -> list[dict[str, Any]]:
    return [
        {
            "name": each.axis.name,
            "dimensions": [
                {"input": graph.inputs[number].name, "dim": dim} for number, dim in each.axis.places
            ],
            "example": each.axis.size,
            "accepted": _figures(each.sizes),
        }
        for each in contract.axes
    ]


def _figures(sizes: Sizes) -> dict[str, Any]:
    return {
        "minimum": sizes.minimum,
        "maximum": sizes.maximum,
        "modulus": sizes.modulus,
        "residues": list(sizes.residues),
        "others": list(sizes.others),
        "refused": list(sizes.refused),
    }


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "inputs": [list(shape) for shape in failure.inputs],
        "kind": failure.kind,
        "node": failure.node,
        "operands": [list(shape) for shape in failure.operands],
        "location": location_dict(_place(failure.location)),
        "message": failure.message,
    }


def _place(location: Location | None) -> Location | None:
    return None if location is None else shown_place(absolute_place(location))
