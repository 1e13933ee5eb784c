"""A report in words: the facts of a model, the columns of a table of skips, and the totals of a run."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from skiplint.analysis.memory.words import memory_in_words
from skiplint.analysis.paths.words import lengths_in_words
from skiplint.analysis.skips.words import skip_counts
from skiplint.display.facts import counted
from skiplint.linting.finding import Finding
from skiplint.reporting.grouping import SkipGroup
from skiplint.reporting.model_report import BuiltWithReport, InputReport, ModelReport, SkipReport, Status
from skiplint.reporting.sections import ContractReport, MemoryReport, PathsReport

_ARGUMENTS_SHOWN = 6
_ARGUMENT_WIDTH = 32
_NAMED = re.compile(r"^<(?:class|function|built-in function) '?(?:[\w.<>]*\.)?(\w+)'?>$")
_SOURCES = {
    "configuration": "as configured",
    "file": "a call in the file",
    "project": "a call in the project",
}
_INSTALLED = re.compile(r"^.*/(?:site|dist)-packages/")


def totals(models: Sequence[ModelReport], findings: Sequence[Finding]) -> str:
    """Such as ``12 models traced, 3 skipped, 1 failed; 4 findings``."""
    if findings:
        found = counted(len(findings), "finding")
    else:  # Where nothing was traced, "no findings" would sound like praise.
        traced = any(model.status == "traced" for model in models)
        found = "no findings" if traced else "nothing was linted"
    return f"{model_counts(models)}; {found}"


def model_counts(models: Sequence[ModelReport]) -> str:
    """Such as ``12 models traced, 3 skipped, 1 failed``; without what there is none of."""
    numbers = {status: sum(model.status == status for model in models) for status in get_args(Status)}
    rest = [f"{number} {status}" for status, number in numbers.items() if number and status != "traced"]
    return ", ".join([f"{counted(numbers['traced'], 'model')} traced", *rest])


def model_place(model: ModelReport) -> str:
    """The target, which selects the model again, with file and line; only one if both say the same."""
    path = _INSTALLED.sub("", model.path or "")
    place = f"{path}:{model.line}" if path and model.line else path
    if place and model.target in {model.path, f"{model.path}:{model.name}"}:
        return place
    return "  ".join(part for part in (model.target if model.target != model.name else "", place) if part)


def model_facts(model: ModelReport) -> list[tuple[str, str]]:
    """The facts of a traced model, each with its label: inputs, parameters, skips, paths, memory."""
    facts = []
    if model.built_with is not None and model.built_with.source != "defaults":
        facts.append(("built with", construction(model.built_with)))
    facts.append(("inputs", "\n".join(_inputs(model.inputs)) or "none"))
    if model.input_contract is not None:
        facts.append(("input sizes", _contract(model.input_contract)))
    if model.parameters is not None:
        facts.append(("parameters", f"{model.parameters:,}"))
    if model.trace is not None:
        operations = counted(model.trace.operations, "operation")
        facts.append(("trace", f"{operations} on {model.trace.backend}"))
    facts.append(("skips", skip_counts(model.skips)))
    if model.paths is not None:
        facts.append(("path lengths", _paths(model.paths)))
    if model.memory is not None:
        facts.append(("memory", _memory(model.memory)))
    if model.notes:
        facts.append(("note", "\n".join(model.notes)))
    return facts


def construction(built_with: BuiltWithReport) -> str:
    """The arguments on one short line, such as ``guessed arguments: dim=64, heads=4``."""
    given = [_argument(value) for value in built_with.args]
    given += [f"{name}={_argument(value)}" for name, value in built_with.kwargs.items()]
    shown = list(itertools.islice(given, _ARGUMENTS_SHOWN))
    if len(given) > len(shown):
        shown.append(f"and {len(given) - len(shown)} more")
    arguments = ", ".join(shown)
    if built_with.source == "guessed":
        return f"guessed arguments: {arguments}" if arguments else "guessed arguments"
    place = built_with.place or _SOURCES.get(built_with.source, built_with.source)
    return f"{arguments} ({place})" if arguments else place


def remarks(model: ModelReport) -> list[str]:
    """What to know of how a model was built and run: a guess of its arguments, and its notes."""
    built_with = model.built_with
    guessed = built_with is not None and built_with.source == "guessed"
    first = [f"built with {construction(built_with)}"] if built_with is not None and guessed else []
    return [*first, *model.notes]


def _argument(value: Any) -> str:
    """A value of the report in few letters; a class or function by its name."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = _NAMED.sub(r"\1", text)
    return text if len(text) <= _ARGUMENT_WIDTH else f"{text[: _ARGUMENT_WIDTH - 1]}…"


def _inputs(inputs: Sequence[InputReport]) -> Iterator[str]:
    """One line for each input; the source is given once, after the last input that has it."""
    for item, following in itertools.zip_longest(inputs, inputs[1:]):
        reason = f"{item.source}: {item.why}" if item.why and item.why != item.source else item.source
        together = following is not None and (following.source, following.why) == (item.source, item.why)
        yield f"{item.name}  {item.dtype} {list(item.shape)}" + ("" if together else f"  ({reason})")


def _contract(contract: ContractReport) -> str:
    return f"{contract.text} (checked by {counted(contract.probes, 'forward')} without values)"


def _paths(paths: PathsReport) -> str:
    text = lengths_in_words(paths.min, paths.max, paths.mean, paths.count)
    return f"{text}; effective mean {paths.effective.mean:.1f}" if paths.effective else text


def _memory(memory: MemoryReport) -> str:
    return memory_in_words(
        memory.peak_inference_bytes,
        memory.saved_for_backward_bytes,
        memory.concat_allocated_bytes,
        memory.concat_distinct_bytes,
        memory.concat_blowup,
    )


@dataclass(frozen=True)
class SkipColumn:
    """One column of the table of skips."""

    title: str
    cell: Callable[[SkipGroup], str]
    number: bool = False
    width: int = 0
    """Width of the terminal from which on there is room for it."""


CONNECTIONS = SkipColumn("shortcuts", lambda group: group.connections, number=True, width=90)
SKIP_COLUMNS = (
    SkipColumn("kind", lambda group: group.first.kind),
    SkipColumn("shortcut", lambda group: _shortcut(group.first)),
    SkipColumn("joins", lambda group: str(len(group.skips)), number=True),
    SkipColumn("where", lambda group: group.where),
    SkipColumn("by", lambda group: group.first.join_op, width=90),
    SkipColumn("span", lambda group: group.span, number=True),
    CONNECTIONS,
    SkipColumn("shape", lambda group: group.shape, width=70),
)


def _shortcut(skip: SkipReport) -> str:
    """Such as ``identity, long``."""
    notes = (skip.shortcut, "long" if skip.long else "", f"{skip.scale} scale" if skip.scale else "")
    return ", ".join(note for note in notes if note)
