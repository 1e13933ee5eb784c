"""SKL203: ways to be the odd one, and reasons not to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from skiplint_rules.odd_block_out import OddBlockOut
from torch import Tensor, nn

from skiplint.linting.finding import Finding
from skiplint.testing import findings_of

Join = Callable[[Tensor, Tensor], Tensor]


class Block(nn.Module):
    def __init__(self, join: Join, width: int = 8) -> None:
        super().__init__()
        self.join = join
        self.fc1, self.fc2 = nn.Linear(8, width), nn.Linear(width, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.fc2(torch.relu(self.fc1(x))), x)


def added(out: Tensor, x: Tensor) -> Tensor:
    return out + x


def plain(out: Tensor, x: Tensor) -> Tensor:
    return out


ODD: dict[str, tuple[Join, str]] = {
    "missing": (
        plain,
        "lacks the additive skip (add of 2) from its input around 2 layers that its 3 siblings have",
    ),
    "twice": (lambda out, x: out + x + x, "joins 3 tensors by add where its 3 siblings join 2"),
    "subtracted": (lambda out, x: out - x, "joins its input by sub where its 3 siblings join it by add"),
    "concatenated": (
        lambda out, x: torch.cat([out, x], dim=1)[:, :8],
        "joins its input by cat where its 3 siblings join it by add",
    ),
}


class Around(nn.Module):
    """A stack of blocks, and one skip around all of them."""

    def __init__(self, blocks: Sequence[nn.Module]) -> None:
        super().__init__()
        self.blocks, self.last = nn.Sequential(*blocks), nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.last(self.blocks(x))  # type: ignore[no-any-return]


def found(blocks: Sequence[nn.Module]) -> list[Finding]:
    return findings_of(OddBlockOut(), nn.Sequential(nn.Linear(8, 8), *blocks), torch.randn(2, 8))


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("long", [False, True], ids=["", "inside a long skip"])
@pytest.mark.parametrize(("join", "difference"), ODD.values(), ids=ODD.keys())
def test_one_of_four(join: Join, difference: str, place: int, long: bool) -> None:
    blocks = [Block(join if number == place else added) for number in range(4)]
    findings = found([Around(blocks)] if long else blocks)
    path = f"1.blocks.{place}" if long else str(place + 1)
    assert [finding.message for finding in findings] == [f"{path} (Block) {difference}"]
    assert findings[0].expected == "additive skip (add of 2) from its input around 2 layers"


SILENT = {
    "all": [Block(added) for _ in range(4)],
    "none": [Block(plain) for _ in range(4)],
    "two of four": [Block(added), Block(plain), Block(added), Block(plain)],
    "two": [Block(added), Block(plain)],
    "one with a skip among plain ones": [Block(plain), Block(added), Block(plain), Block(plain)],
    "another width": [Block(added), Block(added), Block(added), Block(plain, width=4)],
}


@pytest.mark.parametrize("blocks", SILENT.values(), ids=SILENT.keys())
def test_silent(blocks: list[nn.Module]) -> None:
    assert found(blocks) == []


class Outside(nn.Module):
    """The join is in the stage, not in the blocks."""

    def __init__(self, skipping: Sequence[bool]) -> None:
        super().__init__()
        self.skipping = tuple(skipping)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8)) for _ in skipping
        )

    def forward(self, x: Tensor) -> Tensor:
        for block, skips in zip(self.blocks, self.skipping, strict=True):
            x = x + block(x) if skips else block(x)
        return x


def test_a_join_outside_of_the_block() -> None:
    findings = found([Outside([True, True, False, True])])
    assert [finding.message.split()[0] for finding in findings] == ["1.blocks.2"]
    assert found([Outside([True, True, True, True])]) == []


class Plain(Block):
    """Another class, with the same layers."""


def test_a_class_without_the_skip_of_another() -> None:
    blocks = [Block(added), Block(added), Plain(plain), Plain(plain)]
    assert [finding.message.split()[0] for finding in found(blocks)] == ["3", "4"]


def test_the_number_of_siblings_is_an_option() -> None:
    model = nn.Sequential(*(Block(added) for _ in range(3)), Block(plain))
    rule = OddBlockOut(OddBlockOut.Options(siblings=4))
    assert findings_of(rule, model, torch.randn(2, 8)) == []


class Handing(nn.Module):
    """Attention that gets something from the layer before, which the first layer cannot have."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what
        self.inner = nn.Sequential(Block(added), Block(added))
        self.query, self.key, self.value, self.out = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor, handed: Tensor | None) -> tuple[Tensor, Tensor]:
        value = self.value(x)
        scores = self.query(x) @ self.key(x).transpose(-1, -2)
        if handed is not None and self.what == "values":
            value = value * 0.5 + handed * 0.5
        elif handed is not None:
            scores = scores + handed
        attended = self.inner(x + self.out(scores.softmax(-1) @ value))
        return attended, value if self.what == "values" else scores


