"""SKL204, SKL301, SKL302 and SKL303 beyond their own examples."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.activation_before_join import ActivationBeforeJoin
from skiplint_rules.impeded_identity import ImpededIdentity
from skiplint_rules.needless_projection import NeedlessProjection
from skiplint_rules.skip_after_norm import SkipAfterNorm
from torch import Tensor, nn
from torch.nn import functional

from skiplint import Rule
from skiplint.linting.finding import Finding
from skiplint.testing import findings_of

Forward = Callable[["Block", Tensor], Tensor]


class RootMeanSquare(nn.Module):
    """A norm that is computed by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(8))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Block(nn.Module):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.how = forward
        self.norm1, self.norm2 = nn.LayerNorm(8), RootMeanSquare()
        self.register_buffer("quiet", torch.tensor(0.5))
        self.depthwise = nn.Conv1d(8, 8, 1, groups=8)
        self.fc1, self.fc2, self.fc3 = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)

    def branch(self, x: Tensor) -> Tensor:
        out: Tensor = self.fc2(functional.gelu(self.fc1(x)))
        return out

    def forward(self, x: Tensor) -> Tensor:
        return self.how(self, x)


def found(rule: Rule, forward: Forward, blocks: int = 2) -> list[Finding]:
    model = nn.Sequential(nn.Linear(4, 8), *(Block(forward) for _ in range(blocks)))
    return findings_of(rule, model.train(), torch.randn(2, 4))


AFTER_NORM: dict[str, Forward] = {
    "layer norm": lambda block, x: (y := block.norm1(x)) + block.branch(y),
    "norm by hand": lambda block, x: (y := block.norm2(x)) + block.branch(y),
    "dropped out": lambda block, x: (y := functional.dropout(block.norm1(x), 0.1)) + block.branch(y),
}
BEFORE_NORM: dict[str, Forward] = {
    "pre-norm": lambda block, x: x + block.branch(block.norm1(x)),
    "post-norm": lambda block, x: block.norm1(x + block.branch(x)),
    "sandwich": lambda block, x: x + block.norm1(block.branch(block.norm2(x))),
    "deep norm": lambda block, x: 1.5 * (y := block.norm1(x)) + block.branch(y),
}


@pytest.mark.parametrize("forward", AFTER_NORM.values(), ids=AFTER_NORM.keys())
def test_skip_after_norm(forward: Forward) -> None:
    findings = found(SkipAfterNorm(), forward)
    assert [finding.expected for finding in findings] == [
        "a shortcut from the output of 0",
        "a shortcut from the output of 1/add",
    ]


@pytest.mark.parametrize("forward", BEFORE_NORM.values(), ids=BEFORE_NORM.keys())
def test_no_skip_after_norm(forward: Forward) -> None:
    assert found(SkipAfterNorm(), forward) == []


def test_a_norm_in_the_stem_is_no_block_s() -> None:
    block = Block(BEFORE_NORM["post-norm"])
    model = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), block)
    assert findings_of(SkipAfterNorm(), model, torch.randn(2, 4)) == []


IMPEDED: dict[str, tuple[Forward, str]] = {
    "dropout": (lambda block, x: functional.dropout(x, 0.2) + block.branch(x), "a dropout of 0.2"),
    "norm": (lambda block, x: block.norm1(x) + block.branch(x), "a norm"),
    "activation": (lambda block, x: torch.tanh(x) + block.branch(x), "the activation tanh"),
    "factor": (lambda block, x: x / 4 + block.branch(x), "the constant factor 0.25"),
    "method": (lambda block, x: x.mul(0.5) + block.branch(x), "the constant factor 0.5"),
    "two factors": (lambda block, x: 0.5 * (x / 2) + block.branch(x), "the constant factor 0.25"),
    "buffer": (lambda block, x: torch.mul(x, block.quiet) + block.branch(x), "the constant factor 0.5"),
    "tensor": (lambda block, x: torch.tensor(0.5) * x + block.branch(x), "the constant factor 0.5"),
    "alpha": (lambda block, x: torch.add(block.branch(x), x, alpha=0.5), "the constant factor 0.5"),
    "lerp": (lambda block, x: torch.lerp(x, block.branch(x), 0.5), "the constant factor 0.5"),
    "interpolated": (lambda block, x: x + 0.4 * (block.branch(x) - x), "the constant factor 0.6"),
    "mean": (lambda block, x: torch.stack([x, block.branch(x)]).mean(0), "the constant factor 0.5"),
    "halved sum": (lambda block, x: (x + block.branch(x)) / 2, "the constant factor 0.5"),
    "next to nothing": (lambda block, x: 0.1 * x + block.branch(x), "the constant factor 0.1"),
    "one side alone": (lambda block, x: 0.5**0.5 * x + block.branch(x), "the constant factor 0.707107"),
}
CLEAN: dict[str, Forward] = {
    "identity": lambda block, x: x + block.branch(x),
    "dropout of nothing": lambda block, x: functional.dropout(x, 0.0) + block.branch(x),
    "a factor above 1": lambda block, x: 1.2 * x + block.branch(x),
    "a learned factor": lambda block, x: block.norm1.weight * x + block.branch(x),
    "a scaled branch": lambda block, x: x + 0.1 * block.branch(x),
    "a dropped branch": lambda block, x: x + functional.dropout(block.branch(x), 0.1),
    "a gate": lambda block, x: torch.sigmoid(block.fc3(x)) * x + block.branch(x),
    "a sum of kept variance": lambda block, x: (x + block.branch(x)) / 2**0.5,
    "operands of kept variance": lambda block, x: 0.7071 * x + 0.7071 * block.branch(x),
    "unequal ones of kept variance": lambda block, x: 0.8 * x + block.branch(x) * 0.6,
    "a mix of kept variance": lambda block, x: x.lerp(block.branch(x), 0.3) / (0.7**2 + 0.3**2) ** 0.5,
    "a sum that a norm follows": lambda block, x: block.norm1((x + block.branch(x)) / 2),
    "an alpha above 1": lambda block, x: torch.add(block.branch(x), x, alpha=1.7),
}


