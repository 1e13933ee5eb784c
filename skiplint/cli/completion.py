"""What the shell completes: codes and names of rules, and the options of ``check`` if it is left out."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence

from skiplint.linting.registry import load_registry
from skiplint.linting.rule import summary

COMPLETE_VARIABLE = "_SKIPLINT_COMPLETE"
"""Set by the shell's completion script; the words typed so far are in other variables."""
_BASH_WORDS, _BASH_INDEX = "COMP_WORDS", "COMP_CWORD"
_WORDS = "_TYPER_COMPLETE_ARGS"


def complete_rules(incomplete: str) -> list[tuple[str, str]]:
    """Rules that continue the last word of ``SKL2,plain-d``, each by code and by name, with its summary."""
    before, comma, last = incomplete.rpartition(",")
    return [(f"{before}{comma}{key}", about) for key, about in complete_rule(last)]


def complete_rule(incomplete: str) -> list[tuple[str, str]]:
    """Rules that start with ``incomplete`` in any case, each by code and by name, with its summary."""
    return [
        (key, summary(rule).replace("`", ""))
        for rule in load_registry().rules
        for key in (rule.code, rule.name)
        if key.lower().startswith(incomplete.lower())
    ]


def with_command(
    variables: Mapping[str, str], with_default: Callable[[Sequence[str]], list[str]]
) -> dict[str, str]:
    """The changed variables of a completion, with ``check`` put in if the typed words leave the command out.

    Empty if nothing changes, also while the first word is being typed, which may become a command.
    """
    if _BASH_WORDS in variables:
        words, index = shlex.split(variables[_BASH_WORDS]), int(variables[_BASH_INDEX])
        if index < 2:
            return {}
        full = [words[0], *with_default(words[1:])]
        return {_BASH_WORDS: shlex.join(full), _BASH_INDEX: str(index + len(full) - len(words))}
    text = variables.get(_WORDS, "")
    words = text.split()
    if len(words) < 2 or (len(words) == 2 and not text.endswith(" ")):
        return {}
    added = with_default(words[1:2])[:-1]
    return {_WORDS: text.replace(words[0], " ".join([words[0], *added]), 1)}


def complete_default_command(with_default: Callable[[Sequence[str]], list[str]]) -> None:
    """Complete ``skiplint model.py --sel`` as if it were ``skiplint check model.py --sel``."""
    if COMPLETE_VARIABLE in os.environ:
        os.environ.update(with_command(os.environ, with_default))
