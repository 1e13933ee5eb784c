"""Which operands a call reads for their values."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from skiplint.operators import Family, Role, members, op_of
from skiplint.operators.reads import role_of


@dataclass(frozen=True)
class Place:
    argument: str


@dataclass(frozen=True)
class Reads:
    """A call by name, with the places of its operands."""

    name: str
    places: tuple[str, ...] = ("0", "1")
    inplace: bool = False
    kind: str = "call"

    @property
    def op(self):
        return op_of(self.name)

    @property
    def operands(self):
        return tuple(map(Place, self.places))


def test_operands_in_their_roles():
    assert role_of(Reads("add"), 0) is role_of(Reads("add"), 1) is Role.VALUES
    assert role_of(Reads("expand_as"), 1) is Role.LENDS
    assert role_of(Reads("grid_sampler"), 1) is Role.STEERS
    assert role_of(Reads("where", ("0", "1", "2")), 0) is Role.STEERS
    assert role_of(Reads("zeros_like", ("0",)), 0) is Role.LENDS


def test_what_is_written_to_only_lends_its_memory():
    assert role_of(Reads("add", ("0", "1", "out")), 2) is Role.LENDS
    assert role_of(Reads("copy_", inplace=True), 0) is Role.LENDS
    assert role_of(Reads("copy_", inplace=True), 1) is Role.VALUES
    assert role_of(Reads("add_", inplace=True), 0) is Role.VALUES
    assert role_of(Reads("output", ("out",), kind="output"), 0) is Role.VALUES
    assert role_of(Reads("normal", ("0",)), 0) is Role.VALUES  # of these means


FORGETTING = {
    "bernoulli": (0.5,),
    "geometric": (0.5,),
    "fill": (2.0,),
    "copy": (torch.ones(64),),
    "set": (torch.ones(64),),
}


@pytest.mark.parametrize("name", [op.name for op in members(Family.OVERWRITE)])
def test_an_overwrite_forgets_what_was_there(name):
    results = []
    for start in (0.0, 7.0):
        tensor = torch.full((64,), start)
        torch.manual_seed(0)
        results.append(getattr(tensor, f"{name}_")(*FORGETTING.get(name, ())).clone())
    assert torch.equal(*results)


@pytest.mark.parametrize(
    "name", ["add", "mul", "relu", "dropout", "index_add", "masked_fill", "clamp", "sigmoid"]
)
def test_other_calls_in_place_do_not(name):
    assert not op_of(f"{name}_").is_a(Family.OVERWRITE)


@pytest.mark.parametrize("name", [op.name for op in members(Family.FRESH) if op.role(0) is Role.LENDS])
def test_a_fresh_tensor_takes_no_values(name):
    arguments = {
        "new_zeros": (8,),
        "new_ones": (8,),
        "new_empty": (0,),
        "new_empty_strided": ((0,), (1,)),
        "new_full": ((8,), 3.0),
        "new_tensor": ([1.0],),
        "full_like": (3.0,),
        "randint_like": (5,),
    }
    results = []
    for start in (0.0, 7.0):
        tensor = torch.full((0 if "empty" in name or name == "new" else 8,), start)
        torch.manual_seed(0)
        function = getattr(torch.Tensor, name, None) or getattr(torch, name)
        results.append(function(tensor, *arguments.get(name, ())))
    assert torch.equal(*results)
