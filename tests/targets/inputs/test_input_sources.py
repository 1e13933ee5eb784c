"""Where inputs come from, and which source wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from skiplint.targets import ExampleInputs, ModelConfig, ModelTarget, TargetError, build, find_inputs, resolve
from tests.targets.conftest import Write, trial

CONV = """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 4, 3)

            def forward(self, x):
                return self.conv(x)
"""


def inputs(target: str | Path, models: list[ModelConfig] | None = None) -> ExampleInputs:
    (found,) = resolve(str(target), models=models or [])
    assert isinstance(found, ModelTarget)
    model = build(found).model
    return find_inputs(model, found, runs=trial(model))


def given(make: Any, config: ModelConfig | None = None) -> ExampleInputs:
    target = ModelTarget("model.py:Net", "Net", None, None, make)
    model = build(target).model
    return find_inputs(model, target, config=config, runs=trial(model))


def shape(found: ExampleInputs) -> list[int]:
    (value,) = [*found.args, *found.kwargs.values()]
    return list(value.shape)


# -- configuration ------------------------------------------------------------------------------------


def test_configuration_comes_first(write: Write) -> None:
    path = write(
        "model.py",
        CONV + "\n            def skiplint_inputs(self):\n                return torch.zeros(1, 3, 9, 9)\n",
    )
    assert shape(inputs(path)) == [1, 3, 9, 9]
    entry = ModelConfig(target="model.py:Net", inputs=[["B", 3, "H", "W"]], sizes={"H": 40, "W": 48})
    found = inputs(path, [entry])
    assert (shape(found), found.source) == ([1, 3, 40, 48], "config")
    assert shape(inputs("model.py:Net", [entry])) == [1, 3, 40, 48]


def test_configured_arguments_build_the_model(write: Write) -> None:
    write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, width, *, bias):
                super().__init__(width, 2, bias)
        """,
    )
    entry = ModelConfig(target="model.py:Net", args=[7], kwargs={"bias": False})
    (target,) = resolve("model.py", models=[entry])
    assert isinstance(target, ModelTarget)
    assert target.config is entry
    assert build(target).model.in_features == 7


def test_one_model_may_be_configured_twice(write: Write) -> None:
    write(
        "model.py",
        "class Net(nn.Linear):\n    def __init__(self, width):\n        super().__init__(width, 2)\n",
    )
    entries = [ModelConfig(target="model.py:Net", args=[width]) for width in (3, 4)]
    for target in ("model.py", "model.py:Net", "."):
        models = [build(item).model for item in resolve(target, models=entries)]  # type: ignore[arg-type]
        assert [model.in_features for model in models] == [3, 4]


def test_dotted_targets_may_be_configured() -> None:
    entry = ModelConfig(
        target="torchvision.models:resnet18", kwargs={"num_classes": 7}, inputs=[["B", 3, 64, 64]]
    )
    found = inputs("torchvision.models:resnet18", [entry])
    assert (shape(found), found.source) == ([1, 3, 64, 64], "config")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (["B", 3, "H", "W"], [1, 3, 224, 224]),
        ([["B", "T"]], [1, 16]),
        ([{"shape": ["B", "T"], "dtype": "int64", "high": 5}], [1, 16]),
        ({"x": ["B", 4]}, [1, 4]),
        ({"shape": [2, 2]}, [2, 2]),
    ],
)
def test_ways_to_write_an_input(spec: Any, expected: list[int]) -> None:
    assert shape(given(Anything, ModelConfig(target="model.py:Net", inputs=spec))) == expected


class Anything(nn.Module):
    def forward(self, x: Any) -> Any:
        return x


def test_lists_values_and_integers_in_the_configuration() -> None:
    class Net(nn.Module):
        def forward(
            self, images: list[Tensor], tokens: Tensor, scale: float, info: dict[str, Tensor]
        ) -> Tensor:
            return images[0].sum() + tokens.sum() * scale + info["depth"].sum()

    spec = [{"list": [[3, 8, 8], [3, 4, 4]]}, {"shape": [1, 50], "dtype": "int64", "low": 4, "high": 6}, 0.5,
            {"depth": [2]}]  # fmt: skip
    found = given(Net, ModelConfig(target="model.py:Net", inputs=spec))
    assert [list(image.shape) for image in found.args[0]] == [[3, 8, 8], [3, 4, 4]]
    assert sorted(set(found.args[1].flatten().tolist())) == [4, 5]
    assert found.args[2] == 0.5
    assert list(found.args[3]["depth"].shape) == [2]