class Handed(nn.Module):
    def __init__(self, what: str) -> None:
        super().__init__()
        self.stem = nn.Linear(8, 8)
        self.layers = nn.ModuleList(Handing(what) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x, handed = self.stem(x), None
        for layer in self.layers:
            x, handed = layer(x, handed)
        return x


class Split(nn.Module):
    """Res2Net: every part of the features is added to what the branch before made of its own part."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.reduce = nn.Linear(8, 32), nn.Linear(32, 8)
        self.branches = nn.ModuleList(Block(plain) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        first, *parts = self.expand(x).chunk(4, dim=-1)
        outs = [first]
        for branch, part in zip(self.branches, parts, strict=True):
            outs.append(branch(part + outs[-1] if len(outs) > 1 else part))
        return self.reduce(torch.cat(outs, dim=-1))


class Reversible(nn.Module):
    """Two halves that take turns: from the second block on a shortcut goes around two blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.expand, self.reduce = nn.Linear(8, 16), nn.Linear(16, 8)
        self.blocks = nn.ModuleList(nn.ModuleDict({"branch": Block(plain)}) for _ in range(5))

    def forward(self, x: Tensor) -> Tensor:
        left, right = self.expand(x).chunk(2, dim=-1)
        for block in self.blocks:
            left, right = right + block["branch"](left), left
        return self.reduce(torch.cat([left, right], dim=-1))


class Heads(nn.Module):
    """Two plain heads with the layers of the blocks before them."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*(Block(added) for _ in range(4)))
        self.boxes, self.classes = Plain(plain), Plain(plain)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = self.blocks(x)
        return self.boxes(x), self.classes(x)


class Supervised(nn.Module):
    """What a head in the middle makes is added to the last block's sum."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(added) for _ in range(4))
        self.head = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for block in self.blocks:
            features.append(block(features[-1]))
        return features[-1] + self.head(features[-2])


class Dilated(nn.Module):
    """A block of dilated convolutions, with a skip or, at the end of a stage, without."""

    def __init__(self, dilation: int, join: Join) -> None:
        super().__init__()
        self.join = join
        self.first, self.second = (nn.Conv2d(8, 8, 3, padding=dilation, dilation=dilation) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.join(self.second(torch.relu(self.first(x))), x)


class Coupled(nn.Module):
    """RevNet: each half is added to what the other one makes."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = Block(plain), Block(plain)

    def forward(self, left: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
        left = left + self.first(right)
        return left, right + self.second(left)


class RevNet(nn.Module):
    """In the first block both halves are parts of one tensor, or both are the same."""

    def __init__(self, twice: bool) -> None:
        super().__init__()
        self.twice = twice
        self.expand, self.reduce = nn.Linear(8, 16), nn.Linear(16, 8)
        self.blocks = nn.ModuleList(Coupled() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        left, right = (x, x) if self.twice else self.expand(x).chunk(2, dim=-1)
        for block in self.blocks:
            left, right = block(left, right)
        return self.reduce(torch.cat([left, right], dim=-1))


class Exchange(nn.Module):
    """HRNet: two resolutions, each with blocks of its own, that exchange what they have made."""

    def __init__(self) -> None:
        super().__init__()
        self.fine, self.coarse = nn.Sequential(Block(added)), nn.Sequential(Block(added))
        self.up, self.down = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        x, y = self.fine(x), self.coarse(y)
        return torch.relu(x + self.up(y)), torch.relu(y + self.down(x))


class Streams(nn.Module):
    """The second stream starts as what a layer makes of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.second = nn.Linear(8, 8), nn.Linear(8, 8)
        self.blocks = nn.ModuleList(Exchange() for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        y = self.second(x)
        for block in self.blocks:
            x, y = block(x, y)
        return torch.cat([x, y], dim=-1)


class Pass(nn.Module):
    """One of several passes: from the second on, what the pass before has made is added in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = Block(added), Block(added)

    def forward(self, x: Tensor, previous: Tensor | None) -> Tensor:
        x = self.before(x)
        return self.after(x if previous is None else x + previous)  # type: ignore[no-any-return]


class Passes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Linear(8, 8)
        self.passes = nn.ModuleList(Pass() for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        x, previous = self.stem(x), None
        for each in self.passes:
            x = x if previous is None else x + previous
            previous = each(x, previous)
        return x if previous is None else previous


class Masked(nn.Module):
    """PixelCNN: the mask of the first block hides the middle, and a skip would bring it back."""

    def __init__(self, middle: bool) -> None:
        super().__init__()
        self.middle = middle
        self.conv, self.mix = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 1)
        self.register_buffer("mask", torch.ones(3, 3))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.conv.weight * self.mask
        out = self.mix(torch.relu(nn.functional.conv2d(x, weight, self.conv.bias, padding=1)))
        return out + x if self.middle else out  # type: ignore[no-any-return]


class Timed(nn.Module):
    """A residual block of a diffusion model."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.time, self.second = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        return x + self.second(torch.relu(self.first(x) + self.time(t)))  # type: ignore[no-any-return]


class Denoiser(nn.Module):
    """The encoder's features are added to the sums of the decoder, but not to its last one."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.time = nn.Linear(8, 8), nn.Linear(8, 8)
        self.downs, self.ups = (nn.ModuleList(Timed() for _ in range(3)) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x, t = self.stem(x), self.time(torch.ones(1, 8))
        features = [x := down(x, t) for down in self.downs]
        for up in self.ups:
            x = up(x + features.pop(), t)
        return x


class Scales(nn.Module):
    """Res2Net: where a stage starts the parts do not depend on each other."""

    def __init__(self, start: bool) -> None:
        super().__init__()
        self.start = start
        self.expand, self.reduce = nn.Linear(8, 32), nn.Linear(32, 8)
        self.branches = nn.ModuleList(Block(plain) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        *parts, last = self.expand(x).chunk(4, dim=-1)
        outs: list[Tensor] = []
        for branch, part in zip(self.branches, parts, strict=True):
            outs.append(branch(part if self.start or not outs else part + outs[-1]))
        return x + self.reduce(torch.cat([*outs, last], dim=-1))


IMAGE, TOKENS = torch.randn(1, 8, 16, 16), torch.randn(2, 4, 8)
OTHERWISE: dict[str, tuple[nn.Module, Tensor]] = {
    "values from the layer before": (Handed("values"), TOKENS),
    "scores from the layer before": (Handed("scores"), TOKENS),
    "branches of parts": (Split(), TOKENS),
    "a reversible network": (Reversible(), TOKENS),
    "two halves": (RevNet(twice=False), TOKENS),
    "the same twice": (RevNet(twice=True), TOKENS),
    "two streams": (Streams(), TOKENS),
    "several passes": (Passes(), TOKENS),
    "the first mask": (nn.Sequential(nn.Conv2d(8, 8, 1), *map(Masked, (False, True, True, True))), IMAGE),
    "an encoder's features in the sum": (Denoiser(), TOKENS),
    "the start of a stage": (nn.Sequential(nn.Linear(8, 8), *map(Scales, (True, *3 * (False,)))), TOKENS),
    "heads": (Heads(), TOKENS),
    "a sum that goes on outside": (Supervised(), TOKENS),
    "another dilation": (nn.Sequential(*(Dilated(each, added) for each in (1, 1)), Dilated(2, plain)), IMAGE),
}


@pytest.mark.parametrize(("model", "x"), OTHERWISE.values(), ids=OTHERWISE.keys())
def test_wired_otherwise_for_a_reason(model: nn.Module, x: Tensor) -> None:
    assert findings_of(OddBlockOut(), model, x) == []


def test_the_first_block_after_a_fork_of_the_whole_trunk_is_like_the_others() -> None:
    """As in ESRGAN: what the first block skips is also where the skip around all blocks starts."""

    class Dense(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.grow, self.fuse = nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(12, 8, 3, padding=1)

        def forward(self, x: Tensor) -> Tensor:
            grown = torch.relu(self.grow(x))
            return self.fuse(torch.cat([x, grown], 1)) * 0.2 + x  # type: ignore[no-any-return]

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Sequential(Dense(), Dense(), Dense())

        def forward(self, x: Tensor) -> Tensor:
            return self.dense(x) * 0.2 + x  # type: ignore[no-any-return]

    class Trunk(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
            self.blocks = nn.Sequential(*[Block() for _ in range(4)])

        def forward(self, x: Tensor) -> Tensor:
            x = self.first(x)
            return x + self.last(self.blocks(x))  # type: ignore[no-any-return]

    assert findings_of(OddBlockOut(), Trunk(), torch.zeros(1, 3, 16, 16)) == []


@pytest.mark.parametrize("outer", range(3))
@pytest.mark.parametrize("inner", range(3))
def test_a_block_in_a_block_is_reported_once(outer: int, inner: int) -> None:
    """The outer one differs from its siblings, too, but only by what is in it."""
    stages = [
        Around([Block(plain if (number, place) == (outer, inner) else added) for place in range(3)])
        for number in range(3)
    ]
    assert [each.message.split()[0] for each in found(stages)] == [f"{outer + 1}.blocks.{inner}"]


def test_a_masked_block_that_is_not_the_first_is_like_others() -> None:
    model = nn.Sequential(nn.Conv2d(8, 8, 1), *map(Masked, (True, True, False, True)))
    assert [each.message.split()[0] for each in findings_of(OddBlockOut(), model, IMAGE)] == ["3"]


class Gathering(nn.Module):
    """The block of face alignment networks: its branch sets the results of its layers side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(8, 4, 3, padding=1)
        self.conv2, self.conv3 = nn.Conv2d(4, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        first = self.conv1(torch.relu(x))
        second = self.conv2(torch.relu(first))
        return torch.cat([first, second, self.conv3(torch.relu(second))], 1) + x


class Hourglass(nn.Module):
    """``b1`` ends just before another addition, so that both are one logical join."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Conv2d(8, 8, 1)
        self.b1, self.b2, self.b3 = Gathering(), Gathering(), Gathering()

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x)
        return self.b1(x) + self.b3(self.b2(torch.tanh(x)))  # type: ignore[no-any-return]


def test_a_block_whose_sum_goes_on_outside_is_like_the_others() -> None:
    assert findings_of(OddBlockOut(), Hourglass(), IMAGE) == []
