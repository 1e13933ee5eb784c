"""Names in modules, such as ``package.module:Net``: what they give to whoever looks for arguments."""

from __future__ import annotations

from pathlib import Path

import pytest

from skiplint.targets import ModelTarget, build, constructions, resolve
from skiplint.targets.arguments import ways
from skiplint.targets.arguments.ways import Ways
from skiplint.targets.models.project import Project, Projects
from skiplint.targets.records import BuiltWith, Constructor
from tests.targets.conftest import Write


def only(target: str) -> ModelTarget:
    (item,) = resolve(target)
    assert isinstance(item, ModelTarget)
    return item


def test_a_class_that_a_package_offers_is_constructed_where_it_is_defined(write: Write) -> None:
    write("offers/nets.py", "class Net(nn.Linear):\n    pass\n")
    write("offers/__init__.py", "from .nets import Net\n", imports=False)
    target = only("offers:Net")
    assert target.named
    assert target.constructor is not None
    assert target.constructor.name == "Net"
    assert target.constructor.path == Path("offers/nets.py").resolve()
    assert target.constructor.namespace["nn"].Linear
    assert target.unbuilt is not None
    assert "Net needs in_features, out_features" in target.unbuilt.reason


def test_ways_to_construct_are_tried_for_dotted_targets(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("waysto/nets.py", "class Net(nn.Linear):\n    pass\n")
    write("waysto/__init__.py", "", imports=False)

    def source(constructor: Constructor, project: Project) -> Ways:
        yield constructor.way(BuiltWith("project", "here", lambda: ((3, 5), {})))

    monkeypatch.setattr(ways, "SOURCES", (source,))
    target = only("waysto.nets:Net")
    assert target.path is not None
    (way,) = constructions(target, Projects().of(Path(target.path)))
    assert way.unbuilt is None
    assert build(way).model.weight.shape == (5, 3)


def test_arguments_that_are_given_are_used(write: Write) -> None:
    write("given/__init__.py", "class Net(nn.Linear):\n    pass\n")
    (target,) = resolve("given:Net", kwargs={"in_features": 2, "out_features": 4})
    assert isinstance(target, ModelTarget)
    assert target.unbuilt is None
    assert target.built_with.source == "configuration"
    assert build(target).model.weight.shape == (4, 2)


def test_an_installed_package_is_a_project_of_its_own() -> None:
    target = only("torchvision.models:resnet18")
    assert target.path is not None
    assert Projects().of(Path(target.path)).files.root.name == "torchvision"
    assert target.constructor is not None
    assert target.constructor.path.name == "resnet.py"
