"""The configuration that makes a target work, ready to be copied."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from typing import Any

HEADER = "[[tool.skiplint.models]]"

# What a missing argument usually is; a place to start from, to be replaced by the user.
_LIKELY: dict[str, Any] = {
    "in_channels": 3,
    "in_chans": 3,
    "input_channels": 3,
    "n_channels": 3,
    "in_ch": 3,
    "inp": 16,
    "inplanes": 16,
    "planes": 16,
    "channels": 16,
    "dim": 64,
    "d_model": 64,
    "hidden_size": 64,
    "hidden_dim": 64,
    "embed_dim": 64,
    "vocab_size": 1000,
    "num_classes": 10,
    "n_classes": 10,
    "out_channels": 10,
    "depth": 2,
    "num_layers": 2,
    "n_layers": 2,
    "num_heads": 4,
    "n_heads": 4,
    "heads": 4,
    "nhead": 4,
    "mlp_dim": 128,
    "dim_head": 16,
    "image_size": 224,
    "img_size": 224,
    "patch_size": 16,
    "dropout": 0.1,
}
_BY_TYPE: dict[str, Any] = {"int": 1, "float": 0.5, "bool": True, "str": "...", "list": [], "dict": {}}


def missing_arguments(function: Callable[..., Any]) -> list[inspect.Parameter] | None:
    """Parameters without a default; None where the signature cannot be read (built in C)."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    variadic = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [p for p in parameters if p.default is p.empty and p.kind not in variadic]


def snippet(target: str, missing: list[inspect.Parameter]) -> str:
    """The configuration entry with a likely value for each missing argument."""
    positional = [p for p in missing if p.kind is p.POSITIONAL_ONLY]
    named = [p for p in missing if p.kind is not p.POSITIONAL_ONLY]
    lines = [HEADER, f"target = {toml(target)}"]
    if positional:
        lines.append(f"args = {toml([_likely(p) for p in positional])}")
    if named:
        lines.append(f"kwargs = {toml({p.name: _likely(p) for p in named})}")
    return "\n".join(lines)


def inputs_snippet(target: str, inputs: Any) -> str:
    """The configuration entry that gives a model its inputs."""
    return "\n".join([HEADER, f"target = {toml(target)}", f"inputs = {toml(inputs)}"])


def on_one_line(toml_lines: str) -> str:
    """The entry inside a sentence: the header, and then its keys."""
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
    if parameter.name in _LIKELY:
        return _LIKELY[parameter.name]
    annotation = parameter.annotation
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    for kind, value in _BY_TYPE.items():
        if name.lower() == kind or name.lower().startswith(kind + "["):
            return value
    return 1 if annotation is parameter.empty else "..."
