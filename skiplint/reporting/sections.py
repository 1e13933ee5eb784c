"""The parts of a model's report as typed data: memory, paths, ablation and input contract.

These structs are written as JSON as they are, and docs/report.schema.json is generated from them, with the
fields' names, order and documentation. A field that is ``UNSET`` is left out of the JSON; None becomes null.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from skiplint.analysis.contract.contract import FailureKind
from skiplint.analysis.memory.budget import Optimizer
from skiplint.analysis.paths.lengths import Unit
from skiplint.analysis.skips import SkipKind
from skiplint.reporting.record import (
    BigInteger,
    Deviation,
    LocationReport,
    Part,
    Positive,
    Record,
    Shape,
    Size,
)

Mode = Literal["training", "evaluation"]


# -- memory ------------------------------------------------------------------------------------------------


class StorageReport(Record, frozen=True, kw_only=True):
    """Memory that one operation allocates."""

    node: str
    """Id of the operation that made it."""
    bytes: Size


class AliveStorage(StorageReport, frozen=True, kw_only=True):
    """Memory that is alive at the peak."""

    until: str
    """The last operation that it is alive in."""


class HeldStorage(StorageReport, frozen=True, kw_only=True):
    """Memory that waits at the peak for the join of a skip."""

    idle_from: str
    """After this operation only the shortcut reads it."""
    join_node: str
    skip: Size
    """Position in the model's skips."""


class SavedStorage(StorageReport, frozen=True, kw_only=True):
    """Memory that is saved for the backward pass."""

    readers: tuple[str, ...] = msgspec.field(name="for")
    """The operations whose backward reads it."""


class CopiedFeature(StorageReport, frozen=True, kw_only=True):
    """A feature that concatenations copy more than once."""

    copies: Size


class ConcatenationReport(Record, frozen=True, kw_only=True):
    """One concatenation."""

    node: str
    allocated_bytes: Size
    distinct_bytes: Size
    features: Size


class GrowthReport(Record, frozen=True, kw_only=True):
    """How the figures of memory grow with one dimension of the inputs."""

    sizes: tuple[Size, ...] = ()
    """Those of the fit."""
    bytes: dict[str, tuple[Size, ...]] = msgspec.field(default_factory=dict)
    """For each figure its bytes at these sizes."""
    exponents: dict[str, float] = msgspec.field(default_factory=dict)
    """Of the power laws; a figure that is 0 somewhere has none."""
    fit_error: dict[str, float] | UnsetType = UNSET
    """The largest relative distance of a point from its fit."""
    checked_at: Size | UnsetType = UNSET
    """A size that took no part in the fit."""
    check_error: dict[str, float] | UnsetType = UNSET
    """How far the fit is from the trace there, relative to it."""
    reason: str | None = None
    """Why nothing is known: the model does not run at another size."""


class BudgetReport(Record, frozen=True, kw_only=True):
    """Whether a training step fits into a budget; only budget_bytes and reason where that is not known."""

    budget_bytes: Size
    batch: Size | UnsetType = UNSET
    fits: bool | UnsetType = UNSET
    total_bytes: Size | UnsetType = UNSET
    over_bytes: Size | UnsetType = UNSET
    largest_batch: Size | UnsetType | None = UNSET
    """The largest that fits, 0 if none does; null if it cannot be told."""
    optimizer: Optimizer | UnsetType = UNSET
    weight_bytes: Size | UnsetType = UNSET
    gradient_bytes: Size | UnsetType = UNSET
    optimizer_bytes: Size | UnsetType = UNSET
    activation_bytes: Size | UnsetType = UNSET
    input_bytes: Size | UnsetType = UNSET
    """Inputs that are not saved."""
    joins: tuple[StorageReport, ...] | UnsetType = UNSET
    """Those whose results take most."""
    reason: str | None = None