def test_configured_inputs_that_do_not_run_are_an_error() -> None:
    with pytest.raises(TargetError, match="forward raises on the configured inputs") as raised:
        given(lambda: nn.Linear(3, 2), ModelConfig(target="model.py:Net", inputs=[["B", 4]]))
    assert raised.value.attempt is not None
    with pytest.raises(TargetError, match='the size "Q1" has no value; add sizes'):
        given(nn.Identity, ModelConfig(target="model.py:Net", inputs=[["Q1", 4]]))
    with pytest.raises(TargetError, match="not a dtype"):
        given(nn.Identity, ModelConfig(target="model.py:Net", inputs=[{"shape": [1], "dtype": "floaty"}]))


def test_sizes_alone_steer_the_search() -> None:
    config = ModelConfig(target="model.py:Net", sizes={"H": 48, "W": 48, "B": 2})
    assert shape(given(lambda: nn.Conv2d(3, 4, 3), config)) == [2, 3, 48, 48]


# -- conventions --------------------------------------------------------------------------------------


@pytest.mark.parametrize("attribute", ["example_input_array", "skiplint_inputs"])
@pytest.mark.parametrize("as_dict", [False, True])
def test_a_model_may_announce_its_inputs(attribute: str, as_dict: bool) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)
            value: Any = torch.zeros(1, 3, 33, 33, device="cpu")
            value = {"image": value} if as_dict else value
            setattr(self, attribute, value if attribute == "example_input_array" else lambda: value)

        def forward(self, image: Tensor) -> Tensor:
            return self.conv(image)

    found = given(Net)
    assert (shape(found), found.source) == ([1, 3, 33, 33], "module")
    assert attribute in found.why


def test_skiplint_inputs_that_raise_are_reported() -> None:
    class Net(nn.Identity):
        def skiplint_inputs(self) -> Tensor:
            raise KeyError("size")

    with pytest.raises(TargetError, match=r"Net.skiplint_inputs\(\) raises KeyError: 'size'"):
        given(Net)


def test_announced_inputs_that_do_not_run_are_passed_over() -> None:
    class Net(nn.Conv2d):
        example_input_array = torch.zeros(2, 2)

        def __init__(self) -> None:
            super().__init__(3, 4, 3)

    assert given(Net).source == "inferred"


def test_timm_style_settings_give_the_size() -> None:
    class Net(nn.Conv2d):
        def __init__(self) -> None:
            super().__init__(3, 4, 3)
            self.default_cfg = {"input_size": (3, 100, 100)}

    assert shape(given(Net)) == [1, 3, 100, 100]


# -- annotations --------------------------------------------------------------------------------------


class Shaped:
    """What ``Float[Tensor, "b c h w"]`` of jaxtyping looks like from outside."""

    def __init__(self, dim_str: str, dtypes: list[str]) -> None:
        self.dim_str = dim_str
        self.dtypes = dtypes


def test_jaxtyping_annotations_give_rank_and_type() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv1d(5, 4, 3)
            self.words = nn.Embedding(9, 4)

        def forward(self, x, y):  # type: ignore[no-untyped-def]
            return self.conv(x).mean(-1) + self.words(y)

    Net.forward.__annotations__ = {
        "x": Shaped("batch c 50", ["float32"]),
        "y": Shaped("b", ["int32", "int64"]),
    }
    found = given(Net)
    assert found.source == "annotation"
    assert [list(value.shape) for value in found.args] == [[1, 5, 50], [1]]
    assert found.args[1].dtype == torch.int64


def test_real_jaxtyping_in_a_file(write: Write) -> None:
    pytest.importorskip("jaxtyping")
    path = write("model.py", """
        from jaxtyping import Float

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(6, 2)

            def forward(self, x: Float[Tensor, "b t d"]) -> Float[Tensor, "b t 2"]:
                return self.fc(x)
        """)  # fmt: skip
    found = inputs(path)
    assert (shape(found), found.source) == ([1, 16, 6], "annotation")


