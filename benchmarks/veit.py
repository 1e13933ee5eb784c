"""The effective path lengths against path sampling by Veit, Wilber and Belongie (2016, section 4).

    python benchmarks/veit.py [--blocks 54] [--steps 400] [--paths 100]

A CIFAR ResNet is looked at with its first weights and again after a short training on synthetic images. Their
protocol: one forward; then, for each number k of blocks, random sets of k residual blocks, and for each set a
backward pass in which these blocks hand the gradient on through their residual branch alone and all others
through their shortcut alone. The gradient by length is the number of paths of that length times the mean norm
at the input. It is done here without skiplint, on the blocks themselves. skiplint measures one forward and
one backward and sums over all 2^54 paths.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

import skiplint

Norms = Mapping[int, Sequence[float]]


class Block(nn.Module):
    """He et al. 2016a for CIFAR, with the parameter-free shortcut (option A)."""

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(entering, leaving, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(leaving, leaving, 3, 1, 1, bias=False)
        self.bn1, self.bn2 = nn.BatchNorm2d(leaving), nn.BatchNorm2d(leaving)
        self.stride, self.more = stride, leaving - entering

    def shortcut(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride] if self.stride > 1 else x
        return pad(x, (0, 0, 0, 0, 0, self.more)) if self.more else x

    def branch(self, x: Tensor) -> Tensor:
        return self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.shortcut(x) + self.branch(x))


class ResNet(nn.Module):
    def __init__(self, blocks: int, width: int) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        layers, entering = [], width
        for at in range(blocks):
            stage, first = divmod(at, blocks // 3)
            layers.append(Block(entering, width << stage, 2 if stage and not first else 1))
            entering = width << stage
        self.blocks, self.fc = nn.Sequential(*layers), nn.Linear(entering, 10)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)

    def stem(self, x: Tensor) -> Tensor:
        return torch.relu(self.bn(self.conv(x)))

    def head(self, x: Tensor) -> Tensor:
        return self.fc(x.mean((2, 3)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)))


class Step(NamedTuple):
    """One block's forward, cut where its two ways start, end and join."""

    start: Tensor
    ways: tuple[Tensor, Tensor]
    ends: tuple[Tensor, Tensor]
    joined: Tensor

    def back(self, way: int, gradients: Tensor) -> Tensor:
        """Hand a batch of gradients on through the shortcut (0) or the residual branch (1) alone."""
        return back(self.ways[way], self.start, back(self.joined, self.ends[way], gradients))


def back(made: Tensor, read: Tensor, gradients: Tensor) -> Tensor:
    """Hand a batch of gradients on from one tensor to another."""
    if made is read:
        return gradients
    (found,) = torch.autograd.grad(made, read, gradients, retain_graph=True, is_grads_batched=True)
    return found


class Forward:
    """One forward, of which the gradient of each path can be taken by itself."""

    def __init__(self, net: ResNet, images: Tensor, labels: Tensor) -> None:
        self.images = images.detach().requires_grad_()
        self.stem = net.stem(self.images)
        self.steps: list[Step] = []
        x = self.stem.detach()
        for block in net.blocks:
            start = x.detach().requires_grad_()
            ways = block.shortcut(start), block.branch(start)
            ends = ways[0].detach().requires_grad_(), ways[1].detach().requires_grad_()
            x = torch.relu(ends[0] + ends[1])
            self.steps.append(Step(start, ways, ends, x))
        last = x.detach().requires_grad_()
        (self.gradient,) = torch.autograd.grad(cross_entropy(net.head(last), labels), last)

    def norms(self, gradients: Tensor) -> list[float]:
        """The norms at the images of gradients at the first block's input."""
        return [float(each.norm()) for each in back(self.stem, self.images, gradients)]


def all_paths(net: ResNet, images: Tensor, labels: Tensor) -> dict[int, list[float]]:
    """Norms at the images of the gradients of all paths, by the number of blocks on them."""
    run = Forward(net, images, labels)
    gradients, lengths = run.gradient[None], [0]
    for step in reversed(run.steps):
        gradients = torch.cat([step.back(0, gradients), step.back(1, gradients)])
        lengths += [length + 1 for length in lengths]
    norms: dict[int, list[float]] = {length: [] for length in range(len(run.steps) + 1)}
    for length, norm in zip(lengths, run.norms(gradients), strict=True):
        norms[length].append(norm)
    return norms


def sampled(net: ResNet, images: Tensor, labels: Tensor, paths: int, seed: int = 0) -> dict[int, list[float]]:
    """Norms at the images of the gradients of random paths, by the number of blocks on them.

    Where there are no more than ``paths`` of a length, all are taken.
    """
    rng, run = random.Random(seed), Forward(net, images, labels)
    norms: dict[int, list[float]] = {}
    for length in range(len(run.steps) + 1):
        chosen = list(choices(len(run.steps), length, paths, rng))
        gradients = run.gradient.expand(len(chosen), *run.gradient.shape)
        for at, step in reversed(list(enumerate(run.steps))):
            ways = torch.tensor([int(at in blocks) for blocks in chosen])
            before = torch.empty(len(chosen), *step.start.shape)
            for way in set(ways.tolist()):
                before[ways == way] = step.back(way, gradients[ways == way])
            gradients = before
        norms[length] = run.norms(gradients)
    return norms


