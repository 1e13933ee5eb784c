"""Find example inputs for a model, from the most explicit source to the least."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skiplint.sources.errors import at, describe
from skiplint.sources.randomness import seeded
from skiplint.targets.failures import from_exception
from skiplint.targets.inputs.called_inputs import evaluated
from skiplint.targets.inputs.configured_inputs import configured_arguments
from skiplint.targets.inputs.conventions import conventional_arguments
from skiplint.targets.inputs.named_sizes import constructed_with, named_sizes
from skiplint.targets.inputs.signatures import unwrapped
from skiplint.targets.inputs.templates import USUAL
from skiplint.targets.inputs.tensors import describe_arguments
from skiplint.targets.inputs.unheard import unheard
from skiplint.targets.records import (
    Arguments,
    ExampleInputs,
    InputSource,
    ModelConfig,
    ModelTarget,
    Runs,
    TargetError,
)
from skiplint.targets.snippets import inputs_snippet, on_one_line

if TYPE_CHECKING:
    from torch import nn

    from skiplint.targets.inputs.forms import Form
    from skiplint.targets.inputs.searching import Outcome, Trial
    from skiplint.targets.inputs.signatures import Slot

_MOST_OWN = 8
"""Calls beside the constructor's arguments and in the model's file that are tried."""
_MOST_CALLS = 60
"""Calls in the rest of the project that are evaluated."""
_MOST_ELSEWHERE = 8
"""Different inputs of theirs that are tried."""
_DATA_SETS = (("cifar", 32), ("mnist", 28), ("svhn", 32), ("tinyimagenet", 64), ("tiny_imagenet", 64))


def find_inputs(
    model: nn.Module, target: ModelTarget, *, config: ModelConfig | None = None, runs: Runs
) -> ExampleInputs:
    """Return inputs on which ``model`` runs.

    Sources are tried in this order: the configuration, the model's own conventions, annotations of forward,
    calls of the model in its file and in its project, and a search that starts from the layers that the
    inputs reach first.

    Args:
        model: the model.
        target: where it comes from.
        config: its entry in the configuration; None means that of ``target``.
        runs: runs one forward and returns its exception, or None if it ran.

    Raises:
        TargetError: no inputs run; ``attempt`` of the error holds those on which most of the model ran.
    """
    config = config or target.config
    with target.environment(), unheard(), seeded():
        return _Finder(model, target, config, runs).find()


class _Finder:
    def __init__(self, model: nn.Module, target: ModelTarget, config: ModelConfig | None, runs: Runs) -> None:
        self._model = model
        self._target = target
        self._config = config
        self._runs = runs
        self._failures: list[tuple[ExampleInputs, Exception]] = []
        self._broken: ExampleInputs | None = None

    def find(self) -> ExampleInputs:
        if self._config is not None:
            arguments = configured_arguments(self._config)
            if arguments is not None:
                return self._configured(arguments)
        for source, why, arguments in self._offered():
            found = self._accept(source, why, arguments)
            if found is not None:
                return found
        found = self._annotated() or self._demo() or self._fed_elsewhere() or self._inferred()
        return replace(found, broken=self._broken)

    # -- sources ----------------------------------------------------------------------------------

    def _configured(self, arguments: Arguments) -> ExampleInputs:
        """Use configured inputs as they are; if they do not run, the error says so."""
        found = self._accept("config", "given in the configuration", arguments)
        if found is not None:
            return found
        inputs, error = self._failures[0]
        message = (
            f"{self._target.target}: forward raises on the configured inputs "
            f"({describe_arguments(*arguments)}): {describe(error)}{at(error)}; correct inputs in "
            "[[tool.skiplint.models]]"
        )
        raise _with_attempt(from_exception(message, error), inputs)

    def _offered(self) -> Iterator[tuple[InputSource, str, Arguments]]:
        if self._target.example is not None:
            yield "module", "saved with the program", self._target.example()
        for why, arguments in conventional_arguments(self._model):
            yield "module", why, arguments

    def _demo(self) -> ExampleInputs | None:
        for call in self._target.demos[:_MOST_OWN]:
            offers = evaluated(call, self._model)
            for arguments in offers:
                found = self._accept("demo", f"as in {call.label}", arguments)
                if found is not None:
                    return found
            if offers and call.of == self._target.name and self._broken is None:
                failed, error = self._failures[-len(offers)]
                why = f"your call in line {call.line} fails: {describe(error)}{at(error)}"
                self._broken = replace(failed, why=why)
        return None

    def _fed_elsewhere(self) -> ExampleInputs | None:
        """Inputs of calls in the rest of the project, each that is different once."""
        seen = {call.label for call in self._target.demos}
        tried: set[str] = set()
        for call in itertools.islice(self._target.fed_elsewhere(), _MOST_CALLS):
            if call.label in seen or len(tried) >= _MOST_ELSEWHERE:
                continue
            seen.add(call.label)
            for arguments in evaluated(call, self._model):
                said = describe_arguments(*arguments)
                found = None if said in tried else self._accept("demo", f"as in {call.label}", arguments)
                tried.add(said)
                if found is not None:
                    return found
        return None

    def _annotated(self) -> ExampleInputs | None:
        from skiplint.targets.inputs.annotations import annotated_template
        from skiplint.targets.inputs.signatures import required_slots

        slots = required_slots(self._model)
        sizes = self._sizes()
        given = {slot.name: annotated_template(self._model, slot, sizes) for slot in slots}
        shapes = {name: template for name, template in given.items() if template is not None}
        if not shapes:
            return None
        outcome = self._search(slots, shapes)
        return self._taken("annotation", outcome, slots)

    def _inferred(self) -> ExampleInputs:
        from skiplint.targets.inputs.signatures import optional_slots, required_slots

        slots = required_slots(self._model)
        outcome = self._search(slots, {})
        found = self._taken("inferred", outcome, slots)
        if found is not None:
            return found
        more = optional_slots(self._model)
        if more:
            wider = [*slots, *more]
            found = self._taken("inferred", self._search(wider, {}, again=True), wider)
            if found is not None:
                return found
        raise self._failure(slots, outcome)

    # -- search -----------------------------------------------------------------------------------

    def _search(self, slots: list[Slot], given: Mapping[str, Any], *, again: bool = False) -> Outcome:
        from skiplint.targets.inputs.meetings import meetings
        from skiplint.targets.inputs.searching import TRIES, Search
        from skiplint.targets.inputs.survey import Survey

        survey = Survey(self._model, slots, given, self._forms(slots))
        if slots:
            survey.run()
        model = unwrapped(self._model)
        guessed = self._target.built_with.source == "guessed"  # there are many guesses, and few are right
        search = Search(
            slots,
            self._runs,
            self._sizes(),
            self._preferred(),
            lambda run: meetings(model, run),
            tries=TRIES // ((2 if guessed else 1) * (2 if again else 1)),
        )
        return search.run([survey.choices(slot) for slot in slots])

    def _forms(self, slots: list[Slot]) -> dict[str, Form]:
        """What annotations say of the parameters, and what the source of forward does."""
        from skiplint.targets.inputs.annotated_forms import annotated_form
        from skiplint.targets.inputs.reading import read_forms

        annotated = {slot.name: annotated_form(self._model, slot) for slot in slots}
        return {**read_forms(self._model), **{name: form for name, form in annotated.items() if form}}

    def _sizes(self) -> dict[str, int]:
        """Sizes that the configuration fixes; H and W together are the side of an image."""
        sizes = dict(self._config.sizes) if self._config else {}
        if "H" in sizes and sizes.get("W", sizes["H"]) == sizes["H"]:
            sizes.setdefault("S", sizes["H"])
        return sizes

    def _preferred(self) -> dict[str, list[int]]:
        """Sizes that the model's attributes name; the image size of the data set in the target's name."""
        text = f"{self._target.target} {type(self._model).__name__}".lower()
        found = named_sizes(unwrapped(self._model), constructed_with(self._target))
        usual = [size for name, size in _DATA_SETS if name in text]
        sides = [*found.get("S", ()), *usual, USUAL["S"][0]]
        lengths = {symbol: [USUAL[symbol][0], *found.get(symbol, ())] for symbol in ("T", "L")}
        widths = {"W": found["W"]} if found.get("W") and found.get("S") else {}
        return {**lengths, "S": sides, **widths, **({"V": found["V"]} if "V" in found else {})}

    def _taken(self, source: InputSource, outcome: Outcome, slots: list[Slot]) -> ExampleInputs | None:
        for trial, error in outcome.failures:
            self._failures.append((_example(source, trial, slots, verified=False), error))
        return None if outcome.found is None else _example(source, outcome.found, slots, outcome.verified)

    def _accept(self, source: InputSource, why: str, arguments: Arguments) -> ExampleInputs | None:
        args, kwargs = arguments
        failed = self._runs(args, kwargs)
        why = f"{why}: {describe_arguments(args, kwargs)}"
        found = ExampleInputs(args, kwargs, source, why, verified=failed is None)
        if failed is None or failed.needs_values:
            return found
        self._failures.append((found, failed.error))
        return None

    # -- failure ----------------------------------------------------------------------------------

    def _failure(self, slots: list[Slot], outcome: Outcome) -> TargetError:
        attempt, error = self._furthest()
        first = outcome.failures[0][0] if outcome.failures else None
        written: Any = [["B", 3, "H", "W"]]
        if first is not None:
            parts = [(slot, choice.toml()) for slot, choice in zip(slots, first.choices, strict=True)]
            keyword = any(slot.keyword for slot, _ in parts)
            written = {slot.name: part for slot, part in parts} if keyword else [part for _, part in parts]
        advice = on_one_line(inputs_snippet(self._target.target, written))
        if error is None:
            message = f"{self._target.target}: no inputs found; add {advice} to pyproject.toml"
            return TargetError(message)
        shown = describe_arguments(attempt.args, attempt.kwargs) if attempt else ""
        message = (
            f"{self._target.target}: forward runs on none of the inputs tried; with {shown} it raises "
            f"{describe(error)}{at(error)}; correct the model, or add {advice} to pyproject.toml"
        )
        failure = from_exception(message, error)
        return _with_attempt(failure, attempt) if attempt else failure

    def _furthest(self) -> tuple[ExampleInputs | None, Exception | None]:
        """Of the inputs that failed, those on which most of the model ran: the likeliest ones."""
        from skiplint.targets.inputs.probing import operations_before_failure

        best: tuple[ExampleInputs | None, Exception | None] = (None, None)
        most = -1
        for inputs, error in self._failures[:6]:
            count = operations_before_failure(self._model, *_on_device(self._model, inputs))
            if count > most:
                most, best = count, (inputs, error)
        return best


def _example(source: InputSource, trial: Trial, slots: list[Slot], verified: bool) -> ExampleInputs:
    args, kwargs = trial.arguments(slots)
    reasons = list(dict.fromkeys(choice.why for choice in trial.choices if choice.why))
    why = (
        f"{describe_arguments(args, kwargs)}; {', '.join(reasons)}"
        if reasons
        else describe_arguments(args, kwargs)
    )
    return ExampleInputs(args, kwargs, source, why, verified)


def _with_attempt(error: TargetError, attempt: ExampleInputs) -> TargetError:
    error.attempt = attempt
    return error


def _on_device(model: nn.Module, inputs: ExampleInputs) -> Arguments:
    """The inputs on the device of the model's parameters."""
    import torch
    from torch.utils._pytree import tree_map_only

    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    moved: Arguments = tree_map_only(torch.Tensor, lambda each: each.to(device), (inputs.args, inputs.kwargs))
    return moved