def test_annotated_shapes(write: Write) -> None:
    path = write("model.py", """
        from __future__ import annotations
        from typing import Annotated

        import torch
        from torch import Tensor, nn

        class Net(nn.Linear):
            def __init__(self):
                super().__init__(8, 2)

            def forward(self, x: Annotated[Tensor, (1, 30, 8)]) -> Tensor:
                return super().forward(x)
        """, imports=False)  # fmt: skip
    found = inputs(path)
    assert (shape(found), found.source) == ([1, 30, 8], "annotation")


# -- the file's own calls -----------------------------------------------------------------------------

MAIN = "\n        if __name__ == '__main__':\n            "


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("x = torch.randn(2, 3, 40, 40); model = Net(); y = model(x)", [2, 3, 40, 40]),
        ("print(Net()(torch.rand((1, 3, 40, 40), device='cuda')).shape)", [1, 3, 40, 40]),
        (
            "size = 4 * 10; net = Net().cuda().eval(); net(torch.ones(1, 3, size, size).cuda())",
            [1, 3, 40, 40],
        ),
        (
            "dev = torch.device('cuda'); m = Net().to(dev); m.forward(torch.zeros(1, 3, 40, 40).to(dev))",
            [1, 3, 40, 40],
        ),
        ("net = nn.DataParallel(Net()); out = net(torch.zeros(*(1, 3), 40, 40)).sum()", [1, 3, 40, 40]),
        ("from torchsummary import summary; net = Net(); summary(net, (3, 40, 40))", [1, 3, 40, 40]),
        ("from torchinfo import summary; summary(Net(), input_size=(2, 3, 40, 40))", [2, 3, 40, 40]),
        ("m = Net(); torch.onnx.export(m, (torch.zeros(1, 3, 40, 40),), 'm.onnx')", [1, 3, 40, 40]),
        ("b, s = 2, 40; x = torch.randn(b, 3, s, s); x = x + 1; Net()(x)", [2, 3, 40, 40]),
        (
            "m = Net(); [m(torch.zeros(1, 3, n, n)) for n in (1, 2)]; m(torch.zeros(1, 3, 40, 40))",
            [1, 3, 40, 40],
        ),
    ],
)
def test_the_demo_call_gives_the_inputs(write: Write, code: str, expected: list[int]) -> None:
    found = inputs(write("model.py", CONV + MAIN + code + "\n"))
    assert (shape(found), found.source) == (expected, "demo")
    assert "model.py:1" in found.why


def test_a_demo_that_cannot_be_read_is_passed_over(write: Write) -> None:
    code = "import PIL.Image; x = load(PIL.Image.open('cat.png')); Net()(x)\n"
    assert inputs(write("model.py", CONV + MAIN + code)).source == "inferred"


def test_relatives_share_a_demo(write: Write) -> None:
    path = write("model.py", CONV + """
        def small() -> nn.Module:
            return Net()

        def large() -> nn.Module:
            return Net()

        def test():
            net = small()
            print(net(torch.randn(1, 3, 40, 40)))
        """)  # fmt: skip
    for target in resolve(str(path)):
        assert isinstance(target, ModelTarget)
        model = build(target).model
        assert shape(find_inputs(model, target, runs=trial(model))) == [1, 3, 40, 40]


# -- saved programs -----------------------------------------------------------------------------------


def test_a_saved_program_brings_its_inputs(write: Write, tmp_path: Path) -> None:
    program = torch.export.export(nn.Conv2d(3, 4, 3), (torch.randn(2, 3, 20, 20),))
    torch.export.save(program, tmp_path / "net.pt2")
    write("other.py", "")
    found = inputs("net.pt2")
    assert (shape(found), found.source) == ([2, 3, 20, 20], "module")


# -- determinism --------------------------------------------------------------------------------------


def test_inputs_are_the_same_each_time_and_leave_the_generator_alone() -> None:
    class Drawn(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)
            self.start = torch.rand(1).item()

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(x)

    before = torch.random.get_rng_state()
    first, second = given(Drawn), given(Drawn)
    assert torch.equal(first.args[0], second.args[0])
    assert first.args[0].device.type == "cpu"
    assert torch.equal(before, torch.random.get_rng_state())


def test_values_missing_on_the_meta_device_do_not_count_against_the_inputs() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            x = self.conv(x)
            return x if x.sum().item() > 0 else -x

    found = given(Net)
    assert (shape(found), found.verified) == ([1, 3, 224, 224], False)
