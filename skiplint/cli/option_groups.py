"""Commands take their options as objects: frozen dataclasses, each field of which is one option.

Typer makes an option of each parameter of a command and knows no dataclasses. :func:`flattened` joins the
two. The fields are annotated as parameters would be: ``Annotated[bool, typer.Option(help=...)]``.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from inspect import Parameter, Signature
from typing import Any, get_type_hints

Command = Callable[..., None]


def flattened(command: Command) -> Command:
    """A function for typer that has one parameter for each field of the option groups of ``command``.

    The other parameters stay as they are. When the function is called, it builds the groups from the values
    of their fields and calls ``command``.

    Raises:
        ValueError: two parameters or fields have the same name.
    """
    # Keyword only, because a parameter without a default may then follow one with a default.
    parameters = [
        each.replace(kind=Parameter.KEYWORD_ONLY)
        for each in inspect.signature(command, eval_str=True).parameters.values()
    ]
    groups = {each.name: each.annotation for each in parameters if _is_group(each.annotation)}

    @functools.wraps(command)
    def flat(**values: Any) -> None:
        built = {
            name: group(**{field.name: values.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **built)

    shown = [
        single
        for each in parameters
        for single in (_of_group(each.annotation) if each.name in groups else (each,))
    ]
    flat.__signature__ = Signature(shown)  # type: ignore[attr-defined]
    flat.__annotations__ = {each.name: each.annotation for each in shown}
    return flat


def _is_group(annotation: Any) -> bool:
    return isinstance(annotation, type) and is_dataclass(annotation)


def _of_group(group: type[Any]) -> Iterator[Parameter]:
    hints = get_type_hints(group, include_extras=True)
    for field in fields(group):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        yield Parameter(
            field.name,
            Parameter.KEYWORD_ONLY,
            default=Parameter.empty if default is MISSING else default,
            annotation=hints[field.name],
        )
