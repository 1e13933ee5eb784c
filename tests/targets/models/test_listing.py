"""Which classes and functions of a project are models, decided without importing anything.

In the small projects below, ``LAYER`` is the body of a class with one weighted layer, which takes a width.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from skiplint.targets.models.folders import python_files
from skiplint.targets.models.listing import Listing
from skiplint.targets.models.project import Projects
from skiplint.targets.models.syntax import parse

LAYER = """
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, width)

    def forward(self, x):
        return self.layer(x)
"""
HEADER = "import torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"

Models = Callable[..., set[str]]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Models:
    """Write a project, given as its files by name, and give what linting its folder looks at."""
    monkeypatch.chdir(tmp_path)

    def listed(files: dict[str, str], *, alone: bool = False) -> set[str]:
        for name, source in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            header = HEADER if name.endswith(".py") else ""
            path.write_text(header + textwrap.dedent(source).replace("LAYER", LAYER.strip("\n")))
        projects = Projects()
        found: set[str] = set()
        for path in python_files(tmp_path):
            listing = Listing(projects.of(path), parse(path), alone=alone)
            covered = listing.covered()
            found |= {name for name in listing.classes if name not in covered}
            found |= {*listing.factories, *listing.objects}
        return found

    return listed


NET = "class Net(nn.Module):\nLAYER"
USE = """
class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = {0}(8), nn.Linear(8, 8)

    def forward(self, x):
        return self.a(x) + self.b(x)
