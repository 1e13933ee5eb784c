"""The catalogue of torch's functions: every name in it is one that a trace records."""

from __future__ import annotations

import pytest
import torch
import torchvision  # registers its operators
from torch import nn

import skiplint
from skiplint.operators import OPS, Family, members, op_of
from skiplint.operators.kernels import KERNELS
from skiplint.tracing.recording.composites import opened
from skiplint.tracing.recording.naming import function_name

assert torchvision.ops

SPELLINGS = [(op, spelling) for op in OPS for spelling in op.spellings]
MADE_BY_THE_RECORDER = {"update"}
NAMESPACES = (
    torch.Tensor,
    torch,
    torch._C._nn,
    torch._C._VariableFunctions,
    torch.special,
    torch.linalg,
    torch.fft,
    torch.ops.aten,
    torch.ops.quantized,
    torch.ops.torchvision,
)


def functions_called(name: str) -> list[object]:
    """Torch's functions and properties that go by ``name``, in place or not."""
    short = name.removeprefix("special_").removeprefix("linalg_").removeprefix("fft_")
    found = []
    for spelled in dict.fromkeys((name, f"{name}_", f"__{name}__", short)):
        for namespace in NAMESPACES:
            function = getattr(namespace, spelled, None)
            if function is not None:
                found.append(function.__get__ if isinstance(function, property) else function)
                if type(function).__name__ == "getset_descriptor":
                    found.append(function.__get__)
    return found


@pytest.mark.parametrize("spelling", [name for _, name in SPELLINGS])
def test_a_trace_can_record_the_name(spelling):
    if spelling in MADE_BY_THE_RECORDER:
        return
    if spelling == "multi_head_attention_forward":  # recorded whole where its check of shapes fails
        assert callable(torch.nn.functional.multi_head_attention_forward)
        return
    names = {
        function_name(function).rstrip("_")
        for function in functions_called(spelling)
        if opened(function) is None
    }
    assert spelling in names


def test_every_name_belongs_to_one_function():
    names = [name for _, name in SPELLINGS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("family", Family)
def test_no_family_is_empty_and_each_says_what_it_is(family):
    assert members(family)
    assert len(family.value) > 10


def test_the_kernels_are_those_of_known_functions():
    assert set().union(*KERNELS.values()) <= {op.name for op in OPS}


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("add", "add"),
        ("add_", "add"),
        ("__iadd__", "add"),
        ("__radd__", "add"),
        ("__matmul__", "matmul"),
        ("concatenate", "cat"),
        ("true_divide_", "div"),
        ("clip_", "clamp"),
        ("swapaxes", "transpose"),
        ("special_expit", "sigmoid"),
        ("__setitem__", "setitem"),
    ],
)
def test_all_spellings_of_a_function_are_one(name, canonical):
    assert op_of(name) is op_of(canonical)
    assert op_of(name).name == canonical


def test_an_unknown_function_belongs_to_no_family():
    assert op_of("frobnicate_").families == frozenset()
    assert op_of("frobnicate_").name == "frobnicate"


class Calls(nn.Module):
    """One call of one function, of an image of four channels."""

    def __init__(self, call):
        super().__init__()
        self.call = call
        self.weight = nn.Parameter(torch.randn(4, 4, 1, 1))

    def forward(self, x):
        return self.call(x, self.weight)


F = torch.nn.functional
TRACED = {
    "add": [
        lambda x, w: x + x,
        lambda x, w: x.add(x),
        lambda x, w: torch.add(x, x),
        lambda x, w: x.clone().add_(x),
        lambda x, w: torch.add(x, x, out=torch.empty(0)),
    ],
    "sub": [lambda x, w: x - x, lambda x, w: torch.subtract(x, x), lambda x, w: 1 - x],
    "mul": [lambda x, w: 2 * x, lambda x, w: torch.multiply(x, x), lambda x, w: x.clone().mul_(2)],
    "div": [lambda x, w: x / 2, lambda x, w: torch.true_divide(x, x), lambda x, w: x.divide(2)],
    "cat": [
        lambda x, w: torch.cat([x, x], 1),
        lambda x, w: torch.concat([x, x], 1),
        lambda x, w: torch.concatenate([x, x], axis=1),
    ],
    "vstack": [lambda x, w: torch.vstack([x, x]), lambda x, w: torch.row_stack([x, x])],
    "conv2d": [lambda x, w: F.conv2d(x, w), lambda x, w: torch.conv2d(x, w)],
    "relu": [lambda x, w: F.relu(x), lambda x, w: x.relu(), lambda x, w: torch.relu_(x.clone())],
    "hardtanh": [lambda x, w: nn.ReLU6()(x), lambda x, w: F.hardtanh(x)],
    "relu6": [lambda x, w: F.relu6(x)],
    "log_sigmoid": [lambda x, w: F.logsigmoid(x), lambda x, w: nn.LogSigmoid()(x)],
    "softshrink": [lambda x, w: F.softshrink(x)],
    "sigmoid": [lambda x, w: x.sigmoid(), lambda x, w: torch.special.expit(x), lambda x, w: F.sigmoid(x)],
    "softmax": [lambda x, w: F.softmax(x, 1), lambda x, w: torch.special.softmax(x, 1)],
    "feature_dropout": [lambda x, w: F.dropout2d(x)],
    "upsample_nearest2d": [lambda x, w: F.interpolate(x, scale_factor=2)],
    "upsample_bilinear2d": [lambda x, w: F.interpolate(x, scale_factor=2, mode="bilinear")],
    "max_pool2d": [lambda x, w: F.max_pool2d(x, 2), lambda x, w: torch.max_pool2d(x, 2)],
    "col2im": [lambda x, w: F.fold(F.unfold(x, 2), 8, 2)],
    "clamp": [lambda x, w: x.clamp(min=0), lambda x, w: torch.clip(x, 0)],
    "transpose": [lambda x, w: x.transpose(1, 2), lambda x, w: torch.swapdims(x, 1, 2)],
    "mT": [lambda x, w: x.mT, lambda x, w: x.adjoint()],
    "linalg_vector_norm": [lambda x, w: torch.norm(x, dim=1)],
    "unbind": [lambda x, w: next(iter(x))],
    "random": [lambda x, w: x.clone().random_()],
    "setitem": [lambda x, w: x.clone().__setitem__((slice(None), 0), 1.0) or x],
    "detach": [lambda x, w: x.detach(), lambda x, w: x.data],
}


@pytest.mark.parametrize("name", TRACED)
def test_every_way_to_write_it_is_recorded_as_the_function(name):
    for call in TRACED[name]:
        graph = skiplint.trace(Calls(call).eval(), torch.randn(2, 4, 8, 8))
        assert any(op_of(name) is operation.op for operation in graph if operation.kind == "call")
