"""What skiplint says about a run itself (SKL0xx); the engine makes these findings, no check does."""

from __future__ import annotations

from collections.abc import Iterator

from skiplint.analysis.analysis import Analysis
from skiplint.linting.finding import Finding, Severity
from skiplint.linting.rule import Rule


class ToolRule(Rule):
    """A rule about the run, not about the model."""

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Nothing: the engine knows."""
        del analysis
        yield from ()


class UnusedSuppression(ToolRule):
    """A `skiplint: ignore` comment that suppresses nothing.

    ## What it does
    Reports a `# skiplint: ignore[...]` comment in a linted file when none of the rules that it names found
    anything on its line, on its statement, or in the class whose line it stands on. Rules that did not run
    are not held against it.

    ## Why it is bad
    The reason for the comment is gone, but it will hide the next real finding there.

    ## Use instead
    Remove the comment, or the codes that are not needed.

    ## When it is wrong
    A finding that depends on the inputs may be there for some inputs only.
    """

    code = "SKL001"
    name = "unused-suppression"
    severity = Severity.WARNING


class RuleFailed(ToolRule):
    """A rule that raised or could not be loaded.

    ## What it does
    Reports a rule that ended in an exception, or a rule pack that could not be imported. The other rules
    go on, and the exit code is 2.

    ## Why it is bad
    What that rule would have found is not in the report.

    ## Use instead
    Run with `--verbose` for the traceback and send it to the author of the rule. Until it is mended, leave
    the rule out with `--ignore`.

    ## When it is wrong
    Never: the rule did fail.
    """

    code = "SKL002"
    name = "rule-failed"
    severity = Severity.ERROR


TOOL_RULES: tuple[type[Rule], ...] = (UnusedSuppression, RuleFailed)
