"""Rules in SARIF: skiplint's own in the driver, those of other packs in extensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from skiplint.linting.finding import Finding, Severity
from skiplint.linting.registry import Registry
from skiplint.linting.rule import Rule, sections, summary

_OWN = frozenset({"skiplint", "skiplint_rules"})
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}
_PROBLEMS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "recommendation"}


class RuleIndex:
    """The descriptions of rules in the log, and how results refer to them."""

    def __init__(self, findings: Sequence[Finding], registry: Registry) -> None:
        """Describe the rules that ``findings`` name; one that ``registry`` lacks, by the finding itself."""
        self.own: list[dict[str, Any]] = []
        self.extensions: list[dict[str, Any]] = []
        self._references: dict[str, dict[str, Any]] = {}
        examples: dict[str, Finding] = {}
        for finding in findings:
            examples.setdefault(finding.code, finding)
        for code in sorted(examples):
            self._add(examples[code], registry.find(code))

    def reference(self, finding: Finding) -> dict[str, Any]:
        """The properties by which a result names its rule."""
        return self._references[finding.code]

    def _add(self, finding: Finding, rule: type[Rule] | None) -> None:
        pack = rule.__module__.partition(".")[0] if rule is not None else "skiplint"
        described = _describe(rule) if rule is not None else _bare(finding)
        if pack in _OWN:
            self._references[finding.code] = {"ruleId": finding.code, "ruleIndex": len(self.own)}
            self.own.append(described)
            return
        names = [extension["name"] for extension in self.extensions]
        if pack not in names:
            names.append(pack)
            self.extensions.append({"name": pack, "rules": []})
        place = names.index(pack)
        rules = self.extensions[place]["rules"]
        self._references[finding.code] = {
            "ruleId": finding.code,
            "rule": {"id": finding.code, "index": len(rules), "toolComponent": {"index": place}},
        }
        rules.append(described)


def _describe(rule: type[Rule]) -> dict[str, Any]:
    short = summary(rule)
    parts = sections(rule)
    described: dict[str, Any] = {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": short.replace("`", "")},
        "fullDescription": {"text": parts.get("What it does", short)},
        "help": {
            "text": "\n\n".join(f"{title}\n{text}" for title, text in parts.items()) or short,
            "markdown": "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items()) or short,
        },
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": ["pytorch"], "problem.severity": _PROBLEMS[rule.severity]},
    }
    if rule.url:
        described["helpUri"] = rule.url
    return described


def _bare(finding: Finding) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": finding.code,
        "name": finding.name,
        "shortDescription": {"text": finding.name},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
    }
    if finding.url:
        described["helpUri"] = finding.url
    return described