def choices(blocks: int, length: int, paths: int, rng: random.Random) -> Iterable[Sequence[int]]:
    if math.comb(blocks, length) <= paths:
        return combinations(range(blocks), length)
    return (rng.sample(range(blocks), length) for _ in range(paths))


def distribution(norms: Norms) -> dict[int, float]:
    """The part of the gradient by length: number of paths times mean norm."""
    blocks = max(norms)
    weights = {length: math.comb(blocks, length) * statistics.fmean(found) for length, found in norms.items()}
    total = sum(weights.values())
    return {length: weight / total for length, weight in weights.items()}


def moments(parts: Mapping[int, float]) -> tuple[float, float]:
    mean = sum(length * part for length, part in parts.items())
    return mean, math.sqrt(sum((length - mean) ** 2 * part for length, part in parts.items()))


def errors(norms: Norms, repeats: int = 400, seed: int = 0) -> tuple[float, float]:
    """Standard errors of the mean and of the standard deviation, by the bootstrap."""
    rng, blocks = random.Random(seed), max(norms)

    def resampled() -> Norms:
        return {
            length: each if len(each) == math.comb(blocks, length) else rng.choices(each, k=len(each))
            for length, each in norms.items()
        }

    found = [moments(distribution(resampled())) for _ in range(repeats)]
    return statistics.stdev(mean for mean, _ in found), statistics.stdev(sd for _, sd in found)


def batches(size: int, image: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Ten random patterns under noise, which take some learning to tell apart."""
    generator = torch.Generator().manual_seed(seed)
    patterns = torch.randn(10, 3, image, image, generator=generator)
    while True:
        labels = torch.randint(0, 10, (size,), generator=generator)
        yield 0.3 * patterns[labels] + torch.randn(size, 3, image, image, generator=generator), labels


def train(net: ResNet, steps: int, image: int) -> float:
    """Train with momentum and a warm-up, as ResNet-110 is; returns the accuracy of the last ten batches."""
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    right: list[float] = []
    net.train()
    for step, (images, labels) in zip(range(steps), batches(32, image, 1), strict=False):
        optimiser.param_groups[0]["lr"] = 0.1 * min(1.0, (step + 1) / 50)
        scores = net(images)
        optimiser.zero_grad()
        cross_entropy(scores, labels).backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        right.append(float((scores.argmax(1) == labels).float().mean()))
    return statistics.fmean(right[-10:]) if right else math.nan


def compare(net: ResNet, image: int, paths: int, title: str) -> None:
    blocks = len(net.blocks)
    images, labels = next(batches(16, image, 2))
    net.train()
    start = time.perf_counter()
    analysis = skiplint.analyze(net, images)
    found = analysis.gradients.effective_for(lambda outputs: cross_entropy(outputs[0], labels), training=True)
    own = time.perf_counter() - start
    start = time.perf_counter()
    norms = sampled(net, images, labels, paths)
    theirs = time.perf_counter() - start
    low, high = round(blocks * 5 / 54), round(blocks * 17 / 54)
    parts = distribution(norms)
    (mean, sd), (mean_error, sd_error) = moments(parts), errors(norms)
    part = sum(each for length, each in parts.items() if low <= length <= high)
    exact = analysis.paths.blocks
    print(f"{title}: {sum(map(len, norms.values())):,} paths in {theirs:.0f} s, skiplint {own:.1f} s")
    print(f"| | mean | standard deviation | of {low} to {high} blocks |\n|---|---:|---:|---:|")
    share = float(exact.share(low, high))
    print(f"| all paths alike | {float(exact.mean):.2f} | {exact.sd:.2f} | {100 * share:.2f}% |")
    print(
        f"| skiplint | {found.blocks.mean:.2f} | {found.blocks.sd:.2f} | "
        f"{100 * found.blocks.share(low, high):.1f}% |"
    )
    print(f"| sampled | {mean:.2f} ± {mean_error:.2f} | {sd:.2f} ± {sd_error:.2f} | {100 * part:.1f}% |")
    print(f"90% of the gradient: at most {found.blocks.percentile(90)} of {blocks} blocks\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--blocks", type=int, default=54, help="residual blocks, a multiple of three")
    parser.add_argument("--width", type=int, default=8, help="channels of the first stage")
    parser.add_argument("--image", type=int, default=16, help="side of the images")
    parser.add_argument("--steps", type=int, default=400, help="steps of training")
    parser.add_argument("--paths", type=int, default=100, help="paths of each length")
    options = parser.parse_args()
    torch.manual_seed(0)
    net = ResNet(options.blocks, options.width)
    compare(net, options.image, options.paths, "first weights")
    accuracy = train(net, options.steps, options.image)
    title = f"after {options.steps} steps, accuracy {100 * accuracy:.0f}%"
    compare(net, options.image, options.paths, title)


if __name__ == "__main__":
    main()
