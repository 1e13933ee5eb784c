"""Edits change the call that they name and nothing else of the text."""

from __future__ import annotations

import textwrap

import pytest

from skiplint.analysis.faults.remedy import ArgumentEdit, ResampleEdit, WrapEdit
from skiplint.fixing.edits import EditError, apply_edits
from skiplint.graph import Location


def place(source: str, call: str) -> Location:
    """Where ``call`` starts, as reports count: characters."""
    before = source[: source.index(call)]
    return Location("model.py", before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)


def edited(source: str, call: str, callee: str, argument: str, value: str, **more: object) -> str:
    edit = ArgumentEdit(location=place(source, call), callee=callee, argument=argument, value=value, **more)
    result = apply_edits(source, [edit])
    assert not result.refused, result.refused
    return result.text


@pytest.mark.parametrize(
    ("source", "value", "expected"),
    [
        ("nn.ReLU(inplace=True)", "False", "nn.ReLU(inplace=False)"),
        ("nn.ReLU(True)", "False", "nn.ReLU(False)"),
        ("nn.ReLU( inplace = True ) # why", "False", "nn.ReLU( inplace = False ) # why"),
    ],
)
def test_a_given_argument_is_replaced(source: str, value: str, expected: str) -> None:
    assert edited(source, "nn.ReLU", "ReLU", "inplace", value, position=0) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("nn.Conv2d(3, 8, 3)", "nn.Conv2d(3, 8, 3, padding=1)"),
        ("nn.Conv2d(3, 8, 3, bias=False)", "nn.Conv2d(3, 8, 3, bias=False, padding=1)"),
        ("nn.Conv2d(\n    3,\n    8,\n    3,\n)", "nn.Conv2d(\n    3,\n    8,\n    3,\n    padding=1,\n)"),
        ("nn.Conv2d(3, 8, 3,)", "nn.Conv2d(3, 8, 3, padding=1,)"),
    ],
)
def test_an_argument_that_is_not_given_is_added(source: str, expected: str) -> None:
    assert edited(source, "nn.Conv2d", "Conv2d", "padding", "1", position=4) == expected


def test_calls_that_start_at_the_same_place_are_told_apart_by_name() -> None:
    source = "torch.cat([a, b], dim=0).relu().sum(dim=0)"
    expected = "torch.cat([a, b], dim=1).relu().sum(dim=0)"
    assert edited(source, "torch.cat", "cat", "dim", "1", position=1) == expected


def test_columns_are_counted_as_the_interpreter_does() -> None:
    source = 'größe = "é"; f = nn.ReLU(inplace=True)'
    assert edited(source, "nn.ReLU", "ReLU", "inplace", "False").endswith("nn.ReLU(inplace=False)")


def test_a_computed_value_is_left_alone_unless_that_is_wanted() -> None:
    source = "nn.Conv2d(width * 2, 8, 3)"
    edit = ArgumentEdit(
        location=place(source, "nn"), callee="Conv2d", argument="in_channels", value="24", position=0
    )
    result = apply_edits(source, [edit])
    assert result.text == source
    assert result.refused == {edit: "in_channels of Conv2d is computed"}
    assert apply_edits(source, [edit], computed=True).text == "nn.Conv2d(24, 8, 3)"


def test_starred_arguments_are_left_alone() -> None:
    source = "nn.Conv2d(*sizes)"
    edit = ArgumentEdit(location=place(source, "nn"), callee="Conv2d", argument="padding", value="1")
    assert apply_edits(source, [edit]).refused == {edit: "Conv2d takes its arguments from * or **"}


def test_an_edit_at_a_place_without_a_call_is_refused() -> None:
    edit = ArgumentEdit(location=Location("model.py", 1, 9), callee="ReLU", argument="inplace", value="False")
    assert apply_edits("x = 1\n", [edit]).refused == {edit: "there is no call of ReLU in line 1"}


RESAMPLED = textwrap.dedent("""\
    import torch
    {imports}
    def forward(self, x, skip):
        return torch.cat([self.up(x), skip], dim=1)  # join
    """)


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ("import torch.nn.functional as F", "F.interpolate"),
        ("from torch import nn", "nn.functional.interpolate"),
        ("", "torch.nn.functional.interpolate"),
    ],
)
def test_an_operand_is_resampled_to_the_size_of_another(imports: str, name: str) -> None:
    source = RESAMPLED.format(imports=imports)
    edit = ResampleEdit(location=place(source, "torch.cat"), callee="cat", operand="0[0]", reference="0[1]")
    wanted = source.replace("self.up(x)", f"{name}(self.up(x), size=skip.shape[2:])")
    assert apply_edits(source, [edit]).text == wanted


