"""The arguments of a model as other code of its project gives them."""

# ruff: noqa: E501, ISC004 - whole projects on few lines

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.targets.arguments.conftest import Project

IMPORT = "from pkg.net import Net\n"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("literals", "Net(16, depth=2)"),
        ("a name at module level", "DIM = 8\nDIM = DIM * 2\nNet(DIM, 4 // 2)"),
        ("names in a function", "def main():\n    dim = 16\n    depth = 2\n    model = Net(dim, depth)\n"),
        ("defaults of the function", "def make(dim=16, depth=2):\n    return Net(dim, depth)\n"),
        ("a caller", "def make(dim, depth):\n    return Net(dim, depth)\n\nmake(16, depth=2)\n"),
        ("the branch that is taken", "BIG = False\ndim = 64 if BIG else 16\nif BIG:\n    depth = 9\nelse:\n"
         "    depth = 2\nNet(dim, depth)"),
        ("a dictionary that is spread", "config = dict(dim=4)\nconfig['dim'] = 16\nconfig.update(depth=2)\n"
         "Net(**config)"),
        ("a loop", "for dim in [16, 32]:\n    Net(dim, 2)"),
        ("a comprehension", "Net([8 * n for n in range(4)][2], sum(1 for _ in 'ab'))"),
        ("attributes of a class", "class Config:\n    dim = 16\n    depth = 2\n\nNet(Config.dim, Config.depth)"),
        ("a dataclass", "from dataclasses import dataclass, field\n@dataclass\nclass Config:\n    dim: int = 16\n"
         "    depth: int = field(default=1)\n\nconfig = Config(depth=2)\nNet(config.dim, config.depth)"),
        ("a named tuple", "from typing import NamedTuple\nclass Config(NamedTuple):\n    dim: int\n    depth: int = 2\n"
         "\nconfig = Config(16)\nNet(config.dim, config.depth)"),
        ("a class with a constructor", "class Config:\n    def __init__(self, dim=16):\n        self.dim = dim\n"
         "        self.depth = self.half(4)\n    def half(self, n):\n        return n // 2\n\nc = Config()\n"
         "Net(c.dim, c.depth)"),
        ("argparse", "import argparse\np = argparse.ArgumentParser()\np.add_argument('--dim', type=int, default='16')\n"
         "p.add_argument('--depth', choices=[2, 3])\np.add_argument('--data', required=True)\nargs = p.parse_args()\n"
         "Net(args.dim, args.depth)"),
        ("argparse in functions", "import argparse\ndef add_model_args(parser):\n"
         "    group = parser.add_argument_group('model')\n    group.add_argument('--depth', '-d', type=int, default=2)\n"
         "def get_args():\n    parser = argparse.ArgumentParser()\n    parser.add_argument('--dim', default=16)\n"
         "    add_model_args(parser)\n    return parser.parse_args()\n"
         "def main(args):\n    model = Net(args.dim, args.depth).cuda()\n"
         "if __name__ == '__main__':\n    args = get_args()\n    main(args)\n"),
        ("arguments of a command line, spread", "import argparse\np = argparse.ArgumentParser()\n"
         "p.add_argument('--dim', default=16)\np.add_argument('--depth', default=2)\nNet(**vars(p.parse_args()))"),
        ("a function of defaults", "def get_default_config():\n    config = {'dim': 16}\n    config['depth'] = 2\n"
         "    return config\n\nNet(**get_default_config())"),
        ("ConfigDict", "import ml_collections\ndef get_config():\n    config = ml_collections.ConfigDict()\n"
         "    config.model = model = ml_collections.ConfigDict()\n    model.dim = 16\n    model.depth = 2\n"
         "    return config\n\nc = get_config()\nNet(c.model.dim, depth=c.model.depth)"),
        ("EasyDict", "from easydict import EasyDict as edict\nc = edict({'model': {'dim': 16}})\nc.model.depth = 2\n"
         "Net(c.model.dim, c.model.depth)"),
        ("OmegaConf", "from omegaconf import OmegaConf\nc = OmegaConf.merge(OmegaConf.create({'m': {'dim': 16}}), "
         "{'m': {'depth': 2}})\nNet(c.m.dim, c.m.depth)"),
        ("attributes of self", "class Trainer:\n    depth = 2\n    def __init__(self, dim=16):\n        self.dim = dim\n"
         "    def make(self):\n        return Net(self.dim, self.depth)"),
        ("hyperparameters", "import lightning as L\nclass Lit(L.LightningModule):\n    def __init__(self, dim=16, depth=2):\n"
         "        self.save_hyperparameters()\n        self.net = Net(self.hparams.dim, self.hparams.depth)"),
        ("a subclass", "class Small(Net):\n    def __init__(self, dim=16):\n        super().__init__(dim, depth=2)"),
        ("a partial", "from functools import partial\nmake = partial(Net, 16, depth=2)"),
        ("an alias", "Model = Net\nModel(16, 2)"),
        ("a click command", "import click\n@click.command()\n@click.option('--dim', default=16)\n"
         "@click.option('-d', '--depth', default=2)\ndef main(dim, depth):\n    Net(dim, depth)"),
        ("a registry of settings", "SETTINGS = {'small': dict(dim=16, depth=2), 'big': dict(dim=99, depth=9)}\n"
         "def build(name='small'):\n    return Net(**SETTINGS[name])"),
        ("a registry whose key is a command-line argument", "import argparse\nSETTINGS = {'s': (16, 2)}\n"
         "p = argparse.ArgumentParser()\np.add_argument('--arch', choices=list(SETTINGS))\n"
         "Net(*SETTINGS[p.parse_args().arch])"),
    ],
    ids=lambda value: value if "\n" not in value and "(" not in value else "",
)  # fmt: skip
def test_arguments_are_told_from_the_code_around_a_call(ways: Project, name: str, code: str) -> None:
    found = ways({"train.py": IMPORT + code})
    assert [(way.source, way.arguments) for way in found[:1]] == [("project", {"dim": 16, "depth": 2})]
    assert found[0].place.startswith("train.py:")
    assert len(found[0].build().layers) == 2


