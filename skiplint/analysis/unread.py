"""Parameters that no forward reads, in training or in evaluation."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from skiplint.analysis.provider import TracedModel
from skiplint.graph import ModelGraph

if TYPE_CHECKING:
    from torch import nn

    from skiplint.tracing import Subject


@dataclass(frozen=True, slots=True)
class Unread:
    """A module, or one parameter, that no forward reads anything of."""

    path: str
    """Full name of the module or of the parameter."""
    owner: str
    """Path of the module that holds it, "" for the model itself."""
    parameters: tuple[str, ...]
    elements: int
    """Of these parameters together."""
    whole: bool
    """A module with everything in it; else a parameter beside others that are read."""


class UnreadParameters:
    """Parameters that no forward reads; empty where only the graph is at hand."""

    @staticmethod
    def compute(analysis: TracedModel) -> tuple[Unread, ...]:
        """Trace the live model in both modes and compare."""
        return () if analysis.subject is None else unread_parameters(analysis.graph, analysis.subject)


def unread_parameters(graph: ModelGraph, subject: Subject) -> tuple[Unread, ...]:
    """What is registered and never read, the largest unread module at a time, in registration order.

    The model is traced in both modes; a parameter that is read in one is used, as those of an auxiliary head
    are. What a mode does not run is taken as the other mode shows it. Experts that no token was sent to are
    not reported: where the forward decides by values, a layer is left out if one like it beside it is read.
    """
    from skiplint.tracing import TraceError

    graphs = [graph]
    for training in (True, False):
        if training != graph.training:
            try:
                graphs.append(subject.trace(training=training))
            except TraceError:
                return ()  # what this mode reads is not known
    read = {operation.id for each in graphs for operation in each if operation.kind == "parameter"}
    model = subject.model
    names = _names(model)
    known = {name for name in names if read & names[name]}
    if not known:
        return ()  # a compiled or scripted model, whose parameters the trace does not see
    found = _largest(model, {name for name in names if name not in known})
    if any(each.backend == "eager" for each in graphs):
        found = [each for each in found if not _has_a_sibling(model, each, known)]
    return tuple(found)


def _names(model: nn.Module) -> dict[str, set[str]]:
    """The parameters by their first name, with all names that each goes by."""
    import torch

    aliases: defaultdict[int, set[str]] = defaultdict(set)
    first: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        aliases[id(parameter)].add(name)
        first.setdefault(id(parameter), name)
    hidden = tuple(
        f"{path}." if path else ""
        for path, module in model.named_modules()
        if isinstance(module, torch.jit.ScriptModule)
    )
    return {name: aliases[key] for key, name in first.items() if not (hidden and name.startswith(hidden))}


def _largest(model: nn.Module, unread: set[str]) -> list[Unread]:
    """The largest modules of which nothing is read, and single parameters of others."""
    sizes = dict(model.named_parameters())
    found: list[Unread] = []

    def visit(path: str, module: nn.Module) -> None:
        own = [f"{path}.{name}" if path else name for name, _ in module.named_parameters()]
        if own and path and all(name in unread for name in own):
            elements = sum(sizes[name].numel() for name in own)
            found.append(Unread(path, path.rpartition(".")[0], tuple(own), elements, True))
            return
        for name, parameter in module.named_parameters(recurse=False):
            full = f"{path}.{name}" if path else name
            if full in unread:
                found.append(Unread(full, path, (full,), parameter.numel(), False))
        for name, child in module.named_children():
            visit(f"{path}.{name}" if path else name, child)

    visit("", model)
    return found


def _has_a_sibling(model: nn.Module, unread: Unread, known: set[str]) -> bool:
    """Whether a module of the same class and shapes beside this one is read."""
    if not unread.whole:
        return False
    likeness = _likeness(model.get_submodule(unread.path))
    for name, child in model.get_submodule(unread.owner).named_children():
        path = f"{unread.owner}.{name}" if unread.owner else name
        alike = path != unread.path and _likeness(child) == likeness
        if alike and any(each.startswith(f"{path}.") for each in known):
            return True
    return False


def _likeness(module: nn.Module) -> tuple[object, ...]:
    return (type(module), *(tuple(parameter.shape) for parameter in module.parameters()))