@pytest.mark.parametrize(("forward", "what"), IMPEDED.values(), ids=IMPEDED.keys())
def test_impeded(forward: Forward, what: str) -> None:
    findings = found(ImpededIdentity(), forward)
    assert len(findings) == 2
    assert all(f"passes {what}" in finding.message for finding in findings)


@pytest.mark.parametrize("forward", CLEAN.values(), ids=CLEAN.keys())
def test_not_impeded(forward: Forward) -> None:
    assert found(ImpededIdentity(), forward) == []


def test_a_damped_iteration_is_no_stack() -> None:
    class Iterated(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.layer = nn.Linear(8, 8), nn.Linear(8, 8)

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            z = torch.tanh(x)
            for _ in range(4):
                z = 0.5 * z + 0.5 * torch.tanh(self.layer(z) + x)
            return z

    assert findings_of(ImpededIdentity(), Iterated(), torch.randn(2, 8)) == []


def test_what_is_added_to_every_layer_is_not_handed_on() -> None:
    class Initial(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.layers = nn.Linear(8, 8), nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

        def forward(self, x: Tensor) -> Tensor:
            start = x = self.stem(x)
            for layer in self.layers:
                x = torch.relu(layer(x)) + 0.1 * start
            return x

    assert findings_of(ImpededIdentity(), Initial(), torch.randn(2, 8)) == []


def test_a_velocity_is_no_stream() -> None:
    class Momentum(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.layers = nn.Linear(8, 8), nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

        def forward(self, x: Tensor) -> Tensor:
            x = self.stem(x)
            velocity = torch.zeros_like(x)
            for layer in self.layers:
                velocity = 0.9 * velocity + 0.1 * torch.tanh(layer(x))
                x = x + velocity
            return x

    assert findings_of(ImpededIdentity(), Momentum(), torch.randn(2, 8)) == []


def test_variance_that_is_kept_before_a_norm_by_hand() -> None:
    def forward(block: Block, x: Tensor) -> Tensor:
        x = x / (1e-4 + x.norm(dim=1, keepdim=True))
        return x.lerp(block.branch(x), 0.3) / (0.7**2 + 0.3**2) ** 0.5

    assert found(ImpededIdentity(), forward) == []


def test_the_gates_of_a_cell_hand_nothing_on() -> None:
    class Cell(nn.Module):
        """The gate of GTrXL, with the sum of two linear maps that every GRU has."""

        def __init__(self) -> None:
            super().__init__()
            self.maps = nn.ModuleList(nn.Linear(8, 8) for _ in range(5))

        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            reset = torch.sigmoid(self.maps[0](y) + self.maps[1](x))
            update = torch.sigmoid(self.maps[2](y) - 2)
            return (1 - update) * x + update * torch.tanh(self.maps[3](y) + self.maps[4](reset * x))

    class Stack(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))
            self.cells = nn.ModuleList(Cell() for _ in range(4))

        def forward(self, x: Tensor) -> Tensor:
            for layer, cell in zip(self.layers, self.cells, strict=True):
                x = cell(x, torch.relu(layer(x)))
            return x

    assert findings_of(NeedlessProjection(), Stack(), torch.randn(2, 8)) == []


def test_a_factor_after_the_last_sum_is_no_block_s() -> None:
    class Tempered(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.block = Block(CLEAN["identity"])

        def forward(self, x: Tensor) -> Tensor:
            out: Tensor = self.block(x) / 8
            return out.softmax(-1)

    assert findings_of(ImpededIdentity(), Tempered(), torch.randn(2, 8)) == []


def test_what_is_allowed_is_silent() -> None:
    rule = ImpededIdentity(ImpededIdentity.Options(allow=("dropout",)))
    assert found(rule, IMPEDED["dropout"][0]) == []
    assert len(found(rule, IMPEDED["factor"][0])) == 2


RECTIFIED: dict[str, Forward] = {
    "last": lambda block, x: x + torch.relu(block.branch(x)),
    "dropped out": lambda block, x: functional.dropout(torch.relu(block.branch(x)), 0.1) + x,
    "in place": lambda block, x: torch.relu_(block.branch(x)).add_(x),
    "and after": lambda block, x: torch.relu(torch.relu(block.branch(x)) + x),
    "clamped": lambda block, x: x + block.branch(x).clamp(min=0),
    "clamped by keyword and place": lambda block, x: x + torch.clip(block.branch(x), 0, 6),
    "clamped from below": lambda block, x: x + block.branch(x).clamp_min(0.0),
    "up to 6": lambda block, x: x + functional.relu6(block.branch(x)),
    "hardtanh from 0": lambda block, x: x + functional.hardtanh(block.branch(x), 0.0, 6.0),
    "threshold": lambda block, x: x + functional.threshold(block.branch(x), 0.1, 0.0),
    "maximum": lambda block, x: x + torch.maximum(block.branch(x), torch.zeros_like(x)),
    "maximum with a number": lambda block, x: x + torch.maximum(block.branch(x), torch.tensor(0.0)),
    "scaled down": lambda block, x: x + 0.2 * torch.relu(block.branch(x)),
    "by stochastic depth": lambda block, x: x + torch.relu(block.branch(x)) * torch.rand(2, 1).bernoulli(0.9),
}
SIGNED: dict[str, Forward] = {
    "after": lambda block, x: torch.relu(x + block.branch(x)),
    "leaky": lambda block, x: x + functional.leaky_relu(block.branch(x)),
    "smooth": lambda block, x: x + functional.silu(block.branch(x)),
    "of both signs": lambda block, x: x + functional.hardtanh(block.branch(x)),
    "clamped around 0": lambda block, x: x + block.branch(x).clamp(-6, 6),
    "clamped from above": lambda block, x: x + block.branch(x).clamp(max=0),
    "a threshold below 0": lambda block, x: x + functional.threshold(block.branch(x), -1.0, 0.0),
    "maximum of two": lambda block, x: x + torch.maximum(block.branch(x), block.fc3(x)),
    "a negative factor": lambda block, x: x + -0.2 * torch.relu(block.branch(x)),
    "a difference": lambda block, x: x - 0.2 * torch.relu(block.branch(x)),
    "a learned factor": lambda block, x: x + block.norm1.weight * torch.relu(block.branch(x)),
    "a layer follows": lambda block, x: x + block.fc3(torch.relu(block.branch(x))),
    "a norm follows": lambda block, x: x + block.norm1(torch.relu(block.branch(x))),
    "gated": lambda block, x: (g := torch.sigmoid(block.fc3(x))) * torch.relu(block.branch(x)) + (1 - g) * x,
    "concatenated": lambda block, x: torch.cat([x, torch.relu(block.branch(x))], dim=1)[:, :8],
}


@pytest.mark.parametrize("forward", RECTIFIED.values(), ids=RECTIFIED.keys())
def test_activation_before_join(forward: Forward) -> None:
    assert [finding.code for finding in found(ActivationBeforeJoin(), forward)] == ["SKL302"] * 2


@pytest.mark.parametrize("forward", SIGNED.values(), ids=SIGNED.keys())
def test_no_activation_before_join(forward: Forward) -> None:
    assert found(ActivationBeforeJoin(), forward) == []


def projected(block: Block, x: Tensor) -> Tensor:
    return block.fc3(x) + block.branch(x)


def test_projections_are_reported_once_they_are_many() -> None:
    assert found(NeedlessProjection(), projected, blocks=2) == []
    assert len(found(NeedlessProjection(), projected, blocks=3)) == 3
    assert len(found(NeedlessProjection(NeedlessProjection.Options(limit=1)), projected, blocks=1)) == 1


BESIDE: dict[str, Forward] = {
    "normalised": lambda block, x: block.norm1(block.fc3(x)) + block.branch(x),
    "dropped out": lambda block, x: functional.dropout(block.fc3(x), 0.1) + block.branch(x),
}
OF_ITS_OWN: dict[str, Forward] = {
    "an activation": lambda block, x: functional.silu(block.fc3(x)) + block.branch(x),
    "an activation before": lambda block, x: block.fc3(torch.tanh(x)) + block.branch(x),
    "depthwise": lambda block, x: block.depthwise(x[..., None])[..., 0] + block.branch(x),
    "a low-rank adapter": lambda block, x: (
        block.fc3(x) + 4 * block.fc2(block.fc1(functional.dropout(x, 0.1)))
    ),
    "a branch with one layer": lambda block, x: block.fc3(x) + block.fc2(functional.gelu(x)),
}


@pytest.mark.parametrize("forward", BESIDE.values(), ids=BESIDE.keys())
def test_needless_projection(forward: Forward) -> None:
    assert len(found(NeedlessProjection(), forward, blocks=3)) == 3


@pytest.mark.parametrize("forward", OF_ITS_OWN.values(), ids=OF_ITS_OWN.keys())
def test_a_branch_of_its_own_is_no_projection(forward: Forward) -> None:
    assert found(NeedlessProjection(), forward, blocks=3) == []
