"""``skiplint rules`` and ``skiplint explain``: the rules, without importing torch."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from skiplint.cli import options, output
from skiplint.cli.completion import complete_rule
from skiplint.cli.failures import UsageError, complain
from skiplint.linting.registry import Registry, load_registry
from skiplint.linting.rule import Rule, summary
from skiplint.linting.selection import did_you_mean
from skiplint.reporting.formats.rule_pages import rule_page, rule_table
from skiplint.settings.settings import ExitCode


def rules(
    output_format: options.AsList = options.ListFormat.CONSOLE,
    color: options.WhenColor = options.Color.AUTO,
) -> None:
    """List the rules of all installed packs.

    **Examples**

    `skiplint rules`

    `skiplint rules --output-format json`
    """
    registry = load_registry()
    if output_format is options.ListFormat.JSON:
        text = json.dumps([_rule_dict(rule) for rule in registry.rules], indent=2) + "\n"
    else:
        text = rule_table(registry.rules, output.style_for(color, file=None))
    output.emit(text, None)
    raise typer.Exit(_complain_of_packs(registry))


def explain(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE", help="A code such as `SKL205`, or a name.", autocompletion=complete_rule
        ),
    ],
    color: options.WhenColor = options.Color.AUTO,
) -> None:
    """Explain one rule: what it finds, why that is bad, an example, and what to write instead.

    **Examples**

    `skiplint explain SKL205`

    `skiplint explain plain-depth`
    """
    registry = load_registry()
    found = registry.find(rule)
    if found is None:
        _complain_of_packs(registry)
        hint = did_you_mean(rule, registry.keys) or "; `skiplint rules` lists them"
        raise UsageError(f"there is no rule {rule!r}{hint}")
    output.emit(rule_page(found, output.style_for(color, file=None)), None)


def _rule_dict(rule: type[Rule]) -> dict[str, Any]:
    return {
        "code": rule.code,
        "name": rule.name,
        "severity": rule.severity.value,
        "default": rule.default,
        "summary": summary(rule),
        "url": rule.url,
    }


def _complain_of_packs(registry: Registry) -> ExitCode:
    for failure in registry.failures:
        complain(f"{failure.what} {failure.reason}")
    return ExitCode.ERROR if registry.failures else ExitCode.OK
