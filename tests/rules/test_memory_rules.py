"""SKL401 to SKL405 beyond their own examples."""

from __future__ import annotations

import re

import pytest
import torch
import torchvision
from skiplint_rules.concat_blowup import ConcatBlowup
from skiplint_rules.concat_then_pointwise import ConcatThenPointwise
from skiplint_rules.long_lived_skip import LongLivedSkip
from skiplint_rules.memory_budget import MemoryBudget
from skiplint_rules.repeated_concat import RepeatedConcat
from torch import Tensor, nn

from skiplint import Severity, analyze
from skiplint.analysis.memory.byte_sizes import byte_size
from skiplint.linting.registry import load_registry
from skiplint.testing import findings_of


class Growing(nn.Module):
    def __init__(self, steps: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(4 * (each + 1), 4, 1) for each in range(steps))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.cat([x, layer(x).relu()], 1)
        return x


IMAGE = torch.randn(1, 4, 16, 16)
KB = 4 * 16 * 16 * 4


def test_only_those_that_are_no_matter_of_taste_run_by_default() -> None:
    rules = {rule.code: rule for rule in load_registry().rules if rule.code.startswith("SKL4")}
    assert {code for code, rule in rules.items() if rule.default} == {"SKL401", "SKL405"}
    assert {code for code, rule in rules.items() if rule.severity is not Severity.INFO} == {"SKL405"}


def test_blowup_names_the_chain_and_says_the_figures_that_were_measured() -> None:
    model = Growing(8)
    (finding,) = findings_of(ConcatBlowup(), model, IMAGE)
    allocated, distinct = sum(range(2, 10)) * KB, 9 * KB
    assert finding.message == (
        f"8 concatenations from cat to cat_7 allocate {byte_size(allocated)} for {byte_size(distinct)} of "
        f"features (x{allocated / distinct:.1f}); the output of input/x is copied 8 times"
    )
    memory = analyze(model, IMAGE).memory
    savings = {each.remedy: each for each in memory.rewriter.savings(memory.chains[0].joins)}
    assert finding.suggestion is not None
    for part in (
        f"checkpointing of 7 concatenations: {byte_size(savings['checkpoint'].saved)} less for backward",
        f"one pre-allocated buffer of 8 concatenations: {byte_size(savings['buffer'].peak)} off the peak",
        f"sums of convolutions of the parts at 7 of them: {byte_size(savings['sum'].saved)} less",
    ):
        assert part in finding.suggestion


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({}, 1),
        ({"ratio": 4.9}, 0),
        ({"share": 1.5}, 0),
        ({"ratio": 99.0, "bytes": f"{44 * KB}"}, 1),
        ({"ratio": 99.0, "bytes": f"{44 * KB + 1}"}, 0),
    ],
)
def test_blowup_has_limits(options: dict[str, object], found: int) -> None:
    rule = ConcatBlowup(ConcatBlowup.Options(**options))  # type: ignore[arg-type]
    assert len(findings_of(rule, Growing(8), IMAGE)) == found


def test_a_densenet_is_told_what_it_costs_and_no_more() -> None:
    model = torchvision.models.densenet121(weights=None).eval()
    findings = findings_of(ConcatBlowup(), model, torch.randn(1, 3, 64, 64))
    assert {finding.severity for finding in findings} == {Severity.INFO}
    assert all(re.search(r"checkpointing of \d+ concat", finding.suggestion or "") for finding in findings)


def test_repeated_counts_nested_copies() -> None:
    (finding,) = findings_of(RepeatedConcat(), Growing(4), IMAGE)
    assert "the output of input/x (4.0 KiB) is copied 4 times" in finding.message
    assert findings_of(RepeatedConcat(), Growing(3), IMAGE) == []
    assert findings_of(RepeatedConcat(RepeatedConcat.Options(copies=3)), Growing(3), IMAGE)


def test_stock_models_that_are_not_dense() -> None:
    model = torchvision.models.resnet18(weights=None).eval()
    for rule in (ConcatBlowup(), ConcatThenPointwise(), RepeatedConcat()):
        assert findings_of(rule, model, torch.randn(1, 3, 64, 64)) == []


class Heads(nn.Module):
    """What ``use`` says is done with the concatenation."""

    def __init__(self, use: str) -> None:
        super().__init__()
        self.use = use
        self.point, self.other = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)
        self.wide, self.linear = nn.Conv2d(8, 4, 3), nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        if self.use == "linear":
            return self.linear(torch.cat([x.relu(), x.tanh()], -1))
        joined = torch.cat([x.relu(), x.tanh()], 1)
        if self.use == "two":
            return self.point(joined) + self.other(joined)
        if self.use == "wide too":
            return self.point(joined), self.wide(joined)
        return (self.point(joined), joined) if self.use == "returned" else self.point(joined)


@pytest.mark.parametrize(
    ("use", "found"), [("one", 1), ("two", 1), ("linear", 1), ("wide too", 0), ("returned", 0)]
)
def test_every_reader_must_be_pointwise(use: str, found: int) -> None:
    assert len(findings_of(ConcatThenPointwise(), Heads(use), IMAGE)) == found


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.down = nn.Conv2d(4, 16, 1), nn.Conv2d(16, 64, 2, 2)
        self.deep, self.up = nn.Conv2d(64, 64, 1), nn.ConvTranspose2d(64, 4, 2, 2)
        self.last = nn.Conv2d(20, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.first(x)
        return self.last(torch.cat([skip, self.up(self.deep(self.down(skip)))], 1))


def test_a_long_lived_skip_is_as_long_as_it_is_said() -> None:
    (finding,) = findings_of(LongLivedSkip(), UNet(), IMAGE)
    # The feature of 16 channels beside two of 64 at a quarter of the size: a third of the peak.
    assert "the output of first (16.0 KiB) waits for" in finding.message
    assert "from down to cat, for nothing but this join: 33% of the 48.0 KiB" in finding.message
    assert findings_of(LongLivedSkip(LongLivedSkip.Options(share=0.34)), UNet(), IMAGE) == []


def budget(**options: object) -> MemoryBudget:
    return MemoryBudget(MemoryBudget.Options(**options))  # type: ignore[arg-type]


def test_no_budget_no_finding() -> None:
    assert findings_of(MemoryBudget(), UNet(), IMAGE) == []
    assert findings_of(budget(batch=10**6), UNet(), IMAGE) == []


def test_a_budget_says_by_how_much_and_what_fits() -> None:
    (finding,) = findings_of(budget(budget="1MiB", batch=64), UNet(), IMAGE)
    assert finding.severity is Severity.ERROR
    largest = int(re.search(r"largest batch that fits is (\d+)", finding.suggestion or "")[1])  # type: ignore[index]
    assert findings_of(budget(budget="1MiB", batch=largest), UNet(), IMAGE) == []
    assert findings_of(budget(budget="1MiB", batch=largest + 1), UNet(), IMAGE)
    assert finding.node == "cat"


def test_a_batch_at_which_the_model_does_not_run() -> None:
    class Fixed(UNet):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.view(1, 4, 16, 16))

    (finding,) = findings_of(budget(budget="1GiB", batch=3), Fixed(), IMAGE)
    assert "whether a batch of 3 fits cannot be told" in finding.message


@pytest.mark.parametrize("options", [{"budget": "lots"}, {"batch": 0}])
def test_options_that_mean_nothing(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"lots|at least 1"):
        budget(**options)
    with pytest.raises(ValueError, match="no size"):
        ConcatBlowup.Options(bytes="many")