@pytest.mark.parametrize(
    ("source", "operand", "expected"),
    [
        ("torch.matmul(a, b)", "1", "torch.matmul(a, b.transpose(-2, -1))"),
        ("torch.matmul(a, b + c)", "1", "torch.matmul(a, (b + c).transpose(-2, -1))"),
        ("torch.matmul(a, other=b)", "other", "torch.matmul(a, other=b.transpose(-2, -1))"),
        ("torch.matmul([a, b])", "0[1]", "torch.matmul([a, b.transpose(-2, -1)])"),
    ],
)
def test_an_operand_is_wrapped(source: str, operand: str, expected: str) -> None:
    edit = WrapEdit(
        location=place(source, "torch"), callee="matmul", operand=operand, expression="{}.transpose(-2, -1)"
    )
    assert apply_edits(source, [edit]).text == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("gate = torch.sigmoid(x)", "gate = torch.sigmoid(x).half()"),
        ("gate = 1 - (torch.sigmoid(x))", "gate = 1 - (torch.sigmoid(x).half())"),
        ("gate = torch.sigmoid(  # wide\n    x)", "gate = torch.sigmoid(  # wide\n    x).half()"),
    ],
)
def test_a_call_is_wrapped(source: str, expected: str) -> None:
    edit = WrapEdit(location=place(source, "torch"), callee="sigmoid", operand="", expression="{}.half()")
    assert apply_edits(source, [edit]).text == expected


@pytest.mark.parametrize(
    ("source", "name", "operand", "expected"),
    [
        ("y = a + self.b(x)", "add", "1", "y = a + crop(self.b(x))"),
        ("y = (a + b) * c", "add", "0", "y = (crop(a) + b) * c"),
        ("y = a - b.c[0]", "sub", "other", "y = a - crop(b.c[0])"),
        ("a += self.b(x)", "add_", "1", "a += crop(self.b(x))"),
        ("y = a @ b", "matmul", "1", "y = a @ crop(b)"),
    ],
)
def test_an_operand_of_an_operator_is_wrapped(source: str, name: str, operand: str, expected: str) -> None:
    edit = WrapEdit(location=place(source, "a"), callee=name, operand=operand, expression="crop({})")
    assert apply_edits(source, [edit]).text == expected


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("a + b + c", "there is no call of add in line 1"),  # both sums start at a
        ("a += b", "the operand is assigned to"),
        ("a * b", "there is no call of add in line 1"),
    ],
)
def test_an_operator_that_may_be_another_is_left_alone(source: str, why: str) -> None:
    edit = WrapEdit(location=place(source, "a"), callee="add", operand="0", expression="crop({})")
    assert apply_edits(source, [edit]).refused == {edit: why}


@pytest.mark.parametrize("source", ["torch.cat(parts, 1)", "torch.cat([*parts], 1)", "torch.cat(*x)"])
def test_operands_that_are_not_written_out_are_left_alone(source: str) -> None:
    edit = WrapEdit(location=place(source, "torch"), callee="cat", operand="0[0]", expression="-{}")
    assert apply_edits(source, [edit]).refused == {edit: "the operands of cat are not written out"}


def test_a_reference_without_a_name_is_refused() -> None:
    source = "import torch\ny = torch.cat([x, self.skip(x)], dim=1)\n"
    edit = ResampleEdit(location=place(source, "torch.cat"), callee="cat", operand="0[0]", reference="0[1]")
    assert apply_edits(source, [edit]).refused == {edit: "the operand with the right size has no name"}


def test_only_a_class_may_be_called_by_another_name() -> None:
    source = "y = torch.relu_(x)\nact = layer(inplace=True)\n"
    function = ArgumentEdit(
        location=place(source, "torch.relu_"), callee="relu", argument="inplace", value="False"
    )
    assert list(apply_edits(source, [function]).refused) == [function]
    module = ArgumentEdit(
        location=place(source, "layer"), callee="ReLU", argument="inplace", value="False", exact=False
    )
    assert apply_edits(source, [module]).text.endswith("act = layer(inplace=False)\n")


def test_source_that_is_not_python_is_an_error() -> None:
    with pytest.raises(EditError, match="is not valid Python"):
        apply_edits("def (", [])
