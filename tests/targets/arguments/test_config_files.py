"""The arguments of a model in the configuration files of its project."""

# ruff: noqa: E501, ISC004 - whole projects on few lines

from __future__ import annotations

import pytest

from tests.targets.arguments.conftest import NET, Project

WANTED = {"dim": 16, "depth": 2}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("configs/net.yaml", "dim: 16\ndepth: 2\nlr: 1e-3\n"),
        ("pkg/net.json", '{"model": {"dim": 16, "depth": 2}, "seed": 1}'),
        ("train.toml", "[train]\nlr = 1\n[model.params]\ndim = 16\ndepth = 2\n"),
        ("conf/model/net.yaml", "_target_: pkg.net.Net\ndim: 16\ndepth: 2\n_convert_: all\n"),
        ("configs/ldm.yaml", "model:\n  target: pkg.net.Net\n  params:\n    dim: 16\n    depth: 2\n"),
        ("config.json", '{"arch": {"type": "Net", "args": {"dim": 16, "depth": 2}}}'),
        ("config.yaml", "model:\n  class_path: pkg.net.Net\n  init_args: {dim: 16, depth: 2}\n"),
        ("config.yaml", "models:\n  Net:\n    dim: 16\n    depth: 2\n"),
        ("config.yaml", "base: {width: 16}\nmodel:\n  dim: ${base.width}\n  depth: 2\n"),
        ("config.yaml", "dim: 16\nmodel:\n  depth: 2\n  type: Net\n  dim: !!python/object:numpy.int64 16\n"),
        ("configs/net.py", "depth = 2\nmodel = dict(type='Net', dim=16, depth=depth)\n"),
        ("configs/net.py", "model = {'type': 'Seg', 'backbone': {'type': 'Net', 'dim': 16, 'depth': 2}}\n"),
    ],
)  # fmt: skip
def test_mappings_with_the_names_of_the_constructor(ways: Project, name: str, text: str) -> None:
    found = ways({name: text})
    assert [(way.source, way.arguments) for way in found[:1]] == [("config file", WANTED)]
    assert found[0].place.partition(":")[0] == name
    assert len(found[0].build().layers) == 2


def test_a_mapping_without_all_that_is_needed_is_none(ways: Project) -> None:
    assert ways({"config.yaml": "dim: 16\n", "other.yaml": "depth: [1, 2\n"}) == []


def test_what_names_the_class_comes_first(ways: Project) -> None:
    files = {
        "pkg/a.yaml": "dim: 1\ndepth: 1\n",
        "configs/b.yaml": "net: {_target_: pkg.net.Net, dim: 2, depth: 2}",
    }
    assert [way.arguments["dim"] for way in ways(files)] == [2, 1]


def test_python_configurations_lie_over_their_bases(ways: Project) -> None:
    files = {
        "configs/_base_/net.py": "model = dict(type='Net', dim=16)\n",
        "configs/net.py": "_base_ = ['./_base_/net.py']\nmodel = dict(type='Net', depth=2)\n",
    }
    assert [way.arguments for way in ways(files)] == [WANTED]


def test_hydra_makes_what_stands_inside(ways: Project) -> None:
    source = (
        NET
        + "\nclass Whole(Net):\n    def __init__(self, net, head, width):\n        nn.Module.__init__(self)\n"
    )
    source += "        self.layers, self.head, self.width = net, head, width(1, 2)\n"
    text = """
    model:
      _target_: pkg.net.Whole
      net: {_target_: pkg.net.Net, dim: 4, depth: 3}
      head: {_target_: torch.nn.Linear, _args_: [4, 2]}
      width: {_target_: torch.nn.Linear, _partial_: true}
    """
    (way,) = ways({"pkg/net.py": source, "conf/config.yaml": text}, of="pkg/net.py:Whole")
    model = way.build()
    assert (len(model.layers.layers), model.head.out_features, model.width.in_features) == (3, 2, 1)


def test_hydras_list_of_defaults_is_put_together(ways: Project) -> None:
    files = {
        "conf/config.yaml": "defaults:\n  - model: small\n  - _self_\nmodel:\n  depth: 2\n",
        "conf/model/small.yaml": "dim: 16\n",
        "train.py": "import hydra\nfrom pkg.net import Net\n@hydra.main(config_path='conf', config_name='config')\n"
        "def main(cfg):\n    Net(**cfg.model)\n",
    }
    assert [(way.source, way.arguments) for way in ways(files)] == [("project", WANTED)]


def test_files_that_code_loads_are_found(ways: Project) -> None:
    files = {
        "configs/net.yaml": "a: {dim: 16}\n",
        "train.py": "import yaml\nfrom pkg.net import Net\nwith open('configs/net.yaml') as f:\n"
        "    config = yaml.load(f, Loader=yaml.FullLoader)\nNet(config['a']['dim'], 2)\n",
        "other.py": "from omegaconf import OmegaConf\nfrom pkg.net import Net\nc = OmegaConf.load('../net.yaml')\n"
        "Net(c.a.dim, depth=3)\n",
    }
    assert [way.arguments for way in ways(files)] == [WANTED | {"depth": 3}, WANTED]


