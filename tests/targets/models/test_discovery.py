"""Which models a file has: one test for each rule, on small files."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from skiplint.targets import ModelTarget, SkippedTarget, build, resolve
from tests.targets.conftest import Write


def found(target: Path | str) -> list[str]:
    """What is found, in brackets where it needs arguments that the file does not give."""
    return [
        f"[{item.name}]" if isinstance(item, SkippedTarget) or item.unbuilt else item.name
        for item in resolve(str(target))
    ]


def only(target: Path | str) -> ModelTarget:
    items = resolve(str(target))
    assert len(items) == 1
    assert isinstance(items[0], ModelTarget)
    return items[0]


def test_a_model_and_its_parts_are_one_model(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Block(nn.Module):
            def __init__(self, channels=8):
                super().__init__()
                self.conv = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                return x + self.conv(x)

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.blocks = nn.Sequential(Block(), Block())

            def forward(self, x):
                return self.blocks(x)
        """,
    )
    target = only(path)
    assert (target.target, target.name, target.path, target.line) == ("model.py:Net", "Net", "model.py", 14)
    assert type(build(target).model).__name__ == "Net"


def test_a_part_that_is_used_through_a_function_is_a_part(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Block(nn.Linear):
            def __init__(self):
                super().__init__(4, 4)

        def blocks():
            return [Block() for _ in range(2)]

        class Net(nn.Sequential):
            def __init__(self):
                super().__init__(*blocks())
        """,
    )
    assert found(path) == ["Net"]


def test_a_part_used_by_an_abstract_base_is_a_part(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Block(nn.Linear):
            def __init__(self):
                super().__init__(4, 4)

        class Base(nn.Module):
            def __init__(self):
                super().__init__()
                self.block = Block()

            def forward(self, x):
                raise NotImplementedError

        class Net(Base):
            def forward(self, x):
                return self.block(x)
        """,
    )
    assert found(path) == ["Net"]


def test_annotations_make_no_parts(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self):
                super().__init__(4, 4)

        class Wrapper(nn.Module):
            def __init__(self, net: Net):
                super().__init__()
                self.net = net

            def forward(self, x):
                return self.net(x)
        """,
    )
    assert found(path) == ["Net", "[Wrapper]"]


def test_two_classes_that_name_each_other_are_both_reported(write: Write) -> None:
    path = write(
        "model.py",
        """
        class A(nn.Linear):
            def __init__(self):
                super().__init__(2, 2)

            def other(self):
                return B()

        class B(nn.Linear):
            def __init__(self):
                super().__init__(2, 2)

            def other(self):
                return A()
        """,
    )
    assert found(path) == ["A", "B"]


def test_imported_classes_abstract_classes_and_losses_are_no_models(write: Write) -> None:
    write("parts.py", "class Imported(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n")
    path = write(
        "model.py",
        """
        import abc
        from torch.nn import Identity
        from torch.utils.data import Dataset
        from parts import Imported

        class Base(nn.Module, abc.ABC):
            @abc.abstractmethod
            def forward(self, x): ...

        class NoForward(nn.Module):
            pass

        class DiceLoss(nn.Module):
            def forward(self, x, y):
                return (x - y).sum()

        class Images(Dataset):
            def __len__(self):
                return 0

        criterion = nn.CrossEntropyLoss()
        activation = nn.ReLU()
        """,
    )
    assert found(path) == []


def test_module_level_objects_are_models_once(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, width):
                super().__init__(width, width)

        net = Net(3)
        alias = net
        small = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
        """,
    )
    assert found(path) == ["net", "small"]
    assert only("model.py:net").line == 10


def test_factories_by_annotation_and_by_name(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, width):
                super().__init__(width, width)

        def annotated(width: int = 2) -> nn.Module:
            return Net(width)

        def subclass() -> Net:
            return Net(3)

        def build_net(width=4):
            net = Net(width)
            return net.eval()

        def create_optimizer():
            return torch.optim.SGD([torch.zeros(1)], lr=1)

        def make_parser():
            return dict()

        def get_model(pretrained=False):
            return Net(8)

        def _private() -> nn.Module:
            return Net(9)

        def helper(width) -> int:
            return width
        """,
    )
    assert found(path) == ["annotated", "subclass", "build_net", "get_model"]


def test_a_class_and_the_factory_that_makes_it_are_one_model(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, width=2):
                super().__init__(width, width)

        def build_net() -> nn.Module:
            return Net()
        """,
    )
    assert found(path) == ["build_net"]


