"""The outline of a model as a graph file: DOT, Mermaid, GraphML, GEXF or node-link JSON."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from skiplint.analysis.structure.outline import Outline, OutlineEdge, OutlineNode

if TYPE_CHECKING:
    import networkx

COLORS = {"additive": "#2e7d32", "concatenative": "#8e24aa", "gated": "#00838f"}
"""Colours of skips by kind, similar to the console report's."""
_PLAIN = "#90a4ae"
_SYMBOLS = {"additive": "+", "concatenative": "cat", "gated": "gate"}
_NAMES_SHOWN = 4
_NODE_STYLE = (
    'shape=box, style="rounded,filled", fillcolor="#eceff1", color="#90a4ae", '
    'fontname="Helvetica", fontsize=11'
)
_DOT_SHAPES = {"input": "ellipse", "output": "ellipse", "join": "circle"}


def render_graph(drawn: Outline, output_format: str) -> str:
    """``drawn`` as text in one of :data:`GRAPH_FORMATS`, with a newline at the end."""
    return GRAPH_FORMATS[output_format](drawn)


def to_networkx(drawn: Outline) -> networkx.MultiDiGraph[str]:
    """The outline with plain attributes, as files can hold them.

    Nodes carry ``label``, ``kind``, ``module``, ``operations`` (how many), ``names``, ``shape`` and ``join``;
    edges ``shape``, ``reads``, ``skip`` (the kind, or ""), ``shortcut``, ``color`` and ``style``.
    """
    import networkx

    graph: networkx.MultiDiGraph[str] = networkx.MultiDiGraph(name=drawn.name)
    for node in drawn.nodes:
        graph.add_node(
            node.id,
            label="\n".join(_lines(node)),
            kind=node.kind,
            module=node.module,
            operations=len(node.operations),
            names=", ".join(node.names),
            shape=_shape(node.shape),
            join=node.join or "",
        )
    for number, edge in enumerate(drawn.edges):
        graph.add_edge(
            edge.source,
            edge.target,
            key=number,
            shape=_shape(edge.shape),
            reads=edge.reads,
            skip=edge.skip or "",
            shortcut=edge.shortcut or "",
            color=_color(edge),
            style="dashed" if edge.shortcut == "projection" else "solid",
        )
    return graph


def _dot(drawn: Outline) -> str:
    rows = [
        f"digraph {_quoted(drawn.name)} {{",
        f"  node [{_NODE_STYLE}];",
        f'  edge [color="{_PLAIN}", fontname="Helvetica", fontsize=9];',
    ]
    for node in drawn.nodes:
        style = {"label": "\n".join(_lines(node)), "shape": _DOT_SHAPES.get(node.kind, "")}
        if node.join:
            style |= {"color": COLORS[node.join], "fillcolor": "#ffffff", "penwidth": "2"}
            style |= {"label": _SYMBOLS[node.join], "tooltip": " ".join(_lines(node)), "margin": "0.02"}
        rows.append(f"  {_quoted(node.id)}{_dot_attributes(style)};")
    for edge in drawn.edges:
        style = {"label": _shape(edge.shape)} if edge.skip else {}
        if edge.skip:
            style |= {"color": _color(edge), "fontcolor": _color(edge), "penwidth": "2"}
            style |= {"style": "dashed"} if edge.shortcut == "projection" else {}
        rows.append(f"  {_quoted(edge.source)} -> {_quoted(edge.target)}{_dot_attributes(style)};")
    return "\n".join([*rows, "}"]) + "\n"


def _dot_attributes(style: dict[str, str]) -> str:
    listed = ", ".join(f"{key}={_quoted(value)}" for key, value in style.items() if value)
    return f" [{listed}]" if listed else ""


def _quoted(text: str) -> str:
    """A quoted DOT string; backslashes are escaped for Graphviz."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _mermaid(drawn: Outline) -> str:
    # Mermaid's ids may not hold dots or words such as `end`, so nodes are numbered.
    numbers = {node.id: f"n{number}" for number, node in enumerate(drawn.nodes)}
    rows = ["flowchart TD", *(f"  {numbers[node.id]}{_mermaid_node(node)}" for node in drawn.nodes)]
    styles = []
    for number, edge in enumerate(drawn.edges):
        arrow = "-.->" if edge.shortcut == "projection" else "==>" if edge.skip else "-->"
        label = f"|{_mermaid_text(_shape(edge.shape))}|" if edge.skip else ""
        rows.append(f"  {numbers[edge.source]} {arrow}{label} {numbers[edge.target]}")
        if edge.skip:
            styles.append(f"  linkStyle {number} stroke:{_color(edge)},stroke-width:3px")
    for kind, color in COLORS.items():
        members = [numbers[node.id] for node in drawn.nodes if node.join == kind]
        if members:
            rows += [
                f"  classDef {kind} stroke:{color},stroke-width:2px",
                f"  class {','.join(members)} {kind}",
            ]
    return "\n".join([*rows, *styles]) + "\n"


def _mermaid_node(node: OutlineNode) -> str:
    if node.join:
        return f'(("{_SYMBOLS[node.join]}"))'
    label = "<br/>".join(_mermaid_text(line) for line in _lines(node))
    return f'(["{label}"])' if node.kind in ("input", "output") else f'["{label}"]'


def _mermaid_text(text: str) -> str:
    """Text inside quotes; Mermaid reads ``#`` as the start of an entity of its own."""
    return html.escape(text.replace("#", "#35;"), quote=False).replace('"', "#quot;")


def _graphml(drawn: Outline) -> str:
    import networkx

    return "\n".join(networkx.generate_graphml(to_networkx(drawn))) + "\n"


def _gexf(drawn: Outline) -> str:
    import networkx

    text = "\n".join(networkx.generate_gexf(to_networkx(drawn))) + "\n"
    # Equal models are to give equal files, on whatever day.
    return re.sub(r' lastmodifieddate="[^"]*"', "", text)


def _json(drawn: Outline) -> str:
    import networkx

    data: dict[str, Any] = networkx.node_link_data(to_networkx(drawn), edges="edges")
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _lines(node: OutlineNode) -> list[str]:
    """The lines of a node's label: its name, its calls, its shape."""
    if node.kind in ("input", "output"):
        first = [node.id]
    else:
        more = len(node.names) - _NAMES_SHOWN
        names = ", ".join(node.names[:_NAMES_SHOWN]) + (" …" if more > 0 else "")
        # A module with one operation is called by its path, so the operation is worth saying.
        first = [node.module or node.id, names] if node.kind != "join" else [node.id, names]
    return [line for line in (*first, _shape(node.shape)) if line]


def _color(edge: OutlineEdge) -> str:
    return COLORS[edge.skip] if edge.skip else _PLAIN


def _shape(shape: tuple[int, ...] | None) -> str:
    return "x".join(str(size) for size in shape) if shape else ""


GRAPH_FORMATS: dict[str, Callable[[Outline], str]] = {
    "dot": _dot,
    "mermaid": _mermaid,
    "graphml": _graphml,
    "json": _json,
    "gexf": _gexf,
}
