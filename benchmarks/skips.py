"""How long finding the skips takes, and how that grows.

    python benchmarks/skips.py [--small]

Graphs are made directly, without a model, in three sizes of five families: a residual network, a U-Net of
constant resolution with a shortcut from every block of one half to the other, a dense block, cross-attention
to a second input, and parallel branches that hold no skip. *walk* is a bare traversal of the same graph in
topological order; the ratio to it is what can be compared between machines.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

from skiplint.analysis.skips import find_skips
from skiplint.graph import ModelGraph, Operand, Operation, TensorSpec


class Tape:
    """Writes operations one after the other; every method returns the index of what it wrote."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []

    def call(self, name: str, *reads: int, weighted: bool = False, kind: str = "call") -> int:
        index = len(self.operations)
        operands = tuple(Operand(read, 0, str(place)) for place, read in enumerate(reads))
        spec = TensorSpec((1, 8, 8, 8), "float32", 2048, index)
        self.operations.append(
            Operation(
                index, f"{name}_{index}", kind, name, "", "", 0, operands, (spec,),
                args=(None, 1) if name == "cat" else (), weighted=weighted, data=True, learned=weighted,
            )
        )  # fmt: skip
        return index

    def layer(self, read: int) -> int:
        return self.call("relu", self.call("batch_norm", self.call("conv2d", read, weighted=True)))

    def graph(self, result: int) -> ModelGraph:
        self.call("output", result, kind="output")
        return ModelGraph("made", tuple(self.operations), {}, (), 0, "meta", training=False)


def residual(blocks: int) -> ModelGraph:
    tape = Tape()
    x = tape.layer(tape.call("input", kind="input"))
    for _ in range(blocks):
        x = tape.call("relu", tape.call("add", tape.layer(tape.layer(x)), x))
    return tape.graph(x)


def mirrored(blocks: int) -> ModelGraph:
    tape = Tape()
    x = tape.layer(tape.call("input", kind="input"))
    kept = []
    for _ in range(blocks):
        x = tape.call("add", tape.layer(tape.layer(x)), x)
        kept.append(x)
    for _ in range(blocks):
        x = tape.layer(tape.call("cat", x, kept.pop()))
        x = tape.call("add", tape.layer(tape.layer(x)), x)
    return tape.graph(x)


def dense(layers: int) -> ModelGraph:
    tape = Tape()
    features = [tape.layer(tape.call("input", kind="input"))]
    for _ in range(layers):
        joined = tape.call("cat", *features) if len(features) > 1 else features[0]
        features.append(tape.layer(tape.layer(joined)))
    return tape.graph(tape.layer(tape.call("cat", *features)))


def attending(blocks: int) -> ModelGraph:
    tape = Tape()
    memory = tape.layer(tape.call("input", kind="input"))
    x = tape.layer(tape.call("input", kind="input"))
    for _ in range(blocks):
        query, key = (tape.call("linear", read, weighted=True) for read in (x, memory))
        weights = tape.call("softmax", tape.call("matmul", query, key))
        branch = tape.call("linear", tape.call("matmul", weights, key), weighted=True)
        x = tape.call("add", x, branch)
    return tape.graph(x)


def parallel(blocks: int) -> ModelGraph:
    tape = Tape()
    x = tape.layer(tape.call("input", kind="input"))
    for _ in range(blocks):
        x = tape.call("relu", tape.call("add", tape.layer(x), tape.layer(x)))
    return tape.graph(x)


FAMILIES: dict[Callable[[int], ModelGraph], tuple[int, ...]] = {
    residual: (1_000, 4_000, 12_500),
    mirrored: (500, 2_000, 5_500),
    dense: (100, 300, 1_000),
    attending: (1_000, 4_000, 14_000),
    parallel: (1_000, 4_000, 12_500),
}


def walk(graph: ModelGraph) -> int:
    """Read every operation and every operand once."""
    depth = [0] * len(graph)
    for operation in graph:
        depth[operation.index] = 1 + max((depth[read.producer] for read in operation.operands), default=0)
    return max(depth)


def rows(*, small: bool) -> Iterator[str]:
    yield f"{'family':10} {'operations':>10} {'reads':>9} {'skips':>7} {'seconds':>8} {'walk':>7}  ratio"
    for family, sizes in FAMILIES.items():
        for size in sizes[:1] if small else sizes:
            graph = family(size)
            reads = sum(len(operation.operands) for operation in graph)
            start = time.perf_counter()
            walk(graph)
            bare = time.perf_counter() - start
            start = time.perf_counter()
            found = len(find_skips(graph))
            taken = time.perf_counter() - start
            yield (
                f"{family.__name__:10} {len(graph):10,} {reads:9,} {found:7,} "
                f"{taken:8.2f} {bare:7.3f} {taken / bare:6.0f}"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", action="store_true", help="the smallest size of each family")
    for row in rows(small=parser.parse_args().small):
        print(row, flush=True)
