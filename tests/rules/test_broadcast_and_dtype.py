"""What SKL103 and SKL105 take for a mistake, and what for a design."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from skiplint_rules.broadcast_join import BroadcastJoin
from skiplint_rules.dtype_join import DtypeJoin
from torch import Tensor, nn

from skiplint import Severity
from skiplint.testing import findings_of

R = torch.zeros
Forward = Callable[..., Tensor]


class Net(nn.Module):
    """Layers and a forward that uses them."""

    def __init__(self, forward: Forward, **layers: nn.Module) -> None:
        super().__init__()
        self.function = forward
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(self, *inputs)


def broadcasts(model: nn.Module, *inputs: Tensor) -> list[Severity]:
    return [each.severity for each in findings_of(BroadcastJoin(), model.eval(), *inputs)]


LINEAR = {"a": nn.Linear(8, 16), "b": nn.Linear(16, 1)}
CONV = {"a": nn.Conv2d(8, 8, 3, 1, 1), "b": nn.Conv2d(8, 8, 3, 1, 1), "one": nn.Conv2d(8, 1, 1)}
ROWS, IMAGE, TOKENS = R(4, 8), R(2, 8, 6, 6), R(2, 5, 8)

MISTAKES: dict[str, tuple[Severity, Forward, dict[str, nn.Module], tuple[Tensor, ...]]] = {
    "(N,) + (N, 1)": (Severity.ERROR, lambda m, x: m.b(m.a(x)) + x[:, 0], LINEAR, (ROWS,)),
    "(N, 1) - target (N,)": (Severity.ERROR, lambda m, x, y: m.b(m.a(x)) - y, LINEAR, (ROWS, R(4))),
    "(B, T, 1) + (B, T)": (
        Severity.ERROR,
        lambda m, x: m.b(m.a(x)) + x.mean(-1),
        LINEAR,
        (R(1, 5, 8),),
    ),
    "mse_loss": (Severity.ERROR, lambda m, x, y: F.mse_loss(m.b(m.a(x)), y), LINEAR, (ROWS, R(4))),
    "a value picked for each example": (
        Severity.ERROR,
        lambda m, x, a, y: m.a(x).gather(1, a) - (y + m.a(x).amax(1)),
        LINEAR,
        (ROWS, torch.zeros(4, 1, dtype=torch.long), R(4)),
    ),
    "one channel on the shortcut": (
        Severity.WARNING,
        lambda m, x: m.b(m.a(x).relu()) + m.one(x),
        CONV,
        (IMAGE,),
    ),
    "one channel from the branch": (Severity.WARNING, lambda m, x: x + m.one(m.a(x).relu()), CONV, (IMAGE,)),
    "one feature from the branch": (Severity.WARNING, lambda m, x: x + m.b(m.a(x)), LINEAR, (TOKENS,)),
    "a pooled shortcut": (
        Severity.WARNING,
        lambda m, x: F.adaptive_avg_pool2d(x, 1) + m.b(m.a(x).relu()),
        CONV,
        (IMAGE,),
    ),
}


def _around(m: nn.Module, x: Tensor, mean: Tensor) -> Tensor:
    return m.b(m.a(x - mean).relu()) + mean


MEANT: dict[str, tuple[Forward, dict[str, nn.Module], tuple[Tensor, ...]]] = {
    "global context": (lambda m, x: x + m.b(m.a(F.adaptive_avg_pool2d(x, 1))), CONV, (IMAGE,)),
    "squeeze and excitation": (
        lambda m, x: x + x * m.b(m.a(x.mean((2, 3), keepdim=True))).sigmoid(),
        CONV,
        (IMAGE,),
    ),
    "a time embedding": (
        lambda m, x, t: m.b(m.a(x)) + m.t(t)[:, :, None, None],
        {**CONV, "t": nn.Linear(3, 8)},
        (IMAGE, R(2, 3)),
    ),
    "a condition of one position": (lambda m, x, c: m.b(m.a(x)) + m.a(c), CONV, (IMAGE, R(2, 8, 1, 1))),
    "pairwise differences": (lambda m, x: m.a(x).unsqueeze(1) - m.a(x), LINEAR, (ROWS,)),
    "graph attention": (
        lambda m, x: m.b(m.a(x)) + m.b(m.a(x)).transpose(0, 1),
        LINEAR,
        (ROWS,),
    ),
    "a mean taken away": (lambda m, x: x - x.mean(-1, keepdim=True), LINEAR, (ROWS,)),
    "a mean added back": (lambda m, x: _around(m, x, x.mean((2, 3), keepdim=True)), CONV, (IMAGE,)),
    "a picked value taken away": (
        lambda m, x, a: m.a(x) - m.a(x).gather(1, a),
        LINEAR,
        (ROWS, torch.zeros(4, 1, dtype=torch.long)),
    ),
    "the largest score": (lambda m, x: m.a(x) - m.a(x).amax(-1, keepdim=True), LINEAR, (ROWS,)),
    "a class token for all": (lambda m, x: x + x[:, :1], LINEAR, (TOKENS,)),
    "duel": (
        lambda m, x: m.b(m.a(x)) + m.c(m.a(x)),
        {**LINEAR, "c": nn.Linear(16, 3)},
        (ROWS,),
    ),
    "a mask from constants": (lambda m, x: m.a(x) + torch.ones(16).cumsum(0), LINEAR, (ROWS,)),
    "equal shapes": (lambda m, x: m.b(m.a(x)) + x.mean(-1, keepdim=True), LINEAR, (ROWS,)),
}


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("case", MISTAKES)
def test_broadcasts_that_are_mistakes(case: str) -> None:
    severity, forward, layers, inputs = MISTAKES[case]
    assert broadcasts(Net(forward, **layers), *inputs) == [severity]


@pytest.mark.parametrize("case", MEANT)
def test_broadcasts_that_are_meant(case: str) -> None:
    forward, layers, inputs = MEANT[case]
    assert broadcasts(Net(forward, **layers), *inputs) == []


def test_a_severity_of_the_users_own_stands() -> None:
    _, forward, layers, inputs = MISTAKES["(N,) + (N, 1)"]
    found = findings_of(BroadcastJoin(severity=Severity.WARNING), Net(forward, **layers), *inputs)
    assert [each.severity for each in found] == [Severity.WARNING]


class Block(nn.Module):
    def __init__(self, join: Forward, region: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.conv, self.join, self.region = nn.Conv2d(8, 8, 3, 1, 1), join, region

    def forward(self, x: Tensor) -> Tensor:
        if self.region is None:
            return self.join(x, self.conv(x))
        with self.region():  # type: ignore[attr-defined]
            return self.join(x, self.conv(x))


def promotions(model: nn.Module, x: Tensor) -> list[str | None]:
    return [each.node for each in findings_of(DtypeJoin(), model, x)]


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_region_for_any_device_is_followed(device: str) -> None:
    def region() -> object:
        return torch.autocast(device, dtype=torch.bfloat16)

    initialiser = torch.autocast.__init__
    assert promotions(Block(lambda x, y: x + y, region), IMAGE) == ["add"]
    assert promotions(Block(lambda x, y: torch.cat([x, y], 1), region), IMAGE) == ["cat"]
    assert promotions(Block(lambda x, y: x.to(y.dtype) + y, region), IMAGE) == []
    assert torch.autocast.__init__ is initialiser


def test_only_the_first_of_a_chain() -> None:
    blocks = [
        Block(lambda x, y: x + y, lambda: torch.autocast("cpu", dtype=torch.bfloat16)) for _ in range(3)
    ]
    assert promotions(nn.Sequential(*blocks), IMAGE) == ["0/add"]


def half(join: Forward) -> nn.Module:
    return Block(join).to(torch.bfloat16)


def test_casts_in_a_branch_and_on_the_shortcut() -> None:
    x = IMAGE.to(torch.bfloat16)
    assert promotions(half(lambda x, y: x + y.float()), x) == ["add"]
    assert promotions(half(lambda x, y: x + y.float().softmax(1).to(x.dtype)), x) == []
    assert promotions(half(lambda x, y: x.float() + y), x) == []
    assert promotions(half(lambda x, y: (x + y.float()).to(x.dtype)), x) == []


Gated = Callable[[Tensor, Tensor, Tensor], Tensor]


def by_gate(join: Gated) -> Forward:
    return lambda x, y: join(x, y, torch.sigmoid(y.float()))


def gated(join: Gated) -> list[str | None]:
    return promotions(half(by_gate(join)), IMAGE.to(torch.bfloat16))


def test_a_shortcut_that_its_gate_promotes() -> None:
    assert gated(lambda x, y, g: x * g + y.float()) == ["mul"]
    assert gated(lambda x, y, g: x * (1 - g) + y * g) == ["mul"]
    assert gated(lambda x, y, g: g * x + y) == ["mul"]
    assert gated(lambda x, y, g: torch.cat([x * g, y.float()], 1)) == ["mul"]
    assert gated(lambda x, y, g: x + g * y) == ["add"]


@pytest.mark.parametrize(
    ("join", "fix"),
    [
        (lambda x, y, g: x * (1 - g) + y * g, ("wrap-result", "sigmoid", "")),
        (lambda x, y, g: x * g + y * (1 - g), ("wrap-result", "sigmoid", "")),
        (lambda x, y, g: x * g + y, ("wrap-operand", "mul", "1")),
        (lambda x, y, g: x * (1 - g) + y * g.to(y.dtype), ("wrap-operand", "mul", "1")),
    ],
)
def test_a_gate_of_both_sides_is_cast_where_it_is_made(join: Gated, fix: tuple[str, str, str]) -> None:
    (finding,) = findings_of(DtypeJoin(), half(by_gate(join)), IMAGE.to(torch.bfloat16))
    assert finding.fix is not None
    assert (finding.fix.kind, finding.fix.target, finding.fix.argument) == fix


def test_a_gate_that_promotes_no_shortcut() -> None:
    assert gated(lambda x, y, g: x * g.to(x.dtype) + y) == []
    assert gated(lambda x, y, g: (x * g).to(x.dtype) + y) == []
    assert gated(lambda x, y, g: (x * g + y * (1 - g)).to(x.dtype)) == []
    assert gated(lambda x, y, g: x.float() * g + y * (1 - g)) == []
    assert gated(lambda x, y, g: x + (y * g).to(x.dtype)) == []
    assert gated(lambda x, y, g: x * (g > 0.5) + y) == []


def test_a_shortcut_that_a_scale_promotes() -> None:
    class Scaled(Block):
        def __init__(self) -> None:
            super().__init__(lambda x, y: x * self.scale + y.float())
            self.scale = nn.Parameter(torch.ones(8, 1, 1))

    model = Scaled().to(torch.bfloat16)
    model.scale.data = model.scale.data.float()
    (finding,) = findings_of(DtypeJoin(), model, IMAGE.to(torch.bfloat16))
    assert finding.message.startswith(
        "mul multiplies bfloat16 from the model input x on a shortcut by float32"
    )


def test_an_integer_that_is_wider_than_the_float_costs_nothing() -> None:
    class Ids(Block):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x.float())

    (finding,) = findings_of(DtypeJoin(), Ids(lambda x, y: x), torch.zeros(2, 8, 6, 6, dtype=torch.long))
    assert finding.message.endswith("the result is float32")


def test_integers_that_meet_what_was_made_of_them() -> None:
    pixels = torch.zeros(2, 8, 6, 6, dtype=torch.uint8)

    class Bytes(Block):
        def forward(self, x: Tensor) -> Tensor:
            return x + self.conv(x.float())

    (finding,) = findings_of(DtypeJoin(), Bytes(lambda x, y: x), pixels)
    assert finding.node == "add"
    assert finding.fix is not None
    assert finding.fix.new == "{}.to(torch.float32)"


def test_says_what_it_costs() -> None:
    (finding,) = findings_of(DtypeJoin(), half(lambda x, y: x + y.float()), IMAGE.to(torch.bfloat16))
    assert "2,304 bytes instead of 1,152" in finding.message
    assert finding.suggestion == "cast the output of float before the join: ....to(torch.bfloat16)"
