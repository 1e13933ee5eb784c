"""Files whose imports are missing are linted as far as they do not use them."""

from __future__ import annotations

import pytest
from torch import nn

from skiplint.targets import ModelTarget, TargetError, build, resolve
from skiplint.targets.environment.stand_ins import StandIn
from tests.targets.conftest import Write


def models(target: object) -> dict[str, ModelTarget]:
    return {item.name: item for item in resolve(str(target)) if isinstance(item, ModelTarget)}


def fails(target: ModelTarget) -> str:
    with pytest.raises(TargetError) as raised:
        build(target)
    return str(raised.value)


def test_only_models_that_use_what_is_missing_fail(write: Write) -> None:
    path = write(
        "model.py",
        """
        import absent_metrics as metrics
        from absent_layers import DropPath, rearrange as arranged
        from absent_layers.deep import *

        logger = metrics.get_logger(__name__)
        SCALE = metrics.SCALE * 2

        class Plain(nn.Module):
            def __init__(self):
                super().__init__()
                logger.info("built")
                self.fc = nn.Linear(2, 2)

            def forward(self, x):
                return self.fc(x)

            def score(self, x) -> "metrics.Score":
                return metrics.score(x)

        class Dropping(nn.Module):
            def __init__(self):
                super().__init__()
                self.layers = nn.Sequential(nn.Linear(2, 2), DropPath(0.1))

            def forward(self, x):
                return self.layers(x)

        class Starred(nn.Module):
            def __init__(self):
                super().__init__()
                self.width = int(WIDTH)

            def forward(self, x):
                return x
        """,
    )
    found = models(path)
    assert isinstance(build(found["Plain"]).model, nn.Module)
    assert "absent_layers.DropPath(...)" in fails(found["Dropping"])
    assert "absent_layers is not installed; install it (pip install absent_layers)" in fails(
        found["Dropping"]
    )
    starred = fails(found["Starred"])
    assert "absent_layers.deep.WIDTH is used at " in starred
    assert ", but absent_layers is not installed" in starred


def test_forward_that_uses_what_is_missing_names_the_package(write: Write) -> None:
    path = write(
        "model.py",
        """
        from absent_einops import rearrange

        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)

            def forward(self, x):
                return rearrange(self.fc(x), "a b -> b a")
        """,
    )
    import torch

    target = models(path)["Net"]
    model = build(target).model
    with target.environment(), pytest.raises(Exception, match="absent_einops is not installed"):
        model(torch.ones(2, 2, device="meta"))


def test_bases_and_decorators_that_are_missing(write: Write) -> None:
    path = write(
        "model.py",
        """
        import absent_lightning as pl
        from absent_mm import BACKBONES, BaseModule, auto_fp16
        from absent_typing import Float

        @BACKBONES.register_module()
        class Net(BaseModule):
            def __init__(self, init_cfg=None):
                super(Net, self).__init__(init_cfg)
                self.fc = nn.Linear(3, 3)
                self.init_weights()

            @auto_fp16()
            def forward(self, x: Float[torch.Tensor, "b c"] | None):
                return x + self.fc(x)

        class Lit(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.save_hyperparameters()
                self.net = nn.Linear(2, 2)

            def forward(self, x):
                return self.net(x)

            def training_step(self, batch):
                self.log("loss", 1)
        """,
    )
    found = models(path)
    assert build(found["Net"]).model.fc.in_features == 3
    assert isinstance(build(found["Lit"]).model, nn.Module)


def test_imports_that_are_tried_fail_as_ever(write: Write) -> None:
    write("kernels.py", "import absent_kernels\ndef fused(x):\n    return absent_kernels.run(x)\n")
    path = write(
        "model.py",
        """
        try:
            import absent_fast
            from kernels import fused
            FAST = True
        except ImportError:
            FAST = False

        class Net(nn.Linear):
            def __init__(self):
                assert not FAST
                super().__init__(2, 2)
        """,
    )
    assert build(models(path)["Net"]).model.in_features == 2


def test_a_package_whose_init_imports_what_is_missing(write: Write) -> None:
    write("pkg/__init__.py", "import absent_dependency\nfrom . import _C\n", imports=False)
    path = write(
        "pkg/net.py",
        "from pkg import _C\n\n"
        "class Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
        "\nclass Fast(nn.Linear):\n    def __init__(self):\n        super().__init__(int(_C.width()), 2)\n",
    )
    found = models(path)
    assert build(found["Net"]).model.in_features == 2
    assert "_C" in fails(found["Fast"])
    assert "if it is a compiled extension, build it" in fails(found["Fast"])


def test_a_name_that_a_package_no_longer_has_names_the_version(write: Write) -> None:
    import networkx

    path = write(
        "model.py",
        """
        from networkx import no_longer_there, Graph

        class Net(nn.Linear):
            def __init__(self):
                Graph()
                super().__init__(int(no_longer_there()), 2)
        """,
    )
    said = fails(models(path)["Net"])
    assert "networkx.no_longer_there(...) is used at " in said
    assert f", but networkx {networkx.__version__} has no no_longer_there" in said


def test_extensions_are_never_compiled(write: Write) -> None:
    path = write(
        "model.py",
        """
        from torch.utils.cpp_extension import load
        fused = load(name="fused_act", sources=["fused.cpp", "fused.cu"])

        class Net(nn.Linear):
            def __init__(self):
                super().__init__(int(fused.width()), 2)
        """,
    )
    assert fails(models(path)["Net"]).startswith(
        "model.py:Net: Net cannot be built: the extension fused_act.width(...) is used at model.py:11, but "
        "it is compiled when it is loaded, which is not done here"
    )


def test_nothing_is_an_instance_of_what_is_missing() -> None:
    missing = StandIn("a.B", "a is not installed")
    assert not isinstance(3, missing)  # type: ignore[arg-type]
    assert not issubclass(int, missing)  # type: ignore[arg-type]


def test_an_import_and_its_fallback_that_both_miss_a_package_are_stood_in_for(write: Write) -> None:
    """``kernels`` is there and imports what is not; ``absent_b`` is the fallback of ``absent_a``."""
    write("kernels.py", "import absent_cuda\n\n@absent_cuda.memoize()\ndef launch(): ...\n", imports=False)
    path = write(
        "model.py",
        """
        try:
            from .sub import kernels
        except ImportError:
            import kernels
        try:
            import absent_a as fast
        except ImportError:
            import absent_b as fast

        class Plain(nn.Module):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(2, 2)

            def forward(self, x):
                return self.fc(x)

        class Fast(Plain):
            def __init__(self):
                super().__init__()
                self.fc = nn.Linear(int(fast.WIDTH), 2)
        """,
    )
    found = models(path)
    assert isinstance(build(found["Plain"]).model, nn.Module)
    assert "absent_b is not installed; install it (pip install absent_b)" in fails(found["Fast"])
