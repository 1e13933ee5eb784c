"""SKL405 memory-budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from skiplint.rules_api import (
    Analysis,
    Budget,
    Finding,
    Rule,
    RuleOptions,
    Severity,
    SizeError,
    Verdict,
    byte_size,
    flag,
    judge,
    parse_bytes,
)

_BLAMED = 3


class MemoryBudget(Rule):
    """Training does not fit into the memory that is there for it.

    ## What it does
    Adds up what a training step needs at the same time: weights and buffers, gradients of the trained
    weights, what the optimizer keeps, what autograd saves for the backward pass, and the inputs. Reports by
    how much that is more than `budget`, the largest batch that fits, and the joins of which most is kept.
    Runs only with a budget: `skiplint check --memory-budget 16GiB --batch 32`, or in the configuration.

    The largest batch is exact under this sum: it is found by a line through two traces and confirmed by
    tracing the model at that batch and at one more.

    ## Why it is bad
    The first step of the training ends in an out-of-memory error, often after an hour in a queue.

    ## Options
    `budget`: the bytes that are there, such as "16GiB" or "24GB"; empty means that nothing is checked.
    `batch`: the batch size to train with; that of the traced inputs by default.
    `optimizer`: "adam" keeps two numbers for every weight, "sgd" one (momentum), "none" nothing.

    ## When it is wrong
    The sum is in the precision of the traced model, and leaves out what the backward pass makes and frees on
    its way, workspaces of kernels, the allocator's rounding and the CUDA context (some hundred MiB): give a
    budget that leaves room for these. Mixed precision, sharding and offloading need less.
    """

    code = "SKL405"
    name = "memory-budget"
    severity = Severity.ERROR
    depends_on_sizes = True

    class Options(RuleOptions, frozen=True):
        """What is there, and what is to be trained with."""

        budget: Annotated[str, flag("--memory-budget")] = ""
        batch: Annotated[int | None, flag("--batch")] = None
        optimizer: Annotated[Literal["adam", "sgd", "none"], flag("--optimizer")] = "adam"

        def __post_init__(self) -> None:
            """Refuse what is no size.

            Raises:
                ValueError: ``budget`` is not such as 16GiB, or ``batch`` not positive.
            """
            if self.budget:
                parse_bytes(self.budget)
            if self.batch is not None and self.batch < 1:
                raise ValueError(f"batch must be at least 1, not {self.batch}")

    options: Options
    example_options: ClassVar[Mapping[str, Any]] = {"budget": "64MiB", "batch": 32}

    def check(self, analysis: Analysis) -> Iterator[Finding]:
        """Measure the step, if there is a budget."""
        if not self.options.budget or analysis.graph.faults:
            return
        budget = Budget(parse_bytes(self.options.budget), self.options.batch, self.options.optimizer)
        try:
            verdict = judge(analysis, budget)
        except SizeError as error:
            yield self.finding(
                f"whether a batch of {budget.batch} fits cannot be told: {error}",
                suggestion="leave --batch out to check the batch of the example inputs",
            )
            return
        if not verdict.fits:
            yield self._finding(verdict)

    def _finding(self, verdict: Verdict) -> Finding:
        step = verdict.step
        return self.finding(
            f"training with batch {step.batch} takes {byte_size(step.total)}, {byte_size(verdict.over)} more "
            f"than the budget of {byte_size(verdict.budget.nbytes)}: {step}",
            node=verdict.joins[0].operation if verdict.joins else None,
            expected=f"at most {verdict.budget.nbytes:,} bytes",
            actual=f"{step.total:,} bytes",
            suggestion=_advice(verdict),
        )

    bad = (
        """
        import torch
        from torch import nn


        class UNet(nn.Module):
            def __init__(self, width=16):
                super().__init__()
                self.first = nn.Conv2d(3, width, 3, padding=1)
                self.down, self.deep = nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1)
                self.up, self.last = nn.Upsample(scale_factor=2), nn.Conv2d(2 * width, 2, 3, padding=1)

            def forward(self, x):
                skip = torch.relu(self.first(x))
                deep = torch.relu(self.deep(self.down(skip)))
                return self.last(torch.cat([skip, self.up(deep)], 1))  # SKL405


        model = UNet()
        inputs = (torch.randn(1, 3, 128, 128),)
        """,
    )
    good = (
        """
        import torch
        from torch import nn


        class UNet(nn.Module):
            def __init__(self, width=4):
                super().__init__()
                self.first = nn.Conv2d(3, width, 3, padding=1)
                self.down, self.deep = nn.MaxPool2d(2), nn.Conv2d(width, width, 3, padding=1)
                self.up, self.last = nn.Upsample(scale_factor=2), nn.Conv2d(2 * width, 2, 3, padding=1)

            def forward(self, x):
                skip = torch.relu(self.first(x))
                deep = torch.relu(self.deep(self.down(skip)))
                return self.last(torch.cat([skip, self.up(deep)], 1))


        model = UNet()
        inputs = (torch.randn(1, 3, 128, 128),)
        """,
    )


def _advice(verdict: Verdict) -> str:
    """The largest batch, and what holds most."""
    fits = {None: "no smaller batch can be tried", 0: "not even a batch of 1 fits"}
    largest = fits.get(verdict.largest, f"the largest batch that fits is {verdict.largest}")
    joins = ", ".join(f"{each.operation.id} {byte_size(each.nbytes)}" for each in verdict.joins[:_BLAMED])
    return f"{largest}; the joins whose results take most: {joins}" if joins else largest
