"""SKL305 on real architectures: the deep ones with skips, and the plain ones that are no deeper than 20."""

from __future__ import annotations

import pytest
import torch
import torchvision
from skiplint_rules.plain_depth import PlainDepth
from torch import nn

from skiplint.testing import findings_of


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("alexnet", 224),
        ("vgg16", 224),
        ("vgg19_bn", 224),
        ("googlenet", 224),
        ("inception_v3", 299),
        ("squeezenet1_0", 224),
        ("resnet50", 224),
        ("densenet121", 224),
        ("mobilenet_v2", 224),
        ("vit_b_16", 224),
    ],
)
def test_silent(name: str, size: int) -> None:
    # Two of them would draw their weights one by one, which nobody looks at here.
    slow = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    with torch.device("meta"):
        model = torchvision.models.get_model(name, **slow)
        image = torch.randn(1, 3, size, size)
    assert findings_of(PlainDepth(), model.eval(), image) == []


class Plain(nn.Module):
    """``depth`` layers in a row, then a residual block, then ``after`` layers."""

    def __init__(self, depth: int, after: int) -> None:
        super().__init__()
        self.before = nn.Sequential(*(nn.Linear(4, 4) for _ in range(depth)))
        self.block = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
        self.after = nn.Sequential(*(nn.Linear(4, 4) for _ in range(after)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.before(x)
        return self.after(x + self.block(x))


@pytest.mark.parametrize(("depth", "after", "runs"), [(20, 20, []), (21, 20, [21]), (21, 30, [21, 30])])
def test_a_skip_ends_a_run(depth: int, after: int, runs: list[int]) -> None:
    findings = findings_of(PlainDepth(), Plain(depth, after), torch.randn(1, 4))
    assert [finding.actual for finding in findings] == [str(run) for run in runs]


def test_the_limit_is_an_option() -> None:
    rule = PlainDepth(PlainDepth.Options(limit=5))
    assert [finding.expected for finding in findings_of(rule, Plain(6, 1), torch.randn(1, 4))] == [
        "at most 5"
    ]


class Parallel(nn.Module):
    """Thirty layers, none of which is on every path."""

    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Sequential(*(nn.Linear(4, 4) for _ in range(30)))
        self.right = nn.Sequential(*(nn.Linear(4, 4) for _ in range(30)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.left(x), self.right(x)], dim=-1)


def test_parallel_branches_are_not_counted() -> None:
    assert findings_of(PlainDepth(), Parallel(), torch.randn(1, 4)) == []


class Masked(nn.Module):
    """A deep text model whose mask of integers goes past every layer."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(21))

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids)
        for layer in self.layers:
            x = layer(x).masked_fill(mask[..., None] == 0, 0.0)
        return x


def test_a_mask_is_no_way_around() -> None:
    ids = torch.zeros(1, 3, dtype=torch.long)
    assert [finding.actual for finding in findings_of(PlainDepth(), Masked(), ids, ids)] == ["22"]


class Separable(nn.Module):
    """``pairs`` depthwise separable convolutions, then ``depthwise`` depthwise ones."""

    def __init__(self, pairs: int, depthwise: int) -> None:
        super().__init__()
        layers = [layer for _ in range(pairs) for layer in (self.depthwise(), nn.Conv2d(4, 4, 1))]
        self.layers = nn.Sequential(*layers, *(self.depthwise() for _ in range(depthwise)))

    @staticmethod
    def depthwise() -> nn.Module:
        return nn.Conv2d(4, 4, 3, padding=1, groups=4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(x)
        return out


@pytest.mark.parametrize(
    ("pairs", "depthwise", "runs"), [(13, 1, []), (20, 0, []), (21, 0, ["21"]), (0, 21, ["21"])]
)
def test_a_separable_convolution_is_one_layer(pairs: int, depthwise: int, runs: list[str]) -> None:
    findings = findings_of(PlainDepth(), Separable(pairs, depthwise), torch.randn(1, 4, 8, 8))
    assert [finding.actual for finding in findings] == runs
