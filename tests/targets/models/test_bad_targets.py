"""One readable line for every way in which a target can be wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint.targets import ModelTarget, TargetError, build, resolve
from tests.targets.conftest import Write


def build_all(target: str, options: dict[str, object]) -> None:
    for item in resolve(target, **options):  # type: ignore[arg-type]
        assert isinstance(item, ModelTarget)
        build(item)


def message(target: str, **options: object) -> str:
    with pytest.raises(TargetError) as raised:
        build_all(target, options)
    text = str(raised.value)
    assert "\n" not in text
    return text


def test_no_such_file(write: Write) -> None:
    write("model.py", "")
    assert message("modle.py") == 'modle.py: no such file or folder; did you mean "model.py"?'
    assert message("nothing/here.py") == "nothing/here.py: no such file or folder; check the path"


def test_what_is_no_file_is_called_what_it_is(write: Write) -> None:
    Path("link.py").symlink_to("gone.py")
    assert message("link.py") == "link.py: a link to gone.py, which does not exist"
    write("model.py", "")
    assert "the shell expands patterns" in message("*.py")
    assert message("") == "an empty target names nothing; give a file, or . for this folder"


def test_syntax_error(write: Write) -> None:
    write("model.py", "x = (1,\n", imports=False)
    text = message("model.py")
    assert text.startswith("model.py: syntax error in line 1: 'x = (1,'")


def test_missing_package(write: Write) -> None:
    write(
        "model.py",
        """
        import not_installed_anywhere.sub

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.width = int(not_installed_anywhere.sub.WIDTH)

            def forward(self, x):
                return x
        """,
    )
    text = message("model.py")
    assert text == (
        "model.py:Net: Net cannot be built: not_installed_anywhere.sub.WIDTH is used at model.py:11, "
        "but not_installed_anywhere is not installed; install it (pip install not_installed_anywhere)"
    )


def test_import_that_raises(write: Write) -> None:
    write("model.py", "WIDTH = {}['width']\nclass Net(nn.Linear):\n    pass\n")
    text = message("model.py")
    assert text.startswith("model.py: cannot be imported: KeyError: 'width' at model.py:5;")


def test_import_that_ends_the_program(write: Write) -> None:
    write(
        "model.py",
        """
        def register(cls):
            raise SystemExit(3)

        @register
        class Net(nn.Linear):
            pass
        """,
    )
    text = message("model.py")
    assert "ends the program while it is imported (exit code 3 at model.py:7)" in text


def test_import_that_asks_for_input(write: Write) -> None:
    write(
        "model.py",
        """
        name = input()

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.title = name + "!"
                self.fc = nn.Linear(2, 2)

            def forward(self, x):
                return x
        """,
    )
    assert message("model.py") == (
        "model.py:Net: Net cannot be built: name is used at model.py:11, but line 6 of model.py does the "
        "work of a script, which is not run; make it an argument of the model"
    )


def test_constructor_that_raises(write: Write) -> None:
    write("model.py", """
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 8, 3, groups=2)

            def forward(self, x):
                return x
        """)  # fmt: skip
    text = message("model.py")
    assert text.startswith(
        "model.py:Net: Net cannot be built: ValueError: in_channels must be divisible by groups at model.py:9"
    )


def test_verbose_holds_the_users_traceback(write: Write) -> None:
    write(
        "model.py",
        """
        class Net(nn.Module):
            def __init__(self):
                1 / 0
                self.layer = nn.Linear(2, 2)

            def forward(self, x):
                return self.layer(x)
        """,
    )
    (target,) = resolve("model.py")
    with pytest.raises(TargetError) as raised:
        build(target)  # type: ignore[arg-type]
    assert raised.value.verbose is not None
    assert "ZeroDivisionError" in raised.value.verbose
    assert "During handling" not in raised.value.verbose


def test_wrong_names(write: Write) -> None:
    write("model.py", "class UNet(nn.Identity):\n    pass\nclass Data:\n    pass\nSIZE = 3\n")
    assert message("model.py:Unet") == 'model.py has no "Unet"; did you mean "UNet"?'
    assert message("model.py:zzz") == 'model.py has no "zzz"; check the spelling'
    assert message("model.py:SIZE").startswith("model.py:SIZE is a int, not a model;")
    assert message("model.py:Data").startswith("model.py:Data is the class Data, not a model;")


def test_wrong_dotted_targets() -> None:
    assert (
        message("torchvision.models:resnet51")
        == 'torchvision.models has no "resnet51"; did you mean "resnet50"?'
    )
    assert 'there is no module "torchvision.modelz"' in message("torchvision.modelz:resnet50")
    assert (
        message("torchvision.models.resnet50x")
        == 'torchvision.models has no "resnet50x"; did you mean "resnet50"?'
    )
    assert 'did you mean "torchvision.models:vit_b_16"?' in message("torchvision.models.vit_b_16")
    assert "not a model" in message("torch.optim:SGD")
    (model,) = resolve("torchvision.models:ResNet")
    assert isinstance(model, ModelTarget)
    assert model.unbuilt is not None
    assert "needs block, layers" in model.unbuilt.reason


def test_factory_that_gives_no_model(write: Write) -> None:
    write("model.py", "def get_model():\n    return 3\n")
    assert "get_model gives int, not a torch.nn.Module" in message("model.py:get_model")


def test_weights_are_no_program(write: Write) -> None:
    write("weights.pth", "", imports=False)
    write("model.pt2", "no zip", imports=False)
    assert "torch.export.save" in message("weights.pth")
    assert message("model.pt2").startswith("model.pt2: cannot be loaded by torch.export.load")


def test_arguments_need_one_model(write: Write) -> None:
    net = "class {}(nn.Linear):\n    def __init__(self, n=2):\n        super().__init__(n, n)\n"
    write("model.py", net.format("A") + net.format("B"))
    assert "model.py:A, model.py:B" in message("model.py", kwargs={"n": 3})
    assert "name it as in" in message(".", kwargs={"n": 3})
