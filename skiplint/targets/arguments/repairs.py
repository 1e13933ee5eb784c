"""Plans that may do better than one that failed."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from types import FrameType
from typing import Any

from skiplint.targets.arguments.blame import Blame, Place
from skiplint.targets.arguments.ideas import Kind
from skiplint.targets.arguments.making import Made, Plan
from skiplint.targets.arguments.modules import Simple
from skiplint.targets.arguments.roles import role_of
from skiplint.targets.arguments.settings_object import Key, Settings

_LIST = re.compile(
    r"object is not (iterable|subscriptable)|cannot unpack non-iterable|has no len\(\)|"
    r"argument after \* must be|not reversible|can only concatenate list|'(int|float)' object .*item"
)
_CALLABLE = re.compile(r"'(\w+)' object is not callable")
_MAPPING = re.compile(r"argument after \*\* must be a mapping|indices must be integers.*not .?str")
_SCALAR = re.compile(
    r"unsupported operand|cannot be interpreted as an integer|multiply sequence|must be (an )?int|"
    r"must be real number|not supported between|bad operand type|invalid combination of arguments|"
    r"must be tuple of ints|must be [Nn]umber|can only concatenate|"
    r"'(list|tuple|Settings|str|NoneType|function|type|dict)' object"
)
_NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")
_NO_CLASS_ATTRIBUTE = re.compile(r"type object '(\w+)' has no attribute '(\w+)'")
_MISSING = re.compile(r"missing \d+ required (?:positional|keyword-only) arguments?: (.+)$")
_LENGTH = re.compile(r"(?:length|len|size|elements?|values?)\D{0,12}(\d+)")
_QUOTED = re.compile(r"['\"]([\w.\-]+)['\"]")
_NUMBER = re.compile(r"\d+")
_OF_TENSORS = frozenset("to device shape size dim dtype cuda float long unsqueeze view reshape numel".split())
_OF_TEXT = frozenset("lower upper strip split startswith endswith replace format".split())
_OUTSIDE = (ImportError, FileNotFoundError, ConnectionError, PermissionError)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 96, 128, 256, 3, 7, 14, 224, 12, 24, 48, 512, 0, 5, 6, 9, 17, 25)
_MOST = 6
"""Plans for one failure."""


def beyond_repair(error: BaseException) -> bool:
    """Whether no arguments can help: a package, a file or the network is missing."""
    return isinstance(error, _OUTSIDE)


def repaired(plan: Plan, made: Mapping[Key, Made], failure: Blame) -> Iterator[Plan]:
    """Plans that may not fail as ``plan`` did, the likeliest first.

    Args:
        plan: the plan that failed.
        made: the arguments that were made by it.
        failure: where it failed, and which arguments have to do with it.
    """
    repairs = _Repairs(plan, made, failure)
    for number, each in enumerate(repairs.plans()):
        if number >= _MOST:
            return
        yield each


class _Repairs:
    def __init__(self, plan: Plan, made: Mapping[Key, Made], failure: Blame) -> None:
        self._plan = plan
        self._made = made
        self._failure = failure
        self._message = " ".join(str(failure.error).split())
        self._suspects = [key for key in failure.arguments() if key in made]
        self._left_out = [
            key for key in failure.arguments() if len(key) == 1 and (key not in made or not made[key].ideas)
        ]
        """Parameters whose defaults have to do with the failure."""

    def plans(self) -> Iterator[Plan]:
        error = self._failure.error
        yield from self._missing()
        yield from self._solved()
        if isinstance(error, TypeError):
            yield from self._of_another_kind()
        if isinstance(error, AttributeError):
            yield from self._as_tensor()
            yield from self._with_attribute()
        if isinstance(error, TypeError | AttributeError) and "NoneType" in self._message:
            yield from (self._plan.choosing(key, 0) for key in self._left_out)
        if isinstance(
            error,
            KeyError | ValueError | NotImplementedError | AssertionError | AttributeError | RuntimeError,
        ):
            yield from self._another_word()
        if isinstance(error, IndexError | ValueError | AssertionError):
            yield from self._other_lengths()
        yield from self._sizes_in_message()
        if not isinstance(error, TypeError | AttributeError | KeyError):
            yield from self._other_numbers()
        yield from self._next_ideas()

    # -- kinds ------------------------------------------------------------------------------------

    def _missing(self) -> Iterator[Plan]:
        """Arguments that the constructor turns out to need."""
        found = _MISSING.search(self._message)
        names = _QUOTED.findall(found[1]) if found else []
        if names and len(self._failure.places) <= 1 and "forward" not in self._message:
            plan = self._plan
            for name in names:
                plan = plan.setting((name,), plan.sizes.of(role_of(name)))
            yield plan

    def _of_another_kind(self) -> Iterator[Plan]:
        if _LIST.search(self._message):
            yield from self._as_kinds(("list", "modules"), lambda value: not isinstance(value, list | tuple))
        called = _CALLABLE.search(self._message)
        if called:
            yield from self._as_kinds(("callable", "module"), lambda value: type(value).__name__ == called[1])
        if _MAPPING.search(self._message):
            yield from self._as_kinds(("settings", "arguments"), lambda value: not isinstance(value, dict))
        if _SCALAR.search(self._message):
            yield from self._as_kinds(
                ("whole", "real"),
                lambda value: not isinstance(value, int | float | Settings) or isinstance(value, bool),
            )
            yield from self._as_kinds(("list",), lambda value: value is None)

    def _as_kinds(self, kinds: tuple[Kind, ...], wrong: Any) -> Iterator[Plan]:
        """Suspects of a wrong kind, as one of ``kinds``."""
        for key in self._suspects:
            made = self._made[key]
            if not wrong(made.value):
                continue
            index = next(
                (n for n, idea in enumerate(made.ideas) if idea.kind in kinds and n != made.index), None
            )
            if index is not None:
                yield self._plan.choosing(key, index)
            elif "list" in kinds and isinstance(made.value, int):
                yield self._plan.setting(key, [made.value] * self._plan.sizes.stages)

    def _with_attribute(self) -> Iterator[Plan]:
        found = _NO_ATTRIBUTE.search(self._message) or _NO_CLASS_ATTRIBUTE.search(self._message)
        if found is None:
            return
        owner, attribute = found[1], found[2]
        holders = [key for key, made in self._made.items() if _type_name(made.value) == owner]
        holders.sort(key=lambda key: key not in self._suspects)
        for key in holders:
            if attribute in _OF_TEXT:
                index = next(
                    (n for n, idea in enumerate(self._made[key].ideas) if isinstance(idea.value, str)), None
                )
                if index is not None:
                    yield self._plan.choosing(key, index)
                    continue
            if owner in ("int", "float", "str", "NoneType", "list", "bool") and key not in self._suspects:
                continue
            yield from self._after(
                key, lambda value: value is None or hasattr(value, attribute) or isinstance(value, Simple)
            )

    def _as_tensor(self) -> Iterator[Plan]:
        """A tensor for what is used as one: a square one, which also stands for a table or a mask."""
        found = _NO_ATTRIBUTE.search(self._message)
        if (
            found is None
            or found[1] not in ("list", "tuple", "NoneType", "int")
            or found[2] not in _OF_TENSORS
        ):
            return
        import torch

        width = self._plan.sizes.width
        for key in (*self._left_out, *self._suspects):
            yield self._plan.setting(key, torch.eye(width))

    def _after(self, key: Key, fits: Any = None) -> Iterator[Plan]:
        """The next idea of one argument."""
        made = self._made[key]
        for index in range(made.index + 1, len(made.ideas)):
            idea = made.ideas[index]
            if idea.kind not in ("module", "callable") or fits is None or fits(idea.value):
                yield self._plan.choosing(key, index)
                return

    def _another_word(self) -> Iterator[Plan]:
        """Words that the message or the code offers for a word that was not accepted."""
        offered = _QUOTED.findall(self._message)
        texts = [key for key in self._suspects if isinstance(self._made[key].value, str)]
        texts += [
            key
            for key, made in self._made.items()
            if isinstance(made.value, str) and made.value in offered and key not in texts
        ]
        for key in texts:
            value = self._made[key].value
            named = [
                word
                for word in offered
                if word != value and word not in {made.value for made in self._made.values()}
            ]
            for place in self._failure.places:
                named += [word for word in _table_keys(place, value) if word not in named]
            for word in named[:3]:
                yield self._plan.setting(key, word)
            yield from self._after(key)

    def _other_lengths(self) -> Iterator[Plan]:
        """Lists of the length that the message names, of one length, one longer, one shorter."""
        lists = [key for key, made in self._made.items() if isinstance(made.value, list | tuple)]
        suspected = [key for key in self._suspects if key in lists]
        for count in [int(number) for number in _LENGTH.findall(self._message) if 0 < int(number) < 12]:
            for key in suspected or lists:
                if len(self._made[key].value) != count:
                    yield self._with_length(self._plan, key, count)
        lengths = {len(self._made[key].value) for key in lists}
        for count in (max(lengths), min(lengths)) if len(lengths) > 1 else ():
            plan = self._plan
            for key in lists:
                plan = self._with_length(plan, key, count)
            yield plan
        for key in suspected:
            for more in (2, 1, -1) if isinstance(self._failure.error, IndexError) else (1, -1):
                yield self._with_length(self._plan, key, len(self._made[key].value) + more)
        for key in self._numbers():
            for other in lists:
                if self._made[key].value != len(self._made[other].value):
                    yield self._plan.setting(key, len(self._made[other].value))

    def _with_length(self, plan: Plan, key: Key, count: int) -> Plan:
        return plan.setting(key, _resized(self._made[key].value, count))

    # -- numbers ----------------------------------------------------------------------------------

    def _numbers(self) -> list[Key]:
        return [key for key in self._suspects if _is_number(self._made[key].value)]

    def _solved(self) -> Iterator[Plan]:
        """Values with which the condition that the code itself checks comes out right."""
        for place in self._failure.places[:3]:
            if place.condition is None:
                continue
            for name, key in self._plain_names(place):
                for value in self._candidates(key):
                    if _comes_out(place, {name: value}):
                        yield self._plan.setting(key, value)
                        break
            yield from self._solved_lengths(place)

    def _solved_lengths(self, place: Place) -> Iterator[Plan]:
        """One length for all lists in a condition, where that makes it come out right."""
        lists = {
            name: key
            for name, key in self._plain_names(place)
            if isinstance(self._made[key].value, list | tuple)
        }
        for count in range(1, 9) if len(lists) > 1 else ():
            values = {name: _resized(self._made[key].value, count) for name, key in lists.items()}
            if _comes_out(place, values):
                plan = self._plan
                for name, key in lists.items():
                    plan = plan.setting(key, values[name])
                yield plan
                return

    def _plain_names(self, place: Place) -> Iterator[tuple[str, Key]]:
        """The names in a condition that hold an argument as it was given."""
        assert place.condition is not None
        for node in ast.walk(place.condition):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                held = place.frame.f_locals.get(node.id)
                for key in sorted(place.origins.get(node.id, ())):
                    if key in self._made and self._made[key].value is held:
                        yield node.id, key

    def _candidates(self, key: Key) -> list[Any]:
        value = self._made[key].value
        if isinstance(value, list | tuple) and value:
            return [_resized(value, count) for count in (2, 3, 1, 4, 5, 6)] + [value[0]]
        if not _is_number(value):
            return [idea.value for idea in self._made[key].ideas if idea.kind == "constant"] + [
                [64] * n for n in (2, 3)
            ]
        others = [
            made.value for made in self._made.values() if _is_number(made.value) and made.value != value
        ]
        scaled = (
            [value * 2, value // 2, value * 4, value // 4, value + 1, value - 1]
            if isinstance(value, int)
            else []
        )
        found = [each for each in (*others, *scaled, *_SIZES) if each != value]
        if isinstance(value, int):
            found += [[value, value]]
        hashable = [each for each in found if not isinstance(each, list)]
        return [*dict.fromkeys(hashable), *(each for each in found if isinstance(each, list))]

    def _sizes_in_message(self) -> Iterator[Plan]:
        """Where a message names two sizes that do not fit, one argument gets the size of another."""
        named = [int(number) for number in _NUMBER.findall(self._message)]
        numbers = list(dict.fromkeys(number for number in named if number > 1))
        if len(numbers) < 2 or not isinstance(
            self._failure.error, RuntimeError | ValueError | AssertionError
        ):
            return
        keys = [key for key, made in self._made.items() if _is_number(made.value) and made.value in numbers]
        keys.sort(key=lambda key: key not in self._suspects)
        for key in keys[:4]:
            for number in numbers[:4]:
                if number != self._made[key].value and number <= 4096:
                    yield self._plan.setting(key, number)

    def _other_numbers(self) -> Iterator[Plan]:
        for key in self._numbers()[:3]:
            for value in self._candidates(key)[:3]:
                yield self._plan.setting(key, value)

    def _next_ideas(self) -> Iterator[Plan]:
        """The next idea of each suspect, then of each argument that takes an object."""
        objects = [
            key
            for key, made in self._made.items()
            if made.index >= 0 and made.ideas[made.index].kind in ("module", "modules", "callable")
        ]
        for key in dict.fromkeys([*self._suspects, *objects]):
            made = self._made[key]
            if made.index >= 0 and not isinstance(made.value, Settings):
                yield from self._after(key)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _type_name(value: Any) -> str:
    return value.__name__ if isinstance(value, type) else type(value).__name__


def _resized(values: Sequence[Any], count: int) -> Sequence[Any]:
    """``values`` with ``count`` entries; the last is repeated."""
    count = max(count, 1)
    resized = [*values[:count], *([values[-1]] * (count - len(values)))]
    return tuple(resized) if isinstance(values, tuple) else resized


def _comes_out(place: Place, values: Mapping[str, Any]) -> bool:
    """Whether the condition would come out right if these locals had other values."""
    assert place.condition is not None
    code = compile(ast.Expression(place.condition), "<condition>", "eval")
    # All names are globals here: what a comprehension in the condition reads must be found, too.
    names = {**place.frame.f_globals, **place.frame.f_locals, **values}
    try:
        return bool(eval(code, names)) is place.holds  # noqa: S307 - the condition that the user's code evaluated
    except Exception:  # such a value does not fit either
        return False


def _table_keys(place: Place, value: str) -> list[str]:
    """The keys of the tables on the line in which ``value`` was looked up."""
    found: list[str] = []
    for node in ast.walk(place.statement):
        if isinstance(node, ast.Subscript):
            table = _table(node.value, place.frame)
            if isinstance(table, dict) and not isinstance(table, Settings) and value not in table:
                found += [key for key in table if isinstance(key, str)]
    return found


def _table(node: ast.expr, frame: FrameType) -> Any:
    """What a dotted name means in ``frame``, without running any code; None for other expressions."""
    if isinstance(node, ast.Name):
        return frame.f_locals.get(node.id, frame.f_globals.get(node.id))
    if isinstance(node, ast.Attribute):
        return inspect.getattr_static(_table(node.value, frame), node.attr, None)
    return None