CONFIGURED = """
from torch import nn

class Block(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        self.fc = nn.Linear(cfg.hidden_size, cfg["hidden_size"], bias=cfg.get("bias", True))

    def forward(self, x):
        return x + self.fc(x)

class Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.layers = nn.Sequential(*[Block(config) for _ in range(config.encoder.num_layers)])

    def forward(self, x):
        return self.layers(x) * self.config.scale
"""
BY_ATTRIBUTES = CONFIGURED.replace('cfg["hidden_size"], bias=cfg.get("bias", True)', "cfg.hidden_size")


def test_settings_with_what_a_constructor_reads_of_them(ways: Project) -> None:
    files = {
        "pkg/net.py": CONFIGURED,
        "configs/no.yaml": "hidden_size: 16\nencoder: {num_layers: 2}\n",
        "configs/yes.yaml": "model: {hidden_size: 16, scale: 0.5, encoder: {num_layers: 2}, more: 1}\n",
    }
    (way,) = ways(files)
    assert (way.source, way.place) == ("config file", "configs/yes.yaml")
    assert len(way.build().layers) == 2


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from dataclasses import dataclass, field\n@dataclass\nclass Encoder:\n    num_layers: int = 2\n@dataclass\n"
         "class NetConfig:\n    hidden_size: int = 16\n    scale: float = 0.5\n"
         "    encoder: Encoder = field(default_factory=Encoder)\n", 6),
        ("class Anything:\n    class encoder:\n        num_layers = 2\n    hidden_size = 16\n    scale = 2\n", 1),
        ("import argparse\ndef parser():\n    p = argparse.ArgumentParser()\n"
         "    p.add_argument('--hidden-size', default=16)\n    p.add_argument('--scale', default=2)\n"
         "    p.set_defaults(encoder=argparse.Namespace(num_layers=2))\n    return p\nargs = parser().parse_args()\n", 8),
        ("from easydict import EasyDict\ndef get_config():\n    return EasyDict(hidden_size=16, scale=2, "
         "encoder=dict(num_layers=2))\n", 2),
        ("from types import SimpleNamespace as N\nCONFIG = N(hidden_size=16, scale=2, encoder=N(num_layers=2))\n", 2),
    ],
    ids=["dataclass", "class", "argparse", "function", "assignment"],
)  # fmt: skip
def test_settings_that_the_project_defines(ways: Project, source: str, line: int) -> None:
    found = ways({"pkg/net.py": BY_ATTRIBUTES, "pkg/config.py": source})
    assert found[0].place == f"pkg/config.py:{line}"
    assert found[0].build().layers[1].fc.in_features == 16


def test_an_argument_that_is_a_module_holds_no_settings(ways: Project) -> None:
    source = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self, args):
            super().__init__()
            self.net, self.dim = args, args.dim
        def forward(self, x):
            return self.net(x)
    """
    assert ways({"pkg/net.py": source, "a.yaml": "dim: 3\n"}) == []


OPENING = """
import yaml
from torch import nn

class Net(nn.Module):
    def __init__(self, cfg{default}):
        super().__init__()
        with open(cfg) as file:
            self.fc = nn.Linear(yaml.safe_load(file)["width"], 2)

    def forward(self, x):
        return self.fc(x)
"""


def test_a_default_names_a_file_that_is_found_where_there_is_one_of_that_name(ways: Project) -> None:
    files = {"pkg/net.py": OPENING.format(default='="net.yaml"'), "pkg/cfg/net.yaml": "width: 3\n"}
    way = ways(files)[-1]
    assert (way.source, way.place, way.build().fc.in_features) == ("config file", "pkg/cfg/net.yaml", 3)
    files["other/net.yaml"] = "width: 4\n"
    assert [way.source for way in ways(files)] == ["defaults"]


def test_a_parameter_that_is_opened_takes_files_of_the_project(ways: Project) -> None:
    found = ways({"pkg/net.py": OPENING.format(default=""), "pkg/cfg/net.yaml": "width: 3\n"})
    assert [(way.place, way.build().fc.in_features) for way in found] == [("pkg/cfg/net.yaml", 3)]


def test_settings_that_are_read_under_conditions_need_not_be_there(ways: Project) -> None:
    source = """
    from torch import nn

    class Net(nn.Module):
        def __init__(self, configs):
            super().__init__()
            self.fc = nn.Linear(configs.width, configs.width)
            if configs.task == "classify":
                self.head = nn.Linear(configs.width, configs.classes)

        def forward(self, x):
            return self.fc(x)
    """
    run = """
    import argparse
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", required=True, choices=["forecast", "classify"])
    parser.add_argument("--width", type=int, default=4)
    args = parser.parse_args()
    """
    (way,) = ways({"pkg/net.py": source, "run.py": run})
    assert (way.place, way.build().fc.in_features) == ("run.py:6", 4)
