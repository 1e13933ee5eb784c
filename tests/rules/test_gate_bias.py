"""SKL304: every way to write a gate, the bias it has, and what is no such gate."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.gate_bias import GateBias
from torch import Tensor, nn

from skiplint.testing import findings_of

Form = Callable[[Tensor, Tensor, Tensor], Tensor]

TRANSFORM: dict[str, Form] = {
    "written out": lambda x, h, t: t * h + (1 - t) * x,
    "lerp": torch.lerp,
    "difference": lambda x, h, t: x + t * (h - x),
    "addcmul": lambda x, h, t: torch.addcmul(x, t, h - x),
    "three terms": lambda x, h, t: h * t + x - x * t,
    "stacks": lambda x, h, t: (torch.stack([h, x]) * torch.stack([t, 1 - t])).sum(0),
    "stacks at the end": lambda x, h, t: (torch.stack([x, h], -1) * torch.stack([1 - t, t], -1)).sum(-1),
    "a mean of stacks": lambda x, h, t: torch.stack([2 * t * h, 2 * (1 - t) * x]).mean(0),
}
CARRY: dict[str, Form] = {
    "written out": lambda x, h, t: t * x + (1 - t) * h,
    "lerp": lambda x, h, t: torch.lerp(h, x, t),
    "stacks": lambda x, h, t: (torch.stack([1 - t, t]) * torch.stack([h, x])).sum(0),
}


class Gated(nn.Module):
    def __init__(self, form: Form, bias: float | None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.transform, self.gate = nn.Linear(64, 64), nn.Linear(64, 64)
        self.form = form
        if bias is not None:
            nn.init.constant_(self.gate.bias, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.form(x, torch.relu(self.transform(x)), torch.sigmoid(self.gate(x)))


def found(layer: nn.Module) -> list[str]:
    model = nn.Sequential(nn.Linear(4, 64), layer)
    return [finding.message for finding in findings_of(GateBias(), model, torch.randn(2, 4))]


@pytest.mark.parametrize("form", TRANSFORM.values(), ids=TRANSFORM)
def test_a_transform_gate_starts_closed(form: Form) -> None:
    assert found(Gated(form, -2.0)) == []
    assert found(Gated(form, -1.0)) == []
    assert found(Gated(form, 1.0)) == [
        "the gate from 1.gate carries 27% of the output of 0 at the start, a transform gate's bias of +1.00"
    ]
    (message,) = found(Gated(form, None))
    assert "carries 50% of" in message or "carries 49% of" in message


@pytest.mark.parametrize("form", CARRY.values(), ids=CARRY)
def test_a_carry_gate_starts_open(form: Form) -> None:
    assert found(Gated(form, 1.0)) == []
    (message,) = found(Gated(form, -2.0))
    assert message.endswith("carries 12% of the output of 0 at the start, a carry gate's bias of -2.00")


def test_half_of_a_projection() -> None:
    """The gate is the second half of one layer, so only the second half of its bias counts."""

    class Joint(nn.Module):
        def __init__(self, bias: float) -> None:
            super().__init__()
            self.both = nn.Linear(64, 128)
            with torch.no_grad():
                self.both.bias[:64], self.both.bias[64:] = -bias, bias

        def forward(self, x: Tensor) -> Tensor:
            h, t = self.both(x).chunk(2, dim=-1)
            t = torch.sigmoid(t)
            return t * torch.tanh(h) + (1 - t) * x

    assert found(Joint(-2.0)) == []
    assert len(found(Joint(2.0))) == 1


def test_a_gate_of_two_layers_and_an_offset() -> None:
    """The gate of GTrXL: ``sigmoid(W y + U x - b)``."""

    class Gate(nn.Module):
        def __init__(self, offset: float) -> None:
            super().__init__()
            self.branch = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
            self.w, self.u = nn.Linear(64, 64, bias=False), nn.Linear(64, 64, bias=False)
            self.offset = nn.Parameter(torch.full((64,), offset))

        def forward(self, x: Tensor) -> Tensor:
            y = self.branch(x)
            z = torch.sigmoid(self.w(y) + self.u(x) - self.offset)
            return (1 - z) * x + z * y

    assert found(Gate(2.0)) == []
    assert len(found(Gate(0.0))) == 1


class Cell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.update, self.candidate = nn.Linear(128, 64), nn.Linear(128, 64)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        both = torch.cat([x, h], dim=-1)
        z = torch.sigmoid(self.update(both))
        return (1 - z) * h + z * torch.tanh(self.candidate(both))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = Cell()

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for _ in range(3):
            h = self.cell(x, h)
        return h


class TorchCell(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.cell(x, x)
        return h


class Excitation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.branch, self.squeeze = nn.Linear(64, 64), nn.Linear(64, 64)

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        return x + y * torch.sigmoid(self.squeeze(y))


class GatedUnit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.both = nn.Linear(64, 128)

    def forward(self, x: Tensor) -> Tensor:
        return x + nn.functional.glu(self.both(x))


@pytest.mark.parametrize("kind", [Recurrent, TorchCell, Excitation, GatedUnit])
def test_other_gates_are_left_alone(kind: type[nn.Module]) -> None:
    assert found(kind()) == []


def test_without_weights_nothing_is_said() -> None:
    with torch.device("meta"):
        layer = Gated(TRANSFORM["lerp"], None)
        model = nn.Sequential(nn.Linear(4, 64), layer)
    assert findings_of(GateBias(), model, torch.randn(2, 4)) == []


def test_the_limit_is_an_option() -> None:
    model = nn.Sequential(nn.Linear(4, 64), Gated(TRANSFORM["lerp"], -2.0))
    assert findings_of(GateBias(GateBias.Options(least=3.0)), model, torch.randn(2, 4))
