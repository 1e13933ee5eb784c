"""Graph files, read back by other programs."""

from __future__ import annotations

import html
import io
import json
import re
from collections import Counter

import networkx
import pydot
import pytest
from syrupy.assertion import SnapshotAssertion

from skiplint.analysis.structure.outline import Outline, OutlineEdge, OutlineNode
from skiplint.reporting.formats.graphs import COLORS, GRAPH_FORMATS, render_graph, to_networkx

HARD = 'a "b" \\N <c> #1 & end; --> é | ['
DRAWN = Outline(
    "net.py:Net",
    (
        OutlineNode("input/x", "input", "", (0,), ("input",), (1, 3, 8, 8)),
        OutlineNode("stem", "module", "stem", (1, 2, 3, 4, 5), ("a", "b", "c", "d", "e"), (1, 4, 8, 8)),
        OutlineNode(HARD, "operation", HARD, (6,), ("conv2d",), (1, 4, 8, 8)),
        OutlineNode("project", "operation", "project", (7,), ("conv2d",), (1, 4, 8, 8)),
        OutlineNode("add_", "join", "", (8,), ("add_",), (1, 4, 8, 8), "additive"),
        OutlineNode("cat", "join", "", (9,), ("cat",), (1, 8, 8, 8), "concatenative"),
        OutlineNode("output", "output", "", (10,), ("output",), None),
    ),
    (
        OutlineEdge("input/x", "stem", (1, 3, 8, 8), 1),
        OutlineEdge("stem", HARD, (1, 4, 8, 8), 1),
        OutlineEdge("stem", "project", (1, 4, 8, 8), 1, "additive", "projection"),
        OutlineEdge(HARD, "add_", (1, 4, 8, 8), 1),
        OutlineEdge("project", "add_", (1, 4, 8, 8), 1, "additive", "projection"),
        OutlineEdge("add_", "cat", (1, 4, 8, 8), 1),
        OutlineEdge("add_", "cat", (1, 4, 8, 8), 1, "concatenative", "identity"),
        OutlineEdge("cat", "output", (1, 8, 8, 8), 2),
    ),
)
PAIRS = Counter((edge.source, edge.target) for edge in DRAWN.edges)


@pytest.mark.parametrize("output_format", GRAPH_FORMATS)
def test_golden(output_format: str, snapshot: SnapshotAssertion) -> None:
    # GEXF names its writer, and Python 3.10 has another version of it.
    assert re.sub(r"NetworkX [\d.]+", "NetworkX", render_graph(DRAWN, output_format)) == snapshot


def read_back(output_format: str) -> networkx.MultiDiGraph[str]:
    text = render_graph(DRAWN, output_format)
    if output_format == "json":
        return networkx.node_link_graph(json.loads(text), edges="edges")
    stream = io.BytesIO(text.encode())
    if output_format == "gexf":
        return networkx.read_gexf(stream)
    return networkx.read_graphml(stream, force_multigraph=True)


@pytest.mark.parametrize("output_format", ["graphml", "gexf", "json"])
def test_networkx_reads_the_same_graph(output_format: str) -> None:
    wanted, found = to_networkx(DRAWN), read_back(output_format)
    assert list(found) == list(wanted)
    assert Counter(found.edges()) == PAIRS
    for node, attributes in wanted.nodes(data=True):
        assert attributes.items() <= found.nodes[node].items()
    colours = Counter((u, v, data["color"], data["style"]) for u, v, data in found.edges(data=True))
    assert colours["stem", "project", COLORS["additive"], "dashed"] == 1
    assert colours["add_", "cat", COLORS["concatenative"], "solid"] == 1


def plain(text: str) -> str:
    """What stands in a DOT string."""
    return re.sub(r"\\(.)", lambda match: match[1], text.strip('"'))


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pydot")
def test_dot_parses() -> None:
    (graph,) = pydot.graph_from_dot_data(render_graph(DRAWN, "dot"))
    names = [plain(node.get_name()) for node in graph.get_nodes() if node.get_name() not in ("node", "edge")]
    assert names == [node.id for node in DRAWN.nodes]
    edges = graph.get_edges()
    assert Counter((plain(edge.get_source()), plain(edge.get_destination())) for edge in edges) == PAIRS
    dashed = [edge for edge in edges if edge.get("style")]
    assert {plain(edge.get("color")) for edge in dashed} == {COLORS["additive"]}
    assert len(dashed) == 2


def test_mermaid_has_every_node_and_edge() -> None:
    head, *lines = render_graph(DRAWN, "mermaid").splitlines()
    assert head == "flowchart TD"
    nodes = [match for line in lines if (match := re.fullmatch(r'  n(\d+)[(\[]+"(.*)"[)\]]+', line))]
    assert len(nodes) == len(DRAWN.nodes)
    label = nodes[2][2].split("<br/>")[0].replace("#quot;", '"').replace("#35;", "#")
    assert html.unescape(label) == HARD
    arrows = [match for line in lines if (match := re.fullmatch(r"  n(\d+) ([-=.]+>)(\|.*\|)? n(\d+)", line))]
    ids = [node.id for node in DRAWN.nodes]
    assert Counter((ids[int(match[1])], ids[int(match[4])]) for match in arrows) == PAIRS
    assert [match[2] for match in arrows].count("-.->") == 2
    styles = [line for line in lines if line.startswith("  linkStyle")]
    assert [line.split()[1] for line in styles] == ["2", "4", "6"]


def test_nothing_of_the_day_is_in_a_file() -> None:
    assert "lastmodified" not in render_graph(DRAWN, "gexf")
