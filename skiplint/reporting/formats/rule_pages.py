"""The documentation of rules: a table and pages for the terminal, and pages in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich import box
from rich.console import Group, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from skiplint.linting.rule import Rule, sections, summary
from skiplint.reporting.formats.console_findings import SEVERITY_STYLES
from skiplint.reporting.formats.style import Style
from skiplint.reporting.formats.terminal import to_text


def rule_table(rules: Sequence[type[Rule]], style: Style) -> str:
    """A table of rules, one row each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in ("code", "name", "severity", "on", "summary"):
        table.add_column(heading, no_wrap=heading != "summary")
    for rule in rules:
        severity = Text(rule.severity.value, style=SEVERITY_STYLES[rule.severity])
        on = "yes" if rule.default else "no"
        table.add_row(rule.code, rule.name, severity, on, summary(rule).replace("`", ""))
    return to_text(table, style)


def rule_page(rule: type[Rule], style: Style) -> str:
    """The documentation of one rule for the terminal."""
    head = Text.assemble(
        (f"{rule.code} {rule.name}", "bold"),
        "  ",
        (rule.severity.value, SEVERITY_STYLES[rule.severity]),
        ("" if rule.default else "  runs only when selected", "dim"),
    )
    parts: list[RenderableType] = [head, Text(), Text(summary(rule).replace("`", ""))]
    for title, text in sections(rule).items():
        parts += [Text(), Text(title, style="bold"), Markdown(text, code_theme="ansi_dark")]
        if title == "Options":
            parts.append(_defaults(rule))
    return to_text(Group(*parts), style)


def markdown_page(rule: type[Rule]) -> str:
    """The page of one rule in the documentation."""
    default = "yes" if rule.default else "no, only when selected"
    parts = [
        f"# {rule.name} ({rule.code})",
        f"Severity: {rule.severity.value}. On by default: {default}.",
        summary(rule),
    ]
    for title, text in sections(rule).items():
        parts += [f"## {title}", text]
        if title == "Options":
            parts.append(_toml_block(rule))
    return "\n\n".join(parts) + "\n"


def markdown_index(rules: Sequence[type[Rule]]) -> str:
    """The table of all rules in the documentation, with links to their pages."""
    rows = [
        f"| [{rule.code}]({rule.name}.md) | {rule.name} | {rule.severity.value} | "
        f"{'yes' if rule.default else 'no'} | {summary(rule)} |"
        for rule in rules
    ]
    head = ["| code | name | severity | on | what it finds |", "|---|---|---|---|---|"]
    return "\n".join(["# Rules", "", *head, *rows]) + "\n"


def _defaults(rule: type[Rule]) -> RenderableType:
    return Markdown(_toml_block(rule), code_theme="ansi_dark")


def _toml_block(rule: type[Rule]) -> str:
    """The options with their defaults, as TOML."""
    values = msgspec.to_builtins(rule.Options())
    lines = [f"[tool.skiplint.rules.{rule.name}]"]
    lines += [f"{key.replace('_', '-')} = {_toml(value)}" for key, value in values.items()]
    return "```toml\n" + "\n".join(lines) + "\n```"


def _toml(value: object) -> str:
    # JSON and TOML agree on the booleans, numbers, strings and lists that options are made of.
    return msgspec.json.encode(value).decode()