class MemoryReport(Record, frozen=True, kw_only=True):
    """What the activations of one forward take, in exact bytes."""

    peak_inference_bytes: Size
    saved_for_backward_bytes: Size
    concat_allocated_bytes: Size
    concat_distinct_bytes: Size
    concat_blowup: float
    """Allocated over distinct; 1 where there is nothing to join."""
    peak_without_concat_bytes: Size
    """The peak if readers of a concatenation read its features where they are."""
    saved_without_concat_bytes: Size
    """Saved for backward if the features were saved in place of their concatenations."""
    input_bytes: Size
    state_bytes: Size
    """Parameters, buffers and constants."""
    peak_node: str | None
    """The operation at the peak."""
    timeline: tuple[Size, ...]
    """The most that is alive in each of equal spans of the run."""
    at_peak: tuple[AliveStorage, ...]
    """The largest that are alive at the peak."""
    held_by_skips: tuple[HeldStorage, ...]
    """What waits at the peak for nothing but the join of a skip, largest first."""
    saved: tuple[SavedStorage, ...]
    """The largest that are saved for backward."""
    saved_mode: Mode
    """The mode of the trace that the saved bytes are of: training, unless nothing depends on it or the model
    does not run in training mode."""
    concatenations: tuple[ConcatenationReport, ...]
    """The largest concatenations."""
    most_copied: tuple[CopiedFeature, ...]
    """Features that concatenations copy more than once."""
    estimated_nodes: tuple[str, ...]
    """Operations that do not run without values; what they save is not counted."""
    growth: dict[str, GrowthReport] | UnsetType = UNSET
    """With --growth: how the figures grow, for each dimension of the inputs (batch, side, length)."""
    budget: BudgetReport | UnsetType = UNSET
    """With --memory-budget."""


# -- paths -------------------------------------------------------------------------------------------------


class EffectiveReport(Record, frozen=True, kw_only=True):
    """The paths weighted by the gradient that they carry."""

    histogram: dict[int, Part]
    """Part of the gradient by length; parts below 1e-12 are left out."""
    mean: float
    sd: Deviation
    percentiles: dict[int, Size]
    """By percent, the least length up to which as much of the gradient comes."""
    mode: Mode
    """The mode that the model was in."""
    woken: tuple[str, ...]
    """Parameters that are all zero and let no gradient pass, and were replaced by small random numbers."""


class LengthsReport(Record, frozen=True, kw_only=True):
    """How many input-to-output paths have each length, exactly. All is 0 where there is no path."""

    unit: Unit
    """Weighted layers on a path of the data graph, or residual blocks on a path from skip to skip."""
    count: BigInteger
    histogram: dict[int, BigInteger]
    """Number of paths by length, in ascending order."""
    min: Size
    mean: float
    sd: Deviation
    max: Size
    percentiles: dict[int, Size]
    """By percent, the least length that as many of the paths do not exceed."""
    effective: EffectiveReport | None = None
    """The same paths weighted by the gradient that they carry; null where that was not asked for."""


class PairPaths(Record, frozen=True, kw_only=True):
    """The paths from one input to one output."""

    input: str
    output: str
    layers: LengthsReport
    blocks: LengthsReport


class LayerPaths(Record, frozen=True, kw_only=True):
    """The paths through one weighted layer."""

    node: str
    """Id of the operation."""
    count: BigInteger
    """Paths through it."""
    share: Part
    """The same as a part of all paths."""
    distance: Size | None
    """Weighted layers after it on the shortest way to an output; null if there is no way."""


class SkipPaths(Record, frozen=True, kw_only=True):
    """The paths that take a shortcut of one join."""

    join_node: str
    count: BigInteger
    """Paths in unit layers that take a shortcut of it."""
    share: Part
    """The same as a part of all paths."""
    block_share: Part
    """The part of the paths in unit blocks that take a shortcut of it."""


class PathsReport(LengthsReport, frozen=True, kw_only=True):
    """All paths in unit layers, and what lies on them."""

    blocks: LengthsReport
    """The same in unit blocks."""
    pairs: tuple[PairPaths, ...] = ()
    """By input and output; empty where there is one of each."""
    layers: tuple[LayerPaths, ...] = ()
    """The weighted layers in execution order."""
    skips: tuple[SkipPaths, ...] = ()
    """One entry a join, in the order of the model's skips."""


# -- ablation ----------------------------------------------------------------------------------------------


class RowPaths(Record, frozen=True, kw_only=True):
    """Path lengths in unit layers."""

    count: BigInteger
    min: Size
    mean: float | None
    max: Size