def test_plain_functions_are_factories_where_the_class_cannot_be_built_alone(write: Write) -> None:
    path = write(
        "resnet.py",
        """
        class BasicBlock(nn.Module):
            def __init__(self, channels):
                super().__init__()
                self.conv = nn.Conv2d(channels, channels, 3, padding=1)

            def forward(self, x):
                return x + self.conv(x)

        class ResNet(nn.Module):
            def __init__(self, block, depth):
                super().__init__()
                self.blocks = nn.Sequential(*[block(3) for _ in range(depth)])

            def forward(self, x):
                return self.blocks(x)

        def _resnet(depth):
            return ResNet(BasicBlock, depth)

        def resnet18():
            return _resnet(2)

        def resnet34():
            return ResNet(BasicBlock, 4)

        def test():
            net = resnet18()
            y = net(torch.randn(1, 3, 32, 32))
            print(y.size())
        """,
    )
    assert found(path) == ["resnet18", "resnet34"]


def test_missing_arguments_come_from_the_main_block(write: Write) -> None:
    path = write(
        "model.py",
        """
        WIDTH = 6

        class Config:
            def __init__(self, layers=2):
                self.layers = layers

        class Net(nn.Module):
            def __init__(self, width, config, *, bias):
                super().__init__()
                self.layers = nn.Sequential(*[nn.Linear(width, width, bias) for _ in range(config.layers)])

            def forward(self, x):
                return self.layers(x)

        if __name__ == "__main__":
            raise SystemExit("this must not run")
            cfg = Config(layers=3)
            use_bias = not True
            model = Net(WIDTH * 2, config=cfg, bias=use_bias).cuda()
        """,
    )
    model = build(only(path)).model
    assert len(model.layers) == 3
    assert model.layers[0].in_features == 12
    assert model.layers[0].bias is None


def test_missing_arguments_come_from_a_test_function(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, channels, classes):
                super().__init__(channels, classes)

        def test():
            channels, classes = 3, 10
            model = Net(channels, classes)
            model(torch.randn(2, channels))
        """,
    )
    assert build(only(path)).model.weight.shape == (10, 3)


def test_a_class_handed_to_the_demo_call_is_a_part(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Block(nn.Linear):
            def __init__(self, width):
                super().__init__(width, width)

        class Net(nn.Sequential):
            def __init__(self, block, depth):
                super().__init__(*[block(4) for _ in range(depth)])

        if __name__ == "__main__":
            print(Net(Block, depth=2))
        """,
    )
    assert found(path) == ["Net"]


def test_what_needs_unknown_arguments_is_skipped_with_the_configuration_to_add(write: Write) -> None:
    path = write(
        "model.py",
        """
        class Net(nn.Linear):
            def __init__(self, in_channels, widths: list, name: str):
                super().__init__(in_channels, 2)

        if __name__ == "__main__":
            import argparse
            args = argparse.ArgumentParser().parse_args()
            model = Net(args.channels, [], "")
        """,
    )
    skipped = only(path).unbuilt
    assert skipped is not None
    assert skipped.reason == (
        'Net needs in_channels, widths, name; add [[tool.skiplint.models]] with target = "model.py:Net", '
        'kwargs = {in_channels = 3, widths = [], name = "..."} to pyproject.toml'
    )
    assert skipped.snippet.splitlines()[0] == "[[tool.skiplint.models]]"
    named = only("model.py:Net").unbuilt
    assert named is not None
    assert re.search(r"Net needs in_channels, widths, name.*--kwargs", str(named.error))
    (model,) = resolve("model.py:Net", kwargs={"in_channels": 3, "widths": [], "name": ""})
    assert isinstance(model, ModelTarget)
    assert build(model).model.weight.shape == (2, 3)


@pytest.mark.parametrize(
    "parameter", ["configs", "cfg", "norm_layer", "opt: 'pathlib.Path'", "encoder: nn.Module"]
)
def test_what_needs_an_object_is_skipped_with_the_function_to_write(write: Write, parameter: str) -> None:
    """TOML holds numbers and texts only."""
    name = parameter.partition(":")[0]
    path = write(
        "model.py",
        f"""
        class Net(nn.Linear):
            def __init__(self, {parameter}, width=2):
                super().__init__(width, width)
        """,
    )
    skipped = only(path).unbuilt
    assert skipped is not None
    wanted = f"Net needs {name}; write a function such as `def small() -> nn.Module: return Net({name}=...)`"
    assert (skipped.reason, skipped.snippet) == (wanted, "")
    named = only("model.py:Net").unbuilt
    assert named is not None
    assert "write a function such as" in str(named.error)


