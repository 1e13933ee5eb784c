"""Guess the arguments of a constructor: from what they mean, and from what fails."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import replace
from typing import Any

from skiplint.targets.arguments.blame import blame
from skiplint.targets.arguments.definitions import Definitions, required
from skiplint.targets.arguments.making import CannotMakeError, Made, Maker, Plan
from skiplint.targets.arguments.meanings import Meanings
from skiplint.targets.arguments.modules import Modules
from skiplint.targets.arguments.parameters import parameters_of
from skiplint.targets.arguments.project_calls import told_in_part
from skiplint.targets.arguments.repairs import beyond_repair, repaired
from skiplint.targets.arguments.roles import FIRST, SECOND
from skiplint.targets.arguments.settings_object import Key
from skiplint.targets.models.project import Project
from skiplint.targets.records import Arguments, BuiltWith, Constructor, Way, Ways

_OF_ARGUMENTS = (TypeError, ValueError, AssertionError, LookupError, AttributeError, CannotMakeError)
"""What wrong arguments raise, whatever the device."""
_TRIALS = 12
"""Constructions."""
_FORWARDS = 4
"""Models of which no forward worked."""
_SAME_FAILURES = 1
"""Forwards that fail alike whatever the guess: after one more, the arguments are not to blame."""
_SECONDS = 8.0
"""Of this process: after so long no further trial begins, but for the first few."""
_TRIALS_IN_ANY_CASE = 4
_AGAIN = 6
"""Trials for a second, different model."""


def guessed(constructor: Constructor, project: Project) -> Ways:
    """Ways to construct a model, each guess mended by what came of the one before.

    What a call in the project tells of the arguments is not guessed. After one that works, and for which
    another is wanted, come models of other sizes.

    Args:
        constructor: what to call.
        project: the files around it.
    """
    definitions = Definitions()
    hidden = _passes_on(constructor.value)
    if not required(constructor.value, definitions) and not hidden and _constructs(constructor):
        return
    modules = Modules(definitions, constructor.namespace, (constructor.value,))
    search = _Search(constructor, Meanings(definitions, modules, told_in_part(constructor, project), project))
    yield from search.ways()


class _Search:
    """The guesses of one model."""

    def __init__(self, constructor: Constructor, meanings: Meanings) -> None:
        self._constructor = constructor
        self._meanings = meanings
        self._tried: set[str] = set()
        self._began = time.process_time()
        self._maker: Maker | None = None
        parameters = parameters_of(constructor.value) or []
        self._optional: list[Key] = [(each.name,) for each in parameters if each.default is not each.empty]
        """Parameters that have a default, which need not do."""
        every_default = parameters and all(each.default is not each.empty for each in parameters)
        self._defaults: dict[Key, Made] = {
            (each.name,): Made((), -1, each.default) for each in parameters if every_default
        }
        self._forwards = self._misfits = 0

    def ways(self) -> Ways:
        works = yield from self._until_it_works([Plan(FIRST)], _TRIALS)
        if works is None:
            if self._misfits:  # whether the failure is the model's own shows at other sizes
                yield self._way(Plan(SECOND))
            return
        for sizes in (SECOND, replace(SECOND, depth=FIRST.depth, kernel=FIRST.kernel), FIRST):
            carried = {key: value for key, value in works.values.items() if not _is_size(value)}
            starts = [replace(works, sizes=sizes, values=carried), replace(works, sizes=sizes)]
            again = yield from self._until_it_works(starts, _AGAIN)
            if again is not None:
                return

    def _until_it_works(self, starts: list[Plan], trials: int) -> Any:
        """Try plans until one works and another is wanted; gives that one, or None."""
        queue: deque[Plan] = deque(starts)
        self._forwards = 0
        said: Counter[str] = Counter()
        for number in range(trials):
            plan = self._next(queue, in_time=number >= _TRIALS_IN_ANY_CASE)
            if plan is None or self._forwards >= _FORWARDS:
                return None
            outcome = yield self._way(plan)
            if outcome is None:
                return plan
            cause = outcome.__cause__ or outcome
            made = self._made()
            if beyond_repair(cause) or isinstance(cause, CannotMakeError):
                continue
            constructed = _is_forward(cause)
            self._forwards += constructed
            self._misfits += cause.__traceback__ is None
            if constructed:
                said[str(cause)] += 1
                if said[str(cause)] > _SAME_FAILURES:
                    return None
            failure = blame(cause, [*made, *self._optional], self._meanings.definitions)
            found = list(repaired(plan, made, failure))
            if constructed:
                sizes = _other_sizes(plan)
                found = [*found[:2], *sizes[:2], *found[2:], *sizes[2:]]
            # What mends this failure comes before what was in store for an earlier one.
            queue.extendleft(reversed(found))
        return None

    def _made(self) -> dict[Key, Made]:
        """The arguments of the last trial; where none is needed, with the defaults, which do not do."""
        made = {} if self._maker is None else self._maker.made
        return {**self._defaults, **made}

    def _next(self, queue: deque[Plan], *, in_time: bool) -> Plan | None:
        if in_time and time.process_time() - self._began > _SECONDS:
            return None
        while queue:
            plan = queue.popleft()
            if plan.identity not in self._tried:
                self._tried.add(plan.identity)
                return plan
        return None

    def _way(self, plan: Plan) -> Way:
        """The way that constructs the model by ``plan``; what fails on any device alike is run only once."""
        failed: list[Exception] = []

        def make() -> Any:
            if failed:
                raise failed[0]
            try:
                args, kwargs = self._make(plan)
                return self._constructor.value(*args, **kwargs)
            except _OF_ARGUMENTS as error:
                if "meta" not in str(error):
                    failed.append(error)
                raise

        return Way(make, BuiltWith("guessed", "", lambda: self._make(plan)))

    def _make(self, plan: Plan) -> Arguments:
        self._maker = Maker(self._constructor.value, self._meanings, plan)
        return self._maker.arguments()


def _constructs(constructor: Constructor) -> bool:
    """Whether other arguments than the defaults have no part in what came of the model."""
    try:
        constructor.value()
    except _OF_ARGUMENTS:
        return False
    except Exception:  # a file or a package is missing
        return True
    return True


def _is_forward(error: BaseException) -> bool:
    """Whether the model was constructed: the error comes from its forward."""
    traceback = error.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name == "_call_impl":
            return True
        traceback = traceback.tb_next
    return error.__traceback__ is None


def _other_sizes(plan: Plan) -> list[Plan]:
    """The same plan with sizes that other models need: one width everywhere, larger images."""
    same = replace(plan.sizes, input=plan.sizes.width, features=plan.sizes.width, classes=plan.sizes.width)
    even = replace(plan.sizes, growing=False)
    large = replace(plan.sizes, image=224, patch=16, window=7)
    return [replace(plan, sizes=sizes) for sizes in (same, even, large, replace(same, growing=False))]


def _is_size(value: Any) -> bool:
    return isinstance(value, int | float | list | tuple) and not isinstance(value, bool)


def _passes_on(value: Any) -> bool:
    """Whether a signature hides which arguments are needed."""
    import inspect

    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in parameters)
