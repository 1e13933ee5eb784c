"""The inputs of a model as other code of its project feeds them."""

# ruff: noqa: E501, ISC004 - whole projects on few lines

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from skiplint.targets import ExampleInputs, ModelTarget, Projects, build, constructions, find_inputs, resolve
from skiplint.targets.inputs.tensors import describe_arguments
from tests.targets.conftest import trial

NET = """\
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, width{default}):
        super().__init__()
        self.layer = nn.LazyLinear(width)

    def forward(self, x, mask=None, scale=None):
        return self.layer(x) * (1 if mask is None else mask) * (1 if scale is None else scale)
"""
IMPORT = "import torch\nfrom pkg.net import Net\n"


def fed(folder: Path, files: dict[str, str], net: str = NET.format(default="")) -> ExampleInputs:
    """The inputs of ``pkg/net.py:Net`` in the first way in which it is constructed."""
    for name, source in {"pyproject.toml": "", "pkg/__init__.py": "", "pkg/net.py": net, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    projects = Projects()
    (target,) = resolve("pkg/net.py:Net", projects=projects)
    assert isinstance(target, ModelTarget)
    way = next(constructions(target, projects.of(folder / "pkg/net.py")))
    model = build(way).model
    return find_inputs(model, way, runs=trial(model))


def said(found: ExampleInputs) -> tuple[str, str]:
    assert found.source == "demo"
    return found.why.removeprefix("as in ").partition(": ")[0], describe_arguments(found.args, found.kwargs)


@pytest.fixture(autouse=True)
def _in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("name", "code", "line"),
    [
        ("the name", "model = Net(8)\nmodel(torch.zeros(2, 7))", 4),
        ("forward", "model = Net(8)\nmodel.forward(torch.zeros(2, 7))", 4),
        ("at once", "y = Net(8)(torch.zeros(2, 7))", 3),
        ("chained", "model = Net(8).cuda().eval()\ny = model(torch.zeros(2, 7).cuda())", 4),
        ("bound again to itself", "model = Net(8)\nmodel = model.to('cuda')\nmodel(torch.zeros(2, 7))", 5),
        ("wrapped", "model = Net(8)\nnet = torch.nn.DataParallel(model)\nnet(torch.zeros(2, 7))", 5),
        ("inside of another call", "model = Net(8)\nprint(model(torch.zeros(2, 7)).shape)", 4),
        ("names in a function", "def main():\n    model = Net(8)\n    x = torch.zeros(2, 7)\n    model(x)", 6),
        ("a parameter", "def run(m):\n    m(torch.zeros(2, 7))\nrun(Net(8))", 4),
        ("a fixture", "import pytest\n@pytest.fixture\ndef net():\n    return Net(8)\n\n"
         "def test_net(net):\n    net(torch.zeros(2, 7))", 9),
        ("what a function makes", "def make():\n    return Net(8)\nm = make()\nm(torch.zeros(2, 7))", 6),
        ("an attribute", "class TestNet:\n    def setUp(self):\n        self.net = Net(8)\n"
         "    def test(self):\n        self.net(torch.zeros(2, 7))", 7),
        ("a trace", "torch.jit.trace(Net(8), torch.zeros(2, 7))", 3),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value and "(" not in value else "",
)  # fmt: skip
def test_a_model_is_fed_as_the_code_that_constructs_it_does(
    tmp_path: Path, name: str, code: str, line: int
) -> None:
    assert said(fed(tmp_path, {"use.py": IMPORT + code})) == (f"use.py:{line}", "2x7")


def test_keywords_and_dictionaries_are_passed_on(tmp_path: Path) -> None:
    readme = (
        "```python\n"
        + IMPORT
        + (
            "model = Net(8)\nbatch = dict(x=torch.zeros(2, 7))\nmodel(**batch, mask=torch.ones(2, 1).bool())\n```\n"
        )
    )
    found = fed(tmp_path, {"README.md": readme})
    assert said(found) == ("README.md:6", "x=2x7, mask=2x1 bool")


def test_each_construction_is_fed_as_in_its_own_place(tmp_path: Path) -> None:
    code = IMPORT + "model = Net(8)\nmodel(torch.zeros(2, 7))\nmodel = Other()\nmodel(torch.zeros(2, 9))\n"
    assert said(fed(tmp_path, {"use.py": code})) == ("use.py:4", "2x7")
    other = IMPORT + "if BIG:\n    model = Net(8)\nelse:\n    model = Other()\n    model(torch.zeros(2, 9))\n"
    assert said(fed(tmp_path, {"use.py": other + "model(torch.zeros(2, 7))\n"})) == ("use.py:8", "2x7")


def test_a_model_without_arguments_is_fed_as_its_project_does(tmp_path: Path) -> None:
    code = (
        IMPORT + "def test_net():\n    model = Net()\n    model(torch.zeros(2, 7), scale=torch.ones(1, 8))\n"
    )
    found = fed(tmp_path, {"tests/test_net.py": code}, NET.format(default="=8"))
    assert said(found) == ("tests/test_net.py:5", "2x7, scale=1x8")


def test_inputs_that_nothing_tells_are_inferred(tmp_path: Path) -> None:
    code = IMPORT + "import sys\nmodel = Net(8)\nmodel(torch.load(sys.argv[1]))\n"
    assert (
        fed(
            tmp_path, {"use.py": code}, NET.replace("nn.LazyLinear(", "nn.Linear(7, ").format(default="")
        ).source
        == "inferred"
    )


def test_a_batch_that_would_fill_the_memory_is_left_out(tmp_path: Path) -> None:
    code = IMPORT + "model = Net(8)\nmodel(torch.zeros(10**9, 7))\nmodel(torch.zeros(2, 7))\n"
    assert said(fed(tmp_path, {"use.py": code})) == ("use.py:5", "2x7")


def test_a_name_in_a_document_means_what_was_imported_last(tmp_path: Path) -> None:
    readme = """\
    ```python
    from pkg.other import Net
    model = Net(2, 3)
    model(torch.zeros(1, 9))
    ```
    ```python
    import torch
    from pkg.net import Net
    model = Net(8)
    model(torch.zeros(2, 7))
    ```
    """
    other = NET.format(default=", depth")
    assert said(fed(tmp_path, {"README.md": readme, "pkg/other.py": other})) == ("README.md:10", "2x7")