def test_arguments_for_a_file_with_one_model(write: Write) -> None:
    path = write(
        "model.py", "class Net(nn.Linear):\n    def __init__(self, n):\n        super().__init__(n, n)\n"
    )
    (model,) = resolve(str(path), args=[5])
    assert isinstance(model, ModelTarget)
    assert build(model).model.weight.shape == (5, 5)


def test_a_nested_name_in_a_file(write: Write) -> None:
    write(
        "model.py",
        """
        class Models:
            class Net(nn.Linear):
                def __init__(self):
                    super().__init__(2, 2)
        """,
    )
    assert only("model.py:Models.Net").target == "model.py:Models.Net"


def test_files_without_models_are_not_run(write: Write) -> None:
    write("script.py", "import numpy\nraise RuntimeError('this must not run')\n", imports=False)
    write("empty.py", "", imports=False)
    assert resolve("script.py") == []
    assert resolve("empty.py") == []


def test_a_folder_is_searched_except_for_what_is_no_source(write: Write) -> None:
    net = "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
    for name in ("src/a.py", "src/deep/b.py", "src/.hidden/c.py", "src/venv/d.py", "src/build/e.py",
                 "src/env3/pyvenv.cfg", "src/env3/f.py", "src/x/site-packages/g.py"):  # fmt: skip
        write(name, net)
    assert [item.target for item in resolve("src")] == ["src/a.py:Net", "src/deep/b.py:Net"]


def test_a_folder_goes_on_after_a_file_that_fails(write: Write) -> None:
    write("src/bad.py", "class Net(nn.Module:\n")
    write("src/good.py", "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n")
    bad, good = resolve("src")
    assert isinstance(bad, SkippedTarget)
    assert bad.error is not None
    assert "src/bad.py: syntax error in line 5" in bad.reason
    assert good.target == "src/good.py:Net"


def test_two_folders_may_use_the_same_module_names(write: Write) -> None:
    for folder, width in (("a", 3), ("b", 5)):
        block = f"class Block(nn.Linear):\n    def __init__(self):\n        super().__init__({width}, 2)\n"
        write(f"{folder}/blocks.py", block)
        write(
            f"{folder}/model.py",
            """
            from blocks import Block

            class Net(nn.Sequential):
                def __init__(self):
                    import blocks
                    super().__init__(blocks.Block())
            """,
        )
    first = [item for folder in ("a", "b") for item in resolve(f"{folder}/model.py")]
    widths = [build(item).model[0].in_features for item in first if isinstance(item, ModelTarget)]
    assert widths == [3, 5]


def test_modules_of_the_project_are_found_from_any_folder_of_it(write: Write) -> None:
    """As if a script in the topmost folder imported the file; folders of results are no modules."""
    write("requirements.txt", "torch")
    write("layers/conv.py", "def conv(): return nn.Conv2d(3, 8, 3)\n")
    write("src/widths/__init__.py", "WIDTH = 8\n")
    write("wandb/run/log.txt", "", imports=False)
    path = write(
        "models/deep/net.py",
        """
        from layers.conv import conv
        from widths import WIDTH

        try:
            import wandb
        except ImportError:
            wandb = None
        assert wandb is None

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = conv()
                self.head = nn.Conv2d(WIDTH, 1, 1)

            def forward(self, x):
                return self.head(self.conv(x))
        """,
    )
    assert [item.name for item in resolve(str(path))] == ["Net"]
    assert "layers.conv" in sys.modules, "until files of another folder are linted"


def test_relative_imports_work_in_a_package(write: Write) -> None:
    for name in ("lib/__init__.py", "lib/models/__init__.py"):
        write(name, "", imports=False)
    write(
        "lib/blocks.py", "class Block(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
    )
    write(
        "lib/models/net.py",
        """
        from ..blocks import Block

        class Net(nn.Sequential):
            def __init__(self):
                super().__init__(Block())
        """,
    )
    assert type(build(only("lib/models/net.py")).model).__module__ == "lib.models.net"