"""


# -- parts ----------------------------------------------------------------------------------------


def test_what_a_model_of_the_file_is_put_together_of_is_a_part(models: Models) -> None:
    """``model`` runs the block with the width that the author means."""
    files = {"net.py": NET + "\n\nmodel = nn.Sequential(nn.Conv2d(3, 8, 3), Net())\n"}
    assert models(files) == {"model"}


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ("from net import Net", "Net"),
        ("from net import Net as Block", "Block"),
        ("from net import *", "Net"),
        ("import net", "net.Net"),
        ("import net as blocks", "blocks.Net"),
    ],
)
def test_what_a_module_class_of_another_file_uses_is_a_part(models: Models, imports: str, name: str) -> None:
    assert models({"net.py": NET, "whole.py": f"{imports}\n{USE.format(name)}"}) == {"Whole"}


def test_a_part_is_found_through_what_a_package_offers_again(models: Models) -> None:
    files = {
        "nets/__init__.py": "from .blocks import *",
        "nets/blocks/__init__.py": "from .net import Net as Block",
        "nets/blocks/net.py": NET,
        "nets/whole.py": "from nets import Block as Part\n" + USE.format("Part"),
        "far.py": "from nets import blocks\n" + USE.format("blocks.Block").replace("Whole", "Far"),
    }
    assert models(files) == {"Whole", "Far"}


def test_a_class_of_the_same_name_in_another_file_is_not_meant(models: Models) -> None:
    other = "class Net(nn.Module):\nLAYER\n" + USE.format("Net")
    assert models({"net.py": NET, "other.py": other}) == {"Net", "Whole"}


@pytest.mark.parametrize(
    "user",
    [
        "import unittest\nclass TestNet(unittest.TestCase):\n    def test(self):\n        Net(8)",
        "class Trainer:\n    def __init__(self):\n        self.net = Net(8)",
        "class Base:\n    pass\nclass Agent(Base):\n    def forward(self, x):\n        return Net(8)(x)",
        "class Typed(nn.Linear):\n    def grow(self, net: Net) -> Net:\n        return net",
        "class Asks(nn.Linear):\n    def forward(self, x):\n        return x if isinstance(x, Net) else x",
        'class Says(nn.Linear):\n    """Better than Net."""',
        "class Wide(Net):\n    pass",
        "class Wide(Net):\n    def narrow(self):\n        return Net(2)",
    ],
)
def test_mentions_that_use_no_part_hide_nothing(models: Models, user: str) -> None:
    """Tests, trainers, agents, annotations, type checks, docstrings and subclasses."""
    assert "Net" in models({"net.py": NET, "user.py": f"from net import Net\n{user}"})


def test_module_classes_in_tests_hide_nothing(models: Models) -> None:
    assert "Net" in models({"net.py": NET, "tests/test_net.py": "from net import Net\n" + USE.format("Net")})


def test_what_an_abstract_base_uses_is_a_part_and_the_base_is_no_model(models: Models) -> None:
    base = """
    class Base(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net(8)

        def forward(self, x):
            raise NotImplementedError

    class Child(Base):
        def forward(self, x):
            return self.net(x) + x
    """
    assert models({"net.py": NET, "base.py": "from net import Net\n" + textwrap.dedent(base)}) == {"Child"}


def test_a_base_that_can_run_is_a_model_beside_its_subclasses(models: Models) -> None:
    assert models({"net.py": NET + "\nclass Wide(Net):\n    pass"}) == {"Net", "Wide"}


def test_of_classes_that_use_each_other_all_are_kept(models: Models) -> None:
    two = USE.format("B").replace("Whole", "A") + USE.format("A").replace("Whole", "B")
    assert models({"two.py": two}) == {"A", "B"}
    assert models({"two.py": two, "whole.py": "from two import A\n" + USE.format("A")}) == {"Whole"}


def test_a_class_that_uses_itself_is_kept(models: Models) -> None:
    assert models({"tree.py": USE.format("Whole")}) == {"Whole"}


def test_parts_in_lists_tables_helpers_and_defaults(models: Models) -> None:
    blocks = "\n".join(
        f"class {name}(nn.Module):\n{LAYER}" for name in ("Listed", "Tabled", "Helped", "Given")
    )
    whole = """
    from blocks import Given, Helped, Listed, Tabled
    TABLE = {"tabled": Tabled}

    def helper(width):
        return Helped(width)

    class Whole(nn.Module):
        def __init__(self, kind="tabled", given=Given):
            super().__init__()
            layers = [nn.Linear(2, 2)]
            for _ in range(3):
                layers.append(Listed(2))
            self.listed = nn.Sequential(*layers)
            self.tabled = TABLE[kind](2)
            self.helped = self._make()
            self.given = given(2)

        def _make(self):
            return helper(2)

        def forward(self, x):
            return self.given(self.helped(self.tabled(self.listed(x))))
    """
    assert models({"blocks.py": blocks, "whole.py": textwrap.dedent(whole)}) == {"Whole"}


def test_a_class_handed_to_a_factory_is_a_part(models: Models) -> None:
    resnet = """
    class Block(nn.Module):
    LAYER

    class ResNet(nn.Module):
        def __init__(self, block, depth):
            super().__init__()
            self.blocks = nn.Sequential(*[block(8) for _ in range(depth)])

        def forward(self, x):
            return self.blocks(x)

    def _resnet(block, depth):
        return ResNet(block, depth)

    def resnet18():
        return _resnet(Block, 18)
    """
    assert models({"resnet.py": textwrap.dedent(resnet)}) == {"resnet18"}


# -- wrappers -------------------------------------------------------------------------------------


def test_a_wrapper_that_trains_one_model_does_not_hide_it(models: Models) -> None:
    trainer = """
    import lightning
    from net import Net

    class Task(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = Net(8)
            self.loss = nn.CrossEntropyLoss()

        def forward(self, x):
            return F.softmax(self.net(x), dim=1)

        def training_step(self, batch, index):
            return self.loss(self(batch[0]), batch[1])
    """
    assert models({"net.py": NET, "task.py": textwrap.dedent(trainer)}) == {"Net", "Task"}


def test_a_wrapper_that_passes_its_input_on_does_not_hide_its_model(models: Models) -> None:
    wrapper = """
    from net import Net

    class Wrapper(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net(8)

        def forward(self, x, mask=None):
            out = self.net(x)
            return out.squeeze(1)
    """
    assert models({"net.py": NET, "wrapper.py": textwrap.dedent(wrapper)}) == {"Net", "Wrapper"}
    inner = "from wrapper import Wrapper\n" + USE.format("Wrapper")
    assert models({"whole.py": inner}) == {"Whole"}, "what a part passes on to is a part too"


def test_a_wrapper_with_a_computation_of_its_own_hides_its_part(models: Models) -> None:
    residual = """
    from net import Net

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net(8)

        def forward(self, x):
            return x + self.net(x)
    """
    assert models({"net.py": NET, "residual.py": textwrap.dedent(residual)}) == {"Residual"}


def test_a_trainer_with_two_networks_hides_neither(models: Models) -> None:
    gan = """
    from nets import Discriminator, Generator

    class GAN(nn.Module):
        def __init__(self):
            super().__init__()
            self.generator, self.discriminator = Generator(8), Discriminator(8)
            self.optimizer = torch.optim.Adam(self.generator.parameters())

        def forward(self, z):
            return self.generator(z)

        def step(self, z):
            return self.discriminator(self.generator(z)).mean()
    """
    nets = "\n".join(f"class {name}(nn.Module):\n{LAYER}" for name in ("Generator", "Discriminator"))
    found = models({"nets.py": nets, "gan.py": textwrap.dedent(gan)})
    assert found == {"GAN", "Generator", "Discriminator"}


def test_what_is_only_handed_on_to_another_part_is_a_part(models: Models) -> None:
    whole = """
    from net import Net

    class Inner(nn.Module):
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x) * 2

    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = Net(8)
            self.inner = Inner(self.net)

        def forward(self, x):
            return self.inner(x) + 1
    """
    assert models({"net.py": NET, "whole.py": textwrap.dedent(whole)}) == {"Whole"}


# -- exports --------------------------------------------------------------------------------------

VIT = {
    "clip/vit.py": "class ViT(nn.Module):\nLAYER",
    "clip/clip.py": "from .vit import ViT\n" + USE.format("ViT").replace("Whole", "CLIP"),
}


@pytest.mark.parametrize(
    "init",
    ["from .vit import ViT", "from .vit import *\n__all__ = ['ViT']", "from . import vit\nViT = vit.ViT"],
)
def test_what_a_package_offers_stays_a_model(models: Models, init: str) -> None:
    package = {**VIT, "pyproject.toml": "", "clip/__init__.py": init}
    expected = {"CLIP"} if "vit.ViT" in init else {"CLIP", "ViT"}  # an assignment is no offer
    assert models(package) == expected


@pytest.mark.parametrize("init", ["", "from .vit import *", "from .clip import CLIP\n__all__ = ['CLIP']"])
def test_what_a_package_does_not_offer_by_name_is_a_part(models: Models, init: str) -> None:
    assert models({**VIT, "pyproject.toml": "", "clip/__init__.py": init}) == {"CLIP"}


def test_a_package_that_is_not_installed_offers_what_needs_no_arguments(models: Models) -> None:
    """A folder ``layers`` in a research project is no public interface."""
    free = (
        "class Free(nn.Linear):\n    def __init__(self, width=8):\n        super().__init__(width, width)\n"
    )
    files = {
        **VIT,
        "clip/__init__.py": "from .vit import ViT\nfrom .free import Free",
        "clip/free.py": free + USE.format("Free").replace("Whole", "Other"),
    }
    assert models(files) == {"CLIP", "Free", "Other"}


# -- losses and what has no weights ---------------------------------------------------------------


WEIGHTLESS = {
    "norm": """
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n))

        def forward(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, True)) * self.weight
        """,
    "activation": """
        def forward(self, x):
            return x * torch.sigmoid(x)
        """,
    "pooling": """
        def __init__(self):
            super().__init__()
            self.pool = nn.AdaptiveAvgPool2d(1)

        def forward(self, x):
            return self.pool(x)
        """,
    "crop": """
        def __init__(self, n):
            super().__init__()
            self.n = n

        def forward(self, x):
            return x[:, :, : -self.n]
        """,
    "encoding": """
        def __init__(self, d, n=9):
            super().__init__()
            table = torch.zeros(n, d)
            table[:, 0::2] = torch.sin(torch.arange(n)[:, None])
            self.register_buffer("table", table)

        def forward(self, x):
            return x + self.table
        """,
    "metric": """
        def __init__(self, smooth):
            super().__init__()
            self.smooth = smooth

        def forward(self, a, b):
            return (a * b).sum() / self.smooth
        """,
}

WEIGHTED = {
    "table": """
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n, n))

        def forward(self, x):
            return x @ self.weight
        """,
    "layer by name": """
        def __init__(self, kind):
            super().__init__()
            self.layer = getattr(nn, kind)(2, 2)

        def forward(self, x):
            return self.layer(x)
        """,
    "given": """
        def __init__(self, net):
            super().__init__()
            self.net = net

        def forward(self, x):
            return self.net(x) + x
        """,
    "given many": """
        def __init__(self, *nets):
            super().__init__()
            self.nets = nn.ModuleList(nets)

        def forward(self, x):
            for net in self.nets:
                x = net(x)
            return x
        """,
    "given later": """
        def __init__(self):
            super().__init__()
            self.nets = nn.ModuleList()

        def add(self, net):
            self.nets.append(net)

        def forward(self, x):
            for net in self.nets:
                x = net(x)
            return x
        """,
    "of another package": """
        def __init__(self):
            super().__init__()
            self.net = timm.create_model("resnet18")

        def forward(self, x):
            return self.net(x)
        """,
}


@pytest.mark.parametrize("body", WEIGHTLESS.values(), ids=WEIGHTLESS)
def test_what_has_no_weighted_layer_is_no_model(models: Models, body: str) -> None:
    assert (
        models({"layers.py": "class Layer(nn.Module):" + textwrap.dedent(body).replace("\n", "\n    ")})
        == set()
    )


@pytest.mark.parametrize("body", WEIGHTED.values(), ids=WEIGHTED)
def test_what_may_have_a_weighted_layer_is_a_model(models: Models, body: str) -> None:
    source = "import timm\nclass Net(nn.Module):" + textwrap.dedent(body).replace("\n", "\n    ")
    assert models({"nets.py": source}) == {"Net"}


def test_the_base_tells_whether_there_are_weights(models: Models) -> None:
    assert models({"nets.py": "class Pool(nn.MaxPool2d):\n    pass\nclass Net(nn.Linear):\n    pass"}) == {
        "Net"
    }


def test_a_base_may_hold_the_weight_of_a_layer(models: Models) -> None:
    conv = """
    class _Conv(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(n, n, 3, 3))

    class Conv(_Conv):
        def forward(self, x):
            return F.conv2d(x, self.weight)
    """
    assert models({"conv.py": textwrap.dedent(conv)}) == {"Conv"}


def test_a_loss_that_holds_a_network_is_no_model(models: Models) -> None:
    loss = """
    import torchvision

    class Perceptual(nn.Module):
        def __init__(self):
            super().__init__()
            self.vgg = torchvision.models.vgg16().features
            self.criterion = nn.L1Loss()
            self.weights = [1.0, 0.5]

        def forward(self, x, y):
            loss = 0
            for i in range(2):
                loss += self.weights[i] * self.criterion(self.vgg(x), self.vgg(y).detach())
            return loss
    """
    assert models({"loss.py": textwrap.dedent(loss)}) == set()


@pytest.mark.parametrize(
    "returned",
    [
        "self.net(x) * x.mean()",
        "F.mse_loss(self.net(x), y, reduction='none')",
        "self.net(x).mean(1)",
        "(self.net(x), x.mean())",
    ],
)
def test_what_gives_more_than_one_number_is_no_loss(models: Models, returned: str) -> None:
    net = f"""
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)

        def forward(self, x, y):
            return {returned}
    """
    assert models({"net.py": textwrap.dedent(net)}) == {"Net"}


def test_a_model_that_trains_itself_is_no_loss(models: Models) -> None:
    """A masked autoencoder takes one input and gives the loss of its own reconstruction."""
    mae = """
    class MAE(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)

        def forward(self, image):
            return F.mse_loss(self.net(image), image)
    """
    assert models({"mae.py": textwrap.dedent(mae)}) == {"MAE"}


# -- factories ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "factory",
    [
        "def small():\n    return Net(8)",
        "def small(pretrained=False):\n    model = Net(8)\n    model.load()\n    return model",
        "def small():\n    return _make(8)\ndef _make(width):\n    return Net(width)",
        "def small():\n    return nn.DataParallel(Net(8))",
        "def small() -> 'Net':\n    return Net(8).eval()",
        "def small():\n    return build(Net, 8)\ndef build(cls, width):\n    return cls(width)",
        "def small(kind='net'):\n    return KINDS[kind](8)\nKINDS = {'net': Net}",
    ],
)
def test_a_function_that_returns_a_model_stands_for_its_class(models: Models, factory: str) -> None:
    assert models({"net.py": NET, "hubconf.py": f"from net import Net\n{factory}"}) == {"small"}


def test_a_choice_among_classes_stands_for_none_of_them(models: Models) -> None:
    choice = """
    class A(nn.Module):
    LAYER

    class B(nn.Module):
    LAYER

    def get_model(name="a"):
        if name == "a":
            return A(8)
        return B(8)
    """
    assert models({"nets.py": textwrap.dedent(choice)}) == {"A", "B", "get_model"}


@pytest.mark.parametrize(
    "helper",
    [
        "def norm(n) -> nn.Module:\n    return nn.LayerNorm(n)",
        "def conv(a, b) -> nn.Module:\n    return nn.Conv2d(a, b, 3)",
        "def act():\n    return nn.ReLU()",
        "def pool(kind):\n    return {'max': nn.MaxPool2d, 'avg': nn.AvgPool2d}[kind](2)",
        "def by_number(d) -> type[nn.Module]:\n    return [nn.Conv1d, nn.Conv2d][d]",
        "def load(model: nn.Module) -> nn.Module:\n    model.load_state_dict({})\n    return model",
        "def score(x):\n    return Net(8)(x).mean()",
    ],
)
def test_a_helper_is_no_model(models: Models, helper: str) -> None:
    assert models({"net.py": f"{NET}\n{helper}"}) == {"Net"}


def test_a_function_that_a_module_class_uses_is_a_helper(models: Models) -> None:
    net = """
    def conv_bn(n):
        return nn.Sequential(nn.Conv2d(n, n, 1), nn.BatchNorm2d(n))

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.body = conv_bn(3), conv_bn(3)

        def forward(self, x):
            return self.stem(x) + self.body(x)
    """
    assert models({"net.py": textwrap.dedent(net)}) == {"Net"}
    assert models({"net.py": textwrap.dedent(net).partition("class")[0]}) == {"conv_bn"}


def test_functions_over_models_of_other_packages(models: Models) -> None:
    source = """
    import torchvision
    from torch.utils.data import DataLoader

    def finetuned(classes):
        model = torchvision.models.resnet18()
        model.fc = nn.Linear(512, classes)
        return model

    def loader(data):
        return DataLoader(data)
    """
    assert models({"finetune.py": textwrap.dedent(source)}) == {"finetuned"}


def test_entries_of_registries(models: Models) -> None:
    """As timm, mmengine and fairseq fill theirs."""
    source = """
    from mmengine import MODELS
    from registry import register_model, register_model_architecture

    def _create(variant, **kwargs):
        return build_with_cfg(Net, variant, **kwargs)

    def build_with_cfg(cls, variant, **kwargs):
        model = cls(**kwargs)
        return model

    @register_model
    def net_small(pretrained=False, **kwargs):
        return _create("net_small", **kwargs)

    @MODELS.register_module()
    class Detector(nn.Module):
    LAYER

    @register_model("lm")
    class LanguageModel(nn.Module):
    LAYER

    @register_model_architecture("lm", "lm_big")
    def lm_big(args):
        args.width = 1024
    """
    found = models({"net.py": f"{NET}\n{textwrap.dedent(source)}"})
    assert found == {"net_small", "Detector", "LanguageModel"}


# -- files ----------------------------------------------------------------------------------------


def test_a_script_that_only_uses_a_model_has_none(models: Models) -> None:
    train = """
    import argparse
    from net import Net

    args = argparse.ArgumentParser().parse_args()
    model = Net(args.width)
    criterion = nn.CrossEntropyLoss()

    if __name__ == "__main__":
        model = Net(3)
    """
    assert models({"net.py": NET, "train.py": textwrap.dedent(train)}) == {"Net"}


def test_a_file_that_is_asked_for_alone_shows_its_parts(models: Models) -> None:
    files = {"net.py": NET, "whole.py": "from net import Net\n" + USE.format("Net")}
    assert models(files, alone=True) == {"Net", "Whole"}


def test_modules_of_a_package_may_import_each_other_as_scripts_do(models: Models) -> None:
    files = {
        "core/__init__.py": "",
        "core/net.py": NET,
        "core/whole.py": "from net import Net\n" + USE.format("Net"),
        "core/core.py": "from core.net import Net\n",
    }
    assert models(files) == {"Whole"}


def test_imports_that_go_round_in_circles_end(models: Models) -> None:
    files = {
        "pkg/__init__.py": "from .pkg import *\nfrom .other import *",
        "pkg/pkg.py": "from pkg.other import Missing, Net\nfrom pkg import Missing as Gone\n",
        "pkg/other.py": "from pkg.pkg import *\nfrom . import pkg\n" + NET,
    }
    assert models(files) == {"Net"}


def test_a_part_that_the_readme_shows_how_to_use_is_a_model(models: Models) -> None:
    """The README calls ``Net``, and of two that are called ``Other`` the one that it imports."""
    files = {
        "pkg/__init__.py": "",
        "pkg/net.py": "class Net(nn.Module):\nLAYER\nclass Block(nn.Module):\nLAYER",
        "pkg/one.py": "class Other(nn.Module):\nLAYER",
        "pkg/two.py": "class Other(nn.Module):\nLAYER",
        "pkg/whole.py": "from pkg.net import Net, Block\nfrom pkg import one, two\n"
        + USE.format("Net")
        + USE.format("Block").replace("Whole", "Second")
        + USE.format("one.Other").replace("Whole", "Third")
        + USE.format("two.Other").replace("Whole", "Fourth"),
    }
    wholes = {"Whole", "Second", "Third", "Fourth"}

    assert models({"pyproject.toml": "", **files}) == wholes
    readme = (
        "```python\nfrom pkg.one import Other\nfrom pkg import Net\nnet = Net(8)\nOther(2)\n```\nBlock(8)\n"
    )
    assert models({"README.md": readme}) == {*wholes, "Net", "Other"}
