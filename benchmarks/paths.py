"""How long the exact path lengths take, and how that grows.

    python benchmarks/paths.py [--small]

Three families of networks in doubling sizes: residual networks up to ResNet-1202, dense blocks up to 1,000
layers, plain chains up to 100,000 operations. Each is traced on the meta device; tracing and finding the
skips are not timed. *paths* is the time for both distributions, every layer and every skip. *walk* is a bare
traversal of the same graph in topological order: what no analysis can be faster than.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import skiplint
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.paths import Paths
from skiplint.graph import ModelGraph


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(width), nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.relu(self.bn1(self.conv1(x)))
        return torch.relu(x + self.bn2(self.conv2(out)))


class ResNet(nn.Module):
    def __init__(self, blocks: int) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 16, 3, padding=1), nn.Linear(16, 10)
        self.blocks = nn.Sequential(*(Block(16) for _ in range(blocks)))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class DenseBlock(nn.Module):
    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4 * (i + 1), 4) for i in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        features = [x]
        for layer in self.layers:
            features.append(layer(torch.cat(features, 1)))
        return torch.cat(features, 1)


class Chain(nn.Module):
    def __init__(self, operations: int) -> None:
        super().__init__()
        self.fc, self.pairs = nn.Linear(4, 4), operations // 2

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(self.pairs):
            x = torch.relu(self.fc(x))
        return x


@dataclass(frozen=True)
class Family:
    name: str
    build: Callable[[int], nn.Module]
    shape: tuple[int, ...]
    sizes: tuple[int, ...]


FAMILIES = (
    Family("residual blocks", ResNet, (1, 3, 32, 32), (75, 150, 300, 600)),
    Family("dense layers", DenseBlock, (1, 4), (125, 250, 500, 1000)),
    Family("operations in a chain", Chain, (1, 4), (12_500, 25_000, 50_000, 100_000)),
)


def walk(graph: ModelGraph) -> int:
    """Kahn's algorithm and nothing else."""
    missing = [len(operation.operands) for operation in graph]
    ready = [operation.index for operation in graph if not operation.operands]
    consumers, seen = graph.consumers, 0
    while ready:
        seen += 1
        for reader in consumers[ready.pop()]:
            missing[reader] -= 1
            if not missing[reader]:
                ready.append(reader)
    return seen


def all_paths(analysis: Analysis) -> Paths:
    paths = Paths(analysis.graph, analysis.skips)
    for part in ("layers", "blocks", "through", "shortcuts"):
        getattr(paths, part)
    return paths


def best(run: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def rows(family: Family, repeats: int, *, small: bool) -> Iterator[tuple[str, ...]]:
    for size in family.sizes[: 2 if small else None]:
        with torch.device("meta"):
            analysis = skiplint.analyze(family.build(size).eval(), torch.zeros(family.shape))
        graph = analysis.graph
        reads = sum(len(operation.operands) for operation in graph)
        _ = walk(graph), analysis.skips  # what is built once and kept is not part of either time
        bare = best(lambda: walk(graph), repeats)  # noqa: B023 - called at once
        taken = best(lambda: all_paths(analysis), repeats)  # noqa: B023
        paths = all_paths(analysis)
        bits = paths.layers.count.bit_length() - 1
        figures = f"{size:,}", f"{len(graph):,}", f"{reads:,}", f"2^{bits}" if bits else "1"
        yield (*figures, f"{bare * 1e3:.1f}", f"{taken * 1e3:.1f}", f"{taken / bare:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--small", action="store_true", help="the two smallest sizes of each family")
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the fastest counts")
    options = parser.parse_args()
    for family in FAMILIES:
        heads = (family.name, "operations", "reads", "paths", "walk, ms", "paths, ms", "ratio")
        print("| " + " | ".join(heads) + " |")
        print("|" + "---:|" * len(heads))
        for row in rows(family, options.repeats, small=options.small):
            print("| " + " | ".join(row) + " |", flush=True)
        print()


if __name__ == "__main__":
    main()
