"""``skiplint graph``: a model's graph as a file that other programs draw."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from skiplint.analysis.structure.outline import DEFAULT_DEPTH, outline
from skiplint.cli import options, output
from skiplint.cli.failures import UsageError, complain_of, exit_code
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
    target: Annotated[
        str, typer.Argument(metavar="TARGET", help="One model, such as `model.py:UNet`.", show_default=False)
    ],
    graph_format: Annotated[
        GraphFormat,
        typer.Option(
            "--format", "--output-format", help="How to write the graph.", rich_help_panel=options.OUTPUT
        ),
    ] = GraphFormat.DOT,
    depth: Annotated[
        int,
        typer.Option(
            min=0,
            help="Draw modules that are this deep as one node; 0 shows skips only, 99 every operation.",
            rich_help_panel=options.OUTPUT,
        ),
    ] = DEFAULT_DEPTH,
    args: options.Args = "",
    kwargs: options.Kwargs = "",
    output_file: options.OutputFile = None,
    config: options.Config = None,
    verbose: options.Verbose = False,
) -> None:
    """Write a model's graph for Graphviz, Mermaid, yEd, Gephi or a program of your own.

    Modules are put together to a depth; joins stay single, and skips are coloured by kind (additive green,
    concatenative purple, gated blue), projections dashed.

    **Examples**

    `skiplint graph torchvision.models:resnet50 | dot -Tsvg -o resnet50.svg`

    `skiplint graph model.py:UNet --format mermaid --depth 1`
    """
    from skiplint.reporting.formats.graphs import render_graph

    settings = Settings(models=effective_settings([target], config=config).settings.models)
    positional, named = options.build_arguments(args, kwargs)
    analyses: list[Analysis] = []

    def keep(analysis: Analysis, report: ModelReport) -> Outcome:
        analyses.append(analysis)
        return untraced(report)

    request = Request([target], settings, positional, named)
    with output.stdout_to_stderr(), progress() as next_model:
        report = check_targets(request, registry=Registry(()), progress=next_model, make=keep)
    if len(analyses) > 1:
        names = ", ".join(model.target for model in report.models if model.status == "traced")
        raise UsageError(f"{target} has several models, and a graph is of one; choose one of {names}")
    complain_of(report, verbose=verbose, rules=True)
    if not analyses:
        for model in report.models:
            if model.status == "skipped":
                raise UsageError(f"{model.target} was skipped: {model.reason}")
        raise typer.Exit(ExitCode.ERROR)
    analysis = analyses[0]
    drawn = outline(analysis.graph, analysis.skips, depth)
    output.emit(render_graph(drawn, graph_format.value), output_file)
    raise typer.Exit(exit_code(report, settings.fail_on))
