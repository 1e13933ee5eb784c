"""SKL202: what counts as use."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from skiplint_rules.dead_branch import DeadBranch
from torch import Tensor, nn

from skiplint.testing import findings_of

Forward = Callable[["Net", Tensor], object]


class Net(nn.Module):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self.how = forward
        self.body, self.side, self.head = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.register_buffer("memory", torch.zeros(2, 8))
        self.kept: Tensor | None = None
        self.features: list[Tensor] = []
        self.store: dict[str, Tensor] = {}

    def forward(self, x: Tensor) -> object:
        return self.how(self, x)


def dropped(net: Net, x: Tensor) -> Tensor:
    net.side(x)
    return net.head(net.body(x))


def overwritten(net: Net, x: Tensor) -> Tensor:
    out = net.side(x)
    out = net.body(x)
    return net.head(out)


def summed_for_nothing(net: Net, x: Tensor) -> Tensor:
    out = net.body(x)
    total = out + net.head(out)
    total = total + out
    return out


def only_its_shape(net: Net, x: Tensor) -> Tensor:
    out = net.side(x)
    return net.body(x).view(out.shape)


def left_in_a_list(net: Net, x: Tensor) -> Tensor:
    features = [net.body(x)]
    features.append(net.side(features[-1]))
    return net.head(features[0])


def left_in_a_dict(net: Net, x: Tensor) -> Tensor:
    features = {"body": net.body(x), "side": net.side(x)}
    return net.head(features["body"])


BAD = {
    each.__name__: each
    for each in (
        dropped,
        overwritten,
        summed_for_nothing,
        only_its_shape,
        left_in_a_list,
        left_in_a_dict,
    )
}


def returned_in_a_dict(net: Net, x: Tensor) -> object:
    return {"out": net.head(net.body(x)), "side": [net.side(x)]}


def used_as_a_gate(net: Net, x: Tensor) -> Tensor:
    return net.head(x) * torch.sigmoid(net.side(x))


def written_to_a_buffer(net: Net, x: Tensor) -> Tensor:
    net.memory.copy_(net.side(x))
    return net.head(net.body(x))


def kept_as_attribute(net: Net, x: Tensor) -> Tensor:
    net.kept = net.side(x)
    return net.head(net.body(x))


def kept_later(net: Net, x: Tensor) -> Tensor:
    side = net.side(x)
    net.kept = side
    return net.head(net.body(x))


def for_labels_only(net: Net, x: Tensor, labels: Tensor | None = None) -> object:
    side = net.side(x)
    out = net.head(net.body(x))
    if labels is not None:
        return out, (side - labels).mean()
    return out


def for_training_only(net: Net, x: Tensor) -> object:
    out = net.head(net.body(x))
    outputs = [out, net.side(x)]
    return outputs if net.training else out


def written_into_a_slice(net: Net, x: Tensor) -> Tensor:
    out = x.new_zeros(2, 16)
    out[:, :8] = net.body(x)
    out[:, 8:] = net.side(x)
    return out


def kept_in_a_list(net: Net, x: Tensor) -> Tensor:
    net.features.append(net.side(x))
    return net.head(net.body(x))


def kept_in_a_dict(net: Net, x: Tensor) -> Tensor:
    net.store["side"] = net.side(x)
    return net.head(net.body(x))


FEATURES: list[Tensor] = []


def kept_in_a_module(net: Net, x: Tensor) -> Tensor:
    FEATURES.append(net.side(x))
    return net.head(net.body(x))


def asked_for(net: Net, x: Tensor, *, all_of_them: bool = False) -> object:
    out, features = net.body(x), []
    features.append(net.side(out))
    return (out, features) if all_of_them else out


def after_an_early_return(net: Net, x: Tensor, labels: Tensor | None = None) -> object:
    out = net.body(x)
    side = net.side(x)
    if labels is None:
        return net.head(out)
    return net.head(out), (side - labels).square().mean()


def side_by_side(net: Net, x: Tensor, mask: Tensor | None = None) -> Tensor:
    out, side = net.body(x), net.side(x)
    if mask is not None:
        out = out * mask + side
    return net.head(out)


GOOD = {
    each.__name__: each
    for each in (
        returned_in_a_dict,
        used_as_a_gate,
        written_to_a_buffer,
        kept_as_attribute,
        kept_later,
        for_labels_only,
        for_training_only,
        written_into_a_slice,
        kept_in_a_list,
        kept_in_a_dict,
        kept_in_a_module,
        asked_for,
        after_an_early_return,
        side_by_side,
    )
}


@pytest.mark.parametrize("forward", BAD.values(), ids=BAD.keys())
def test_found(forward: Forward) -> None:
    findings = findings_of(DeadBranch(), Net(forward).eval(), torch.randn(2, 8))
    assert [finding.code for finding in findings] == ["SKL202"]


@pytest.mark.parametrize("forward", GOOD.values(), ids=GOOD.keys())
def test_silent(forward: Forward) -> None:
    assert findings_of(DeadBranch(), Net(forward).eval(), torch.randn(2, 8)) == []


def for_training_elsewhere(net: Net, x: Tensor) -> object:
    """What is made here is only used where another function asks for the mode."""
    side = net.side(x)
    return with_auxiliary(net, net.head(net.body(x)), side)


def with_auxiliary(net: Net, out: Tensor, side: Tensor) -> object:
    return (out, side) if net.training else out


def for_evaluation_only(net: Net, x: Tensor) -> Tensor:
    side = net.side(x)
    out = net.head(net.body(x))
    return side + out.sum() if not net.training else out


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("forward", [for_training_elsewhere, for_training_only, for_evaluation_only])
def test_used_in_one_mode_is_not_dead_in_the_other(forward: Forward, training: bool) -> None:
    model = Net(forward).train(training)
    assert findings_of(DeadBranch(), model, torch.randn(2, 8)) == []
    assert model.training == training


def in_neither_mode(net: Net, x: Tensor) -> Tensor:
    """The function asks for the mode, but not on behalf of the layer."""
    net.side(x)
    return net.head(torch.dropout(net.body(x), 0.1, net.training))


@pytest.mark.parametrize("training", [True, False])
def test_dead_in_both_modes(training: bool) -> None:
    (finding,) = findings_of(DeadBranch(), Net(in_neither_mode).train(training), torch.randn(2, 8))
    assert finding.node == "side"


def not_in_training(net: Net, x: Tensor) -> Tensor:
    """The other mode does not run without labels, so what it needs is unknown."""
    net.side(x)
    if net.training:
        raise ValueError("training needs labels")
    return net.head(net.body(x))


def test_where_the_other_mode_does_not_run_the_source_decides() -> None:
    assert findings_of(DeadBranch(), Net(not_in_training).eval(), torch.randn(2, 8)) == []
