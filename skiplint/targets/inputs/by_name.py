"""What the name of an input, or of a part of one, suggests about its shape."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from skiplint.operators import Family
from skiplint.targets.inputs.forms import last_part
from skiplint.targets.inputs.templates import Template

if TYPE_CHECKING:
    from torch import nn

    from skiplint.targets.inputs.layers import Use

_EDGES = re.compile(r"^edge_ind(ex|ices)$|^edges$")
_EDGE_VALUES = re.compile(r"^edge_(attr|attrs|weights?|features?|feats?|type|types)$")
_ADJACENCY = re.compile(r"^adj\w*$|^A$")
_LABEL = re.compile(
    r"^(y|c|cls|label|labels|classes|category|categories|class_\w+|(user|item|speaker)s?(_ids?)?)$"
)
_LENGTHS = re.compile(r"^(\w+_)?(lens?|lengths?)$|^\w+_len(gth)?s?$")
_IDS = re.compile(r"(^|_)(ids?|tokens?|indices|idx|words?)$|^(src|tgt|text|caption|captions|tok)$")
_TARGET = re.compile(r"^(targets?|labels?|y|gt|ground_truth|y_true)$")
_STATE = re.compile(
    r"^(h|c|hx|cx|hc|h_?0|c_?0|hiddens?|hidden_states?|states?|rnn_states?|\w*_hidden|prev_state)$"
)


def is_graph(names: Collection[str]) -> bool:
    """Whether inputs of these names describe a graph by its edges."""
    return any(_EDGES.match(last_part(name)) for name in names)


def named_templates(model: nn.Module, name: str, use: Use | None, *, graph: bool) -> list[Template]:
    """Return templates that the name of an input suggests, to be tried before all others.

    Args:
        model: the model.
        name: of the input, or of a part of it such as ``data.edge_index``.
        use: the first layer that it reaches, if that is known.
        graph: whether the inputs describe a graph by its edges; its number of nodes is then the size "T".
    """
    word = last_part(name)
    if _EDGES.match(word):
        return [Template((2, "E"), "int64", "T", "the edges of a graph")]
    if graph:
        found = _of_graph(word, use)
        if found:
            return found
    if _ADJACENCY.match(word) and use is None:
        return [
            Template(("T", "T"), why="an adjacency matrix"),
            Template(("B", "T", "T"), why="adjacency matrices"),
        ]
    if _LABEL.match(word) and use is not None and use.kind is Family.EMBEDDING:
        return [Template(("B",), "int64", use.channels, f"a class, read by {use.layer}")]
    if _LENGTHS.match(word):
        return [
            Template(("B",), "int64", "T", "lengths", "T"),
            Template(("B",), "int64", "L", "lengths", "L"),
        ]
    if use is not None:
        return []
    if _IDS.search(word):
        rows = _fewest_rows(model)
        return [Template(shape, "int64", rows, "token numbers") for shape in (("B", "T"), ("B",))]
    if _STATE.match(word):
        return _states(model)
    return []


def target_templates(name: str) -> list[Template]:
    """Return templates for a target with which forward compares: a class, or one for each pixel."""
    if not _TARGET.match(last_part(name)):
        return []
    shapes: tuple[tuple[int | str, ...], ...] = (("B",), ("B", "S", "S"), ("B", "T"))
    return [Template(shape, "int64", 2, "a target") for shape in shapes]


def is_state(name: str) -> bool:
    """Whether an input of this name is the state of a recurrent layer, which may be missing at first."""
    return bool(_STATE.match(last_part(name)))


def _of_graph(word: str, use: Use | None) -> list[Template]:
    if _EDGE_VALUES.match(word):
        if use is not None and use.kind is Family.EMBEDDING:
            return [Template(("E",), "int64", use.channels, "the types of edges")]
        values = [
            Template(("E",), why="the weights of edges"),
            Template(("E", 1), why="the weights of edges"),
        ]
        wide = [] if use is None else [Template(("E", use.channels), why=f"first read by {use.layer}")]
        return [*wide, *values]
    if re.match(r"^batch(_ind(ex|ices))?$|^batch_idx$", word):
        return [Template(("T",), "int64", 1, "the graph of each node")]
    if use is None:
        return []
    if use.kind is Family.EMBEDDING:
        return [Template(("T",), "int64", use.channels, f"nodes, first read by {use.layer}")]
    return [Template(("T", use.channels), why=f"nodes, first read by {use.layer}")]


def _fewest_rows(model: nn.Module) -> int:
    from torch import nn

    rows = [each.num_embeddings for each in model.modules() if isinstance(each, nn.Embedding)]
    return min(rows, default=2)


def _states(model: nn.Module) -> list[Template]:
    from torch import nn

    for module in model.modules():
        if isinstance(module, nn.RNNBase):
            layers = module.num_layers * (2 if module.bidirectional else 1)
            return [Template((layers, "B", module.hidden_size), why="a state"), _state(module)]
        if isinstance(module, nn.RNNCellBase):
            return [_state(module)]
    return []


def _state(module: Any) -> Template:
    return Template(("B", module.hidden_size), why="a state")
