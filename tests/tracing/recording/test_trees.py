"""Tensors in nested structures, and which of them share memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from skiplint.tracing.recording.storages import storage_key, storage_size
from skiplint.tracing.recording.trees import replace, tensors_in, tensors_of, walk, with_tensors

A, B, C = torch.zeros(1), torch.zeros(2), torch.zeros(3)


@dataclass
class Batch:
    image: Tensor
    masks: list[Tensor]


class Pair(NamedTuple):
    first: Tensor
    second: Tensor


def test_what_models_take() -> None:
    found = [(path, id(tensor)) for path, tensor in walk({"x": Pair(A, B), "y": Batch(C, [A])}, "batch")]
    assert found == [
        ("batch['x'].first", id(A)),
        ("batch['x'].second", id(B)),
        ("batch['y'].image", id(C)),
        ("batch['y'].masks[0]", id(A)),
    ]
    assert [id(each) for each in tensors_of((Batch(A, [B]),), {"c": C})] == [id(A), id(B), id(C)]


def test_a_replacement_leaves_the_structure_as_it_was() -> None:
    batch = Batch(A, [B, B])
    doubled = replace(batch, lambda tensor: tensor.new_zeros(2 * len(tensor)))
    assert [len(doubled.image), *map(len, doubled.masks)] == [2, 4, 4]
    assert batch.image is A


def test_arguments_of_a_call_come_back_in_the_order_in_which_they_are_found() -> None:
    args, kwargs = ([A, B], slice(None, C), 3), {"out": {"a": B}}
    found = tensors_in(args, kwargs)
    assert [id(tensor) for tensor in found] == [id(A), id(B), id(C), id(B)]
    changed = with_tensors(args, kwargs, [C, C, A, A])
    assert changed == (([C, C], slice(None, A), 3), {"out": {"a": A}})


def test_views_share_memory_and_sparse_tensors_have_none() -> None:
    whole = torch.zeros(4, 2)
    assert storage_key(whole) == storage_key(whole[1:]) != storage_key(whole.clone())
    assert storage_size(whole[1:]) == 4 * 2 * 4
    sparse = torch.eye(2).to_sparse()
    assert storage_key(sparse) == storage_key(sparse) < 0
    assert storage_size(sparse) == 0