class AblationRow(Record, frozen=True, kw_only=True):
    """What the model does with some of its skips removed. Null is not known, infinite or no number."""

    join_node: str | UnsetType = UNSET
    """The join that lost its shortcuts, where it is one."""
    kind: SkipKind | UnsetType = UNSET
    first_gradient: float | None
    """Geometric mean of the gradient norms at the weights of the first tenth of the weighted layers."""
    last_gradient: float | None
    """Of the last tenth."""
    gradient_change: float | None
    """first_gradient over that of the model as it is."""
    profile: tuple[float | None, ...]
    """The same mean for up to eight equal parts of the depth, from input to output."""
    join_variance_change: float | None
    """Variance of the elements at the join over that before; at the last join if several lost their
    shortcuts."""
    output_variance: float | None
    """Of the first output."""
    output_variance_change: float | None
    information: float | None
    """Correlation of the distances between the inputs with the distances between what reaches the last
    weighted layer."""
    paths: RowPaths | None
    """Null where they would take too long for every row."""


class AblationSeed(Record, frozen=True, kw_only=True):
    """With and without all skips, for one initialisation."""

    seed: Size
    first_gradient: float | None
    first_gradient_without: float | None
    information: float | None
    information_without: float | None


class AblationSpread(Record, frozen=True, kw_only=True):
    """Standard deviation over the seeds of log10 of the first gradient."""

    with_skips: float | None
    without_any: float | None


class LayerGradient(Record, frozen=True, kw_only=True):
    """Gradient norm at the weights of one weighted layer, with and without all skips."""

    node: str
    gradient: float | None
    gradient_without: float | None


class AblationReport(Record, frozen=True, kw_only=True):
    """What removing skips does."""

    mode: Mode
    batch: Size
    """Inputs; 1 where the model only takes its example inputs."""
    with_skips: AblationRow
    without_one: tuple[AblationRow, ...]
    """One row a skip, in the order of the model's skips."""
    without_any: AblationRow | None
    seeds: tuple[AblationSeed, ...]
    """With and without all skips, for each initialisation."""
    spread: AblationSpread
    by_layer: tuple[LayerGradient, ...]
    """Every weighted layer, in execution order."""


# -- input contract ----------------------------------------------------------------------------------------


class AcceptedSizes(Record, frozen=True, kw_only=True):
    """All n with minimum <= n <= maximum and n modulo modulus in residues, but for exceptions."""

    minimum: Positive
    maximum: Positive | None
    """Null where no limit was found."""
    modulus: Positive
    residues: tuple[Size, ...]
    """Remainders that the size may have when it is divided by modulus."""
    others: tuple[Size, ...]
    """Sizes that are accepted although the figures above say otherwise."""
    refused: tuple[Size, ...]
    """Sizes that are refused although the figures above say otherwise."""


class InputDimension(Record, frozen=True, kw_only=True):
    """One dimension of one input."""

    input: str
    dim: Size


class ContractSize(Record, frozen=True, kw_only=True):
    """What one size of the inputs may be."""

    name: str
    dimensions: tuple[InputDimension, ...]
    """The dimensions of the inputs that change together."""
    example: Size
    """The size in the example inputs."""
    accepted: AcceptedSizes


class ContractFailure(Record, frozen=True, kw_only=True):
    """A size that the model refuses, and what fails there."""

    inputs: tuple[Shape, ...]
    """Shapes of the inputs."""
    kind: FailureKind
    """join: two data tensors that cannot combine; layer, shape: another call that does not take its operands;
    check: the model's own assertion or exception; other: any other error."""
    node: str | None
    operands: tuple[Shape, ...]
    location: LocationReport | None
    message: str


class ContractReport(Record, frozen=True, kw_only=True):
    """Which sizes of the inputs the model takes, found by running it without values at some of them."""

    text: str
    """The contract in words."""
    free: bool
    """Every size is accepted."""
    sizes: tuple[ContractSize, ...]
    equal: tuple[str, ...]
    """Names of the sizes that have to be the same."""
    ones: bool
    """A size of 1 stands beside any other all the same."""
    together: tuple[Positive | None, ...]
    """A number for each of the sizes, at least one of which has to be reached; null where the size is of no
    help. Empty where there is no such bound."""
    independent: bool
    """All sizes together are accepted as the rest says, as far as was tried; else it holds for one size at a
    time, the others as in the example."""
    batch: AcceptedSizes
    failures: tuple[ContractFailure, ...]
    """Refused sizes near the example, and what fails there."""
    probes: Size
    """Forwards that were run to find it."""