def test_relative_imports_work_without_init_files(write: Write) -> None:
    write("project/blocks.py", "WIDTH = 4\n", imports=False)
    write(
        "project/net.py",
        """
        from .blocks import WIDTH

        class Net(nn.Linear):
            def __init__(self):
                super().__init__(WIDTH, 2)
        """,
    )
    assert build(only("project/net.py")).model.in_features == 4


def test_a_file_named_like_a_library_is_imported(write: Write) -> None:
    net = "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
    write("types.py", net)
    write("2d-unet.py", net)
    write("typing_extensions.py", net)
    assert found("types.py") == found("2d-unet.py") == found("typing_extensions.py") == ["Net"]


def test_what_a_file_prints_goes_to_stderr(write: Write, capsys: pytest.CaptureFixture[str]) -> None:
    write("model.py", """
        print("imported")
        class Net(nn.Linear):
            def __init__(self):
                print("built")
                super().__init__(2, 2)
        """)  # fmt: skip
    path_before, argv = list(sys.path), list(sys.argv)
    build(only("model.py"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "imported" not in captured.err
    assert "built" in captured.err
    assert sys.path == path_before
    assert sys.argv == argv


def test_scripted_functions_stay_readable(write: Write) -> None:
    import torch

    write("model.py", """
        @torch.jit.script
        def scale(x: Tensor) -> Tensor:
            return x * 2

        class Net(nn.Linear):
            def __init__(self):
                super().__init__(2, 2)

            def forward(self, x):
                return scale(super().forward(x))
        """)  # fmt: skip
    model = build(only("model.py")).model
    assert type(model.forward.__globals__["scale"]).__name__ == "function"
    assert torch.jit._state._enabled.enabled


def test_a_configuration_class_of_the_file_fills_a_config_argument(write: Write) -> None:
    path = write(
        "model.py",
        """
        from dataclasses import dataclass

        @dataclass
        class GPTConfig:
            width: int = 12
            depth: int = 3

        class GPT(nn.Sequential):
            def __init__(self, config):
                super().__init__(*[nn.Linear(config.width, config.width) for _ in range(config.depth)])
        """,
    )
    model = build(only(path)).model
    assert len(model) == 3
    assert model[0].in_features == 12


def test_linting_starts_no_program(write: Write) -> None:
    net = "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
    write("src/model.py", net)
    write(
        "src/train.py",
        net + "raise RuntimeError('this must not run')\nfor x in range(9):\n    x.backward()\n",
    )
    write(
        "src/cli.py", "import argparse\nargs = argparse.ArgumentParser().parse_args()\nraise RuntimeError\n"
    )
    assert [item.target for item in resolve("src")] == ["src/model.py:Net", "src/train.py:Net"]
    assert found("src/train.py") == ["Net"]


def test_parts_of_models_in_other_files_of_a_folder_are_not_reported_as_skipped(write: Write) -> None:
    write(
        "src/parts.py", "class Down(nn.Linear):\n    def __init__(self, n):\n        super().__init__(n, n)\n"
    )
    write(
        "src/net.py",
        """
        from parts import *

        class Net(nn.Sequential):
            def __init__(self):
                super().__init__(Down(3))
        """,
    )
    assert found("src") == ["Net"]
    assert found("src/parts.py") == ["[Down]"]


def test_script_modules_are_plain_modules(write: Write) -> None:
    import torch

    path = write(
        "model.py",
        """
        class Net(torch.jit.ScriptModule):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)

            @torch.jit.script_method
            def forward(self, x):
                return self.fc(x)
        """,
    )
    model = build(only(path)).model
    assert not isinstance(model, torch.jit.ScriptModule)
    assert type(model).forward.__code__.co_filename.endswith("model.py")


def test_modules_of_the_caller_stay_where_they_are(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script that lints its own folder keeps what it has imported from there."""
    write("mine.py", "WIDTH = 8")
    model = write("one.py", "class Net(nn.Module):\n    def forward(self, x):\n        return x")
    monkeypatch.syspath_prepend(str(model.parent))
    mine = importlib.import_module("mine")
    write("elsewhere/other.py", "class Net(nn.Module):\n    def forward(self, x):\n        return x")
    resolve(str(model))
    resolve(str(model.parent / "elsewhere"))
    assert sys.modules.pop("mine") is mine
