"""Models are built without their weights where possible, and as meant where asked for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from skiplint.targets import BuiltModel, ModelTarget, build


def built(make: Callable[[], nn.Module], device: str = "meta") -> BuiltModel:
    return build(ModelTarget("model.py:Net", "Net", None, None, make), device=device)  # type: ignore[arg-type]


def test_a_huge_model_takes_no_memory() -> None:
    found = built(lambda: nn.Sequential(*[nn.Linear(65536, 65536) for _ in range(16)]))  # 275 GB
    assert found.device == "meta"
    assert not found.model.training


def test_a_constructor_that_reads_values_is_brought_to_meta_afterwards() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            rates = [rate.item() for rate in torch.linspace(0, 0.5, 3)]
            self.drops = nn.ModuleList(nn.Dropout(rate) for rate in rates)
            self.fc = nn.Linear(4, 4)
            self.tied = self.fc.weight
            self.register_buffer("table", torch.arange(5))
            self.plain = torch.ones(3)
            self.lstm = nn.LSTM(4, 4)

    found = built(Net)
    model = found.model
    assert found.device == "meta"
    assert [drop.p for drop in model.drops] == [0.0, 0.25, 0.5]
    assert {tensor.device.type for tensor in model.state_dict().values()} == {"meta"}
    assert model.plain.device.type == "meta"
    assert model.tied is model.fc.weight
    assert model.lstm._flat_weights[0] is model.lstm.weight_ih_l0


def test_initialisers_are_skipped_whoever_writes_them() -> None:
    calls: list[str] = []

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            nn.init.trunc_normal_(self.fc.weight)
            self.fc.weight.data.normal_(0, 0.02)
            self.fc.bias.data.fill_(3.0)
            with torch.no_grad():
                self.fc.weight[0].uniform_()
                self.fc.weight.copy_(torch.eye(4))
                self.fc.bias[:2] = 1.0
            self.steps = torch.zeros(3).fill_(2.0)
            calls.append(str(self.steps.tolist()))  # needs values: built on the CPU

    found = built(Net)
    assert calls == ["[2.0, 2.0, 2.0]"]
    assert found.device == "meta"


def test_the_true_initialisation_on_request() -> None:
    def make() -> nn.Module:
        layer = nn.Linear(3, 3)
        nn.init.constant_(layer.bias, 2.5)
        return layer

    first, second = built(make, "cpu"), built(make, "cpu")
    assert first.device == "cpu"
    assert first.model.bias.tolist() == [2.5] * 3
    assert torch.equal(first.model.weight, second.model.weight)


def test_an_object_of_the_user_is_left_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    found = built(lambda: model)
    assert found.model is not model
    assert {parameter.device.type for parameter in model.parameters()} == {"cpu"}
    assert {parameter.device.type for parameter in found.model.parameters()} == {"meta"}


def test_lazy_modules_are_built() -> None:
    assert built(lambda: nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d())).device == "meta"


def test_a_factory_may_give_more_than_the_model() -> None:
    assert isinstance(built(lambda: (nn.Linear(2, 2), "transform")).model, nn.Linear)  # type: ignore[arg-type,return-value]


def test_what_a_constructor_takes_from_its_locals_stays_as_it_is() -> None:
    """Noting where its layers are built must not bring ``self`` back into the dict."""

    class Net(nn.Module):
        def __init__(self, width: int = 4) -> None:
            given = locals()
            del given["self"], given["__class__"]
            super().__init__()
            self.layer = nn.Linear(width, width)
            self.names = set(given)

    assert "self" not in built(Net).model.names


def test_old_tensor_classes_that_take_no_meta_tensor_are_built_on_the_cpu() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.FloatTensor(torch.randn(4)))

    assert built(Net).model.scale.shape == (4,)
