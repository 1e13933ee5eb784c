"""Skips of random networks: exactly those that were built in, however the network is written or run."""

from __future__ import annotations

import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from skiplint.analysis.skips import Skip, find_skips
from skiplint.tracing import trace_call
from tests.analysis.skips.generated_networks import WIDTH, Piece, Signature, Spelling, pieces, spellings

relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def network(piece: Piece, spelling: Spelling) -> nn.Module:
    """The piece between two convolutions, so that its input is a feature."""
    stem, head = nn.Conv2d(3, WIDTH, 3, padding=1), nn.Conv2d(WIDTH, 2, 1)
    return nn.Sequential(stem, piece.build(spelling), head)


def signature(skip: Skip) -> Signature:
    return skip.kind, skip.shortcut, skip.span, len(skip.connections)


def found(model: nn.Module, batch: int = 1, backend: str = "meta", train: bool = False) -> list[Signature]:
    graph = trace_call(model.train(train), (torch.rand(batch, 3, 64, 64),), {}, backends=[backend])
    assert graph.backend == backend
    return [signature(skip) for skip in find_skips(graph)]


def expected(piece: Piece, got: list[Signature]) -> list[Signature]:
    """The skips built in; the span of a U-Net level (-1) is whatever lies inside it."""
    return [
        (kind, shortcut, got[place][2] if span == -1 and place < len(got) else span, count)
        for place, (kind, shortcut, span, count) in enumerate(piece.signatures)
    ]


@relaxed
@given(pieces)
def test_exactly_the_skips_that_were_built_in(piece: Piece):
    got = found(network(piece, Spelling()))
    assert got == expected(piece, got)


@relaxed
@given(pieces, spellings)
def test_spelling_does_not_matter(piece: Piece, spelling: Spelling):
    assert found(network(piece, spelling)) == found(network(piece, Spelling()))


@settings(relaxed, max_examples=25)
@given(pieces, st.integers(2, 3), st.sampled_from(["fake", "eager"]), st.booleans())
def test_batch_backend_and_mode_do_not_matter(piece: Piece, batch: int, backend: str, train: bool):
    model = network(piece, Spelling())
    assert found(model, batch, backend, train) == found(model)
