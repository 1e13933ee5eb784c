"""Configuration entries that make a target work, ready to be copied."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from skiplint.targets.arguments.parameters import parameters_of, required
from skiplint.targets.arguments.roles import FIRST, WHOLE, role_of
from skiplint.targets.records import SkippedTarget

HEADER = "[[tool.skiplint.models]]"

_OBJECT = re.compile(
    r"(\w+_)?(configs?|cfg|conf|args|opts?|options|hparams|hps|params|settings|blocks?|layers?|modules?|models?|"
    r"nets?|encoder|decoder|backbone|head|tokenizer|norm_layer|act_layer|activation)"
)
"""Names of parameters that take an object of Python, when nothing says otherwise."""
_BY_TYPE: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True, "str": "...", "list": [], "dict": {}}


def missing_arguments(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """The parameters without a default; None where the signature cannot be read (built in C)."""
    parameters = parameters_of(function)
    return None if parameters is None else required(parameters)


def snippet(target: str, missing: list[inspect.Parameter]) -> str:
    """The configuration entry of ``target`` as lines of TOML, with likely values for missing arguments."""
    positional = [p for p in missing if p.kind is p.POSITIONAL_ONLY]
    named = [p for p in missing if p.kind is not p.POSITIONAL_ONLY]
    lines = [HEADER, f"target = {toml(target)}"]
    if positional:
        lines.append(f"args = {toml([_likely(p) for p in positional])}")
    if named:
        lines.append(f"kwargs = {toml({p.name: _likely(p) for p in named})}")
    return "\n".join(lines)


def takes_objects(missing: list[inspect.Parameter]) -> bool:
    """Whether one of the arguments most likely is an object of Python, which TOML cannot hold."""
    return any(_is_object(parameter) for parameter in missing)


def factory_hint(name: str, missing: list[inspect.Parameter]) -> str:
    """The advice to write a function that calls ``name`` with its missing arguments."""
    arguments = ", ".join("..." if p.kind is p.POSITIONAL_ONLY else f"{p.name}=..." for p in missing)
    return f"write a function such as `def small() -> nn.Module: return {name}({arguments})`"


def with_values(skipped: SkippedTarget, failure: str, tried: Mapping[str, Any]) -> SkippedTarget:
    """``skipped``, which says that guesses failed and offers the values that got furthest.

    Args:
        skipped: a model whose arguments are not known.
        failure: what came of the guesses.
        tried: arguments by name; those that TOML cannot hold are left out of the offer.
    """
    needs, _, advice = skipped.reason.partition("; ")
    values = {name: value for name, value in tried.items() if _is_plain(value)}
    if skipped.snippet and len(values) == len(tried) and values:
        lines = "\n".join([HEADER, f"target = {toml(skipped.target)}", f"kwargs = {toml(values)}"])
        advice = f"add {on_one_line(lines)} to pyproject.toml, corrected"
    else:
        lines = skipped.snippet
    return replace(skipped, reason=f"{needs}; {failure}; {advice}", snippet=lines)


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(each) for each in value)
    return isinstance(value, int | float | str)


def inputs_snippet(target: str, inputs: Any) -> str:
    """The configuration entry of ``target`` as lines of TOML, with the inputs of its forward."""
    return "\n".join([HEADER, f"target = {toml(target)}", f"inputs = {toml(inputs)}"])


def on_one_line(toml_lines: str) -> str:
    """A configuration entry as a phrase of a sentence: its header, then its keys."""
    header, *keys = toml_lines.splitlines()
    return f"{header} with {', '.join(keys)}"


def toml(value: Any) -> str:
    """``value`` as TOML on one line (strings, numbers, booleans, lists and tables)."""
    if isinstance(value, dict):
        inside = ", ".join(f"{_key(str(key))} = {toml(item)}" for key, item in value.items())
        return f"{{{inside}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(toml(item) for item in value)}]"
    return json.dumps(value)


def _key(name: str) -> str:
    return (
        name
        if name.replace("_", "a").replace("-", "a").isascii() and name.isidentifier()
        else json.dumps(name)
    )


def _likely(parameter: inspect.Parameter) -> Any:
    value = _by_annotation(parameter)
    if value is None or isinstance(value, int | float):
        number = _number(parameter.name)
        value = value if number is None else number
    return value if value is not None else 1 if parameter.annotation is parameter.empty else "..."


def _is_object(parameter: inspect.Parameter) -> bool:
    if parameter.annotation is parameter.empty:
        alone = parameter.name in ("block", "blocks", "layer", "layers", "head")
        return (alone or _number(parameter.name) is None) and bool(_OBJECT.fullmatch(parameter.name))
    return _by_annotation(parameter) is None and bool(re.fullmatch(r"[\w.]+", _annotation(parameter)))


def _number(name: str) -> Any:
    """The number, or the flag, that an argument of this name usually is; None where it is something else."""
    role = role_of(name)
    told = role in WHOLE or role in ("rate", "ratio", "epsilon", "flag", "off")
    return FIRST.of(role) if told else None


def _by_annotation(parameter: inspect.Parameter) -> Any:
    name = _annotation(parameter).lower()
    return next(
        (value for kind, value in _BY_TYPE.items() if name == kind or name.startswith(kind + "[")), None
    )


def _annotation(parameter: inspect.Parameter) -> str:
    annotation = parameter.annotation
    return annotation if isinstance(annotation, str) else str(getattr(annotation, "__name__", annotation))
