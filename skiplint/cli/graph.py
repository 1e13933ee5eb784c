"""``skiplint graph``: a model's graph in a format that other programs draw."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from skiplint.analysis.structure.outline import DEFAULT_DEPTH, outline
from skiplint.cli import output
from skiplint.cli.failures import UsageError, complain_of, exit_code
from skiplint.cli.options import OUTPUT, ConfigFile, ModelArguments, OutputFile, Verbose, option
from skiplint.cli.progress import progress
from skiplint.linting.registry import Registry
from skiplint.reporting.report import ModelReport
from skiplint.run.check import check as check_targets
from skiplint.run.outcome import Outcome, untraced
from skiplint.run.request import Request
from skiplint.settings.precedence import effective_settings
from skiplint.settings.settings import ExitCode, Settings

if TYPE_CHECKING:
    from skiplint.analysis.analysis import Analysis


class GraphFormat(str, Enum):
    """How a graph is written."""

    DOT = "dot"
    MERMAID = "mermaid"
    GRAPHML = "graphml"
    JSON = "json"
    GEXF = "gexf"


def graph(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="One model, such as `model.py:UNet`.")],
    *,
    graph_format: Annotated[
        GraphFormat,
        option(OUTPUT, "How to write the graph.", "--format", "--output-format"),
    ] = GraphFormat.DOT,
    depth: Annotated[
        int,
        option(
            OUTPUT,
            "Draw modules at this depth as one node; 0 shows only skips, 99 every operation.",
            min=0,
        ),
    ] = DEFAULT_DEPTH,
    model: ModelArguments,
    output_file: OutputFile = None,
    config: ConfigFile = None,
    verbose: Verbose = False,
) -> None:
    """Write a model's graph for Graphviz, Mermaid, yEd, Gephi or a program of your own.

    Modules at a depth are drawn as one node, joins always as nodes of their own. Skips are coloured by kind
    (additive green, concatenative purple, gated blue), and projections are dashed.

    **Examples**

    `skiplint graph torchvision.models:resnet50 | dot -Tsvg -o resnet50.svg`

    `skiplint graph model.py:UNet --format mermaid --depth 1`
    """
    from skiplint.reporting.formats.graphs import render_graph

    settings = Settings(models=effective_settings([target], config=config).settings.models)
    args, kwargs = model.parsed()
    request = Request([target], settings, args, kwargs)
    analyses: list[Analysis] = []

    def keep(analysis: Analysis, report: ModelReport) -> Outcome:
        analyses.append(analysis)
        return untraced(report)

    with output.stdout_to_stderr(aloud=verbose), progress() as follower:
        report = check_targets(request, registry=Registry(()), follower=follower, make=keep)
    if len(analyses) > 1:
        names = ", ".join(each.target for each in report.models if each.status == "traced")
        raise UsageError(f"{target} has several models, and graph draws one; choose one of {names}")
    complain_of(report, verbose=verbose, rules=True)
    if not analyses:
        for each in report.models:
            if each.status == "skipped":
                raise UsageError(f"{each.target} was skipped: {each.reason}")
        raise typer.Exit(ExitCode.ERROR)
    analysis = analyses[0]
    drawn = outline(analysis.graph, analysis.skips, depth)
    output.emit(render_graph(drawn, graph_format.value), output_file)
    raise typer.Exit(exit_code(report, settings.fail_on))