def test_the_place_is_relative_to_the_project(ways: Project) -> None:
    (way,) = ways({"examples/deep/train.py": "\n\n" + IMPORT + "Net(4, 1)\n"})
    assert way.place == "examples/deep/train.py:4"


def test_parametrised_tests_give_their_first_values(ways: Project) -> None:
    code = """
    import pytest
    from pkg import net

    @pytest.fixture
    def depth():
        return 3

    @pytest.mark.parametrize("dim", [8, 16])
    @pytest.mark.parametrize(("n", "out"), [(1, 2), pytest.param(3, 4, id="x")])
    def test_shape(dim, depth, n, out):
        net.Net(dim, n)
        net.Net(out, depth)
    """
    found = ways({"tests/test_net.py": code})
    assert [way.arguments for way in found] == [
        {"dim": 8, "depth": 1},
        {"dim": 16, "depth": 3},
        {"dim": 2, "depth": 3},
        {"dim": 4, "depth": 3},
    ]


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("README.md", "# Net\n\n```python\nfrom pkg.net import Net\ndim = 16\nmodel = Net(\n  dim, 2)\n```\n", 6),
        ("README.md", "Use\n\n~~~\n$ pip install pkg\n\nfrom pkg.net import Net\n\nNet(16, 2)\n~~~\n", 8),
        ("docs/use.rst", "Use::\n\n    from pkg.net import Net\n    Net(16, 2)\n\nmore\n", 4),
        ("docs/use.rst", ".. code-block:: python\n\n   from pkg.net import Net\n   Net(16, 2)\n", 4),
        ("docs/use.md", ">>> from pkg import net\n>>> model = net.Net(16,\n...     depth=2)\nNet(...)\n", 2),
        ("README.md", "```python\nfrom shiny_new_name import Net\nNet(16, 2)\n```\n", 3),
    ],
)  # fmt: skip
def test_documents_hold_calls(ways: Project, name: str, text: str, line: int) -> None:
    (way,) = ways({name: text})
    assert way.arguments == {"dim": 16, "depth": 2}
    assert way.place == f"{name}:{line}"


def test_docstrings_hold_calls(ways: Project) -> None:
    source = '''
    from torch import nn

    class Net(nn.Module):
        """Adds.

        Example::

            >>> net = Net(16, 2)
        """

        def __init__(self, dim, depth):
            super().__init__()
            self.layers = nn.Linear(dim, depth)

        def forward(self, x):
            return self.layers(x)
    '''
    (way,) = ways({"pkg/net.py": source})
    assert way.arguments == {"dim": 16, "depth": 2}
    assert way.place == "pkg/net.py:9"


def test_notebooks_hold_calls(ways: Project) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["Net(1, 1)"]},
        {"cell_type": "code", "source": ["!pip install pkg\n", "from pkg.net import Net\n", "dim = 16"]},
        {"cell_type": "code", "source": "%matplotlib inline\nnet = Net(dim, depth=2)"},
    ]
    (way,) = ways({"demo.ipynb": json.dumps({"cells": cells})})
    assert way.arguments == {"dim": 16, "depth": 2}


def test_constants_come_from_other_modules(ways: Project) -> None:
    found = ways(
        {
            "pkg/config.py": "from dataclasses import dataclass\nDEPTH = 1 + 1\n@dataclass\nclass C:\n    dim: int = 16\n",
            "train.py": "from pkg import config\nfrom pkg.config import *\nfrom pkg.net import Net\n"
            "Net(C().dim, config.DEPTH)\n",
        }
    )
    assert found[0].arguments == {"dim": 16, "depth": 2}


