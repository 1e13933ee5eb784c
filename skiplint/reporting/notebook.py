"""A report as HTML for a notebook.

It has no script and loads nothing. Colours are the notebook's own but for the severities, which are white on
a dark ground and readable on light and dark pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from skiplint.display.facts import fact_table
from skiplint.linting.finding import Finding
from skiplint.reporting.facts import CONNECTIONS, SKIP_COLUMNS, model_facts, model_place, totals
from skiplint.reporting.grouping import FindingGroup, group_findings, group_skips
from skiplint.reporting.model_report import ModelReport, SkipReport
from skiplint.reporting.source import source_line

_NODES_SHOWN = 4
_STYLE = """\
.skiplint{font-family:system-ui,sans-serif;font-size:13px;line-height:1.45;max-width:72em}
.skiplint h4{font-size:14px;margin:.9em 0 .3em}
.skiplint table{border-collapse:collapse;margin:.3em 0 .6em;font-size:12px}
.skiplint th,.skiplint td{text-align:left;vertical-align:top;padding:.15em 1em .15em 0;white-space:pre-line}
.skiplint thead th{border-bottom:1px solid rgba(127,127,127,.5)}
.skiplint td.number,.skiplint th.number{text-align:right}
.skiplint tbody th{font-weight:normal;opacity:.75;white-space:nowrap}
.skiplint .finding{border-left:4px solid;padding:.3em .8em;margin:.6em 0;background:rgba(127,127,127,.1)}
.skiplint .finding p{margin:.2em 0}
.skiplint .badge{color:#fff;border-radius:3px;padding:0 .45em;font-weight:600}
.skiplint .error{border-color:#b42318}.skiplint .error .badge{background:#b42318}
.skiplint .warning{border-color:#8a5a00}.skiplint .warning .badge{background:#8a5a00}
.skiplint .info{border-color:#175cd3}.skiplint .info .badge{background:#175cd3}
.skiplint a{color:inherit;text-decoration:underline}
.skiplint pre{margin:.3em 0;overflow-x:auto;background:none;color:inherit;font-size:12px}
.skiplint .place{opacity:.75}
"""


def report_html(models: Sequence[ModelReport], findings: Sequence[Finding], notes: Sequence[str]) -> str:
    """What was found, then every model with its skips, then the notes."""
    parts = [f"<style>{_STYLE}</style>", f"<p><strong>{escape(totals(models, findings))}</strong></p>"]
    parts += [_finding(group) for group in group_findings(findings)]
    parts += [_model(model) for model in models]
    parts += [f"<p>{escape(note)}</p>" for note in notes]
    return '<div class="skiplint">\n' + "\n".join(parts) + "\n</div>\n"


def _finding(group: FindingGroup) -> str:
    finding = group.first
    severity = finding.severity.value
    name = escape(f"{finding.code} {finding.name}")
    if finding.url and finding.url.startswith(("https://", "http://")):
        name = f'<a href="{escape(finding.url)}">{name}</a>'
    rows = [(label, text) for label, text in _notes(group) if text]
    return "\n".join(
        [
            f'<div class="finding {severity}">',
            f'<p><span class="badge">{severity}</span> {name}: ',
            f"<strong>{escape(finding.message)}</strong></p>",
            *_source(finding),
            fact_table(rows),
            "</div>",
        ]
    )


def _source(finding: Finding) -> list[str]:
    place = finding.location
    if place is None:
        return []
    where = ":".join(str(part) for part in (place.path, place.line, place.column) if part is not None)
    line = source_line(place)
    return [f'<p class="place">{escape(where)}</p>'] + (
        [f"<pre>{escape(line.strip())}</pre>"] if line.strip() else []
    )


def _notes(group: FindingGroup) -> list[tuple[str, str]]:
    finding = group.first
    more = len(group.nodes) - _NODES_SHOWN
    nodes = ", ".join(group.nodes[:_NODES_SHOWN]) + (f" and {more} more" if more > 0 else "")
    return [
        ("operands", "  ".join(str(list(shape)) for shape in finding.shapes)),
        ("expected", finding.expected or ""),
        ("actual", finding.actual or ""),
        ("at", nodes),
        ("help", finding.suggestion or ""),
    ]


def _model(model: ModelReport) -> str:
    parts = [f'<h4>{escape(model.name)} <span class="place">{escape(model_place(model))}</span></h4>']
    if model.status != "traced":
        return "\n".join([*parts, f"<p>{model.status}: {escape(model.reason or '')}</p>"])
    parts.append(fact_table(model_facts(model)))
    if model.skips:
        parts.append(_skips(model.skips))
    return "\n".join(parts)


def _skips(skips: Sequence[SkipReport]) -> str:
    several = any(skip.connections > 1 for skip in skips)
    columns = [column for column in SKIP_COLUMNS if several or column is not CONNECTIONS]
    kinds = [' class="number"' if column.number else "" for column in columns]
    head = "".join(f"<th{kind}>{column.title}</th>" for column, kind in zip(columns, kinds, strict=True))
    rows = [
        "".join(
            f"<td{kind}>{escape(column.cell(group))}</td>"
            for column, kind in zip(columns, kinds, strict=True)
        )
        for group in group_skips(skips)
    ]
    body = "".join(f"<tr>{row}</tr>\n" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>"