def test_modules_inside_are_made_of_the_projects_classes_and_of_torchs(ways: Project) -> None:
    source = """
    from torch import nn

    class Block(nn.Module):
        def __init__(self, dim, norm):
            super().__init__()
            self.norm, self.fc = norm(dim), nn.Linear(dim, dim)

        def forward(self, x):
            return x + self.fc(self.norm(x))

    class Net(nn.Module):
        def __init__(self, encoder, head):
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, x):
            return self.head(self.encoder(x))
    """
    train = """
    from torch import nn
    from pkg.net import Block, Net

    def make_encoder(dim):
        return nn.Sequential(Block(dim, nn.LayerNorm), Block(dim, lambda n: nn.BatchNorm1d(n)))

    net = Net(encoder=make_encoder(16), head=nn.Linear(16, 3).cuda())
    """
    (way,) = ways({"pkg/net.py": source, "train.py": train})
    model = way.build()
    assert [type(block.norm).__name__ for block in model.encoder] == ["LayerNorm", "BatchNorm1d"]
    assert next(model.parameters()).device.type == "meta"


def test_what_is_unknown_and_has_a_default_is_left_out(ways: Project) -> None:
    source = """
    from torch import nn
    class Net(nn.Module):
        def __init__(self, dim, depth=2):
            super().__init__()
            self.fc = nn.Linear(dim, depth)
        def forward(self, x):
            return self.fc(x)
    """
    found = ways({"pkg/net.py": source, "train.py": IMPORT + "import sys\nNet(16, depth=len(sys.argv))\n"})
    assert [way.arguments for way in found] == [{"dim": 16}]


def test_full_calls_come_before_others_and_near_ones_before_far_ones(ways: Project) -> None:
    found = ways(
        {
            "a/b/far.py": IMPORT + "Net(1, 1)\n",
            "pkg/near.py": IMPORT + "Net(2, 2)\nNet(2, unknown())\n",
            "train.py": IMPORT + "Net(3, 3)\nNet(dim=3, depth=3)\n",
            "pkg/whole.py": IMPORT
            + "from torch import nn\nclass Whole(nn.Module):\n    def __init__(self):\n        self.net = Net(9, 9)\n",
        }
    )
    assert [way.arguments["dim"] for way in found] == [2, 3, 1, 9]


def test_a_call_of_another_class_of_that_name_does_not_count(ways: Project) -> None:
    found = ways(
        {
            "other.py": "class Net:\n    def __init__(self, *args): pass\nNet(1, 2)\n",
            "train.py": "from other import Net\nNet(3, 4)\n",
            "installed.py": "from torch.nn import Linear as Net\nNet(5, 6)\n",
        }
    )
    assert found == []


def test_class_methods_that_construct(ways: Project) -> None:
    source = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self, widths):
            super().__init__()
            self.layers = nn.Sequential(*[nn.Linear(n, n) for n in widths])

        @classmethod
        def from_name(cls, name):
            return cls([4] * int(name[1:]))

        @classmethod
        def from_pretrained(cls, name):
            raise RuntimeError("downloads")

        def forward(self, x):
            return self.layers(x)
    """
    found = ways(
        {"pkg/net.py": source, "README.md": "```\nNet.from_name('b2')\nNet.from_pretrained('x')\n```\n"}
    )
    assert [way.arguments for way in found] == [{"name": "b2"}]
    assert len(found[0].build().layers) == 2


def test_nothing_of_a_script_is_run(ways: Project) -> None:
    script = """
    from pathlib import Path
    from pkg.net import Net

    def dim():
        Path("written").write_text("x")
        return 16

    Path("written").write_text("x")
    open("written", "w").write("x")
    Net(dim(), 2)
    raise SystemExit
    """
    (way,) = ways({"train.py": script})
    assert way.arguments == {"dim": 16, "depth": 2}
    assert not Path("written").exists()


def test_wrappers_that_pass_everything_on_have_the_parameters_of_what_they_wrap(ways: Project) -> None:
    source = """
    from torch import nn

    def persistent(cls):
        class Wrapped(cls):
            def __init__(self, *args, **kwargs):
                super().__init__(*args, **kwargs)
        Wrapped.__name__ = cls.__name__
        return Wrapped

    @persistent
    class Net(nn.Module):
        def __init__(self, dim, depth):
            super().__init__()
            self.fc = nn.Linear(dim, depth)

        def forward(self, x):
            return self.fc(x)
    """
    found = ways({"pkg/net.py": source, "train.py": IMPORT + "Net(16, depth=2)\nNet(16)\n"})
    assert [(way.source, way.arguments) for way in found] == [("project", {"dim": 16, "depth": 2})]
