"""All that a rule needs, in one place: import from here and from nowhere else in skiplint.

The built-in rules do so too, so whatever they use is here. A rule reads the graph (``analysis.graph``) and
asks for analyses: the usual ones by name (``analysis.skips``, ``analysis.memory``), the others through their
providers (``analysis.of(Norms)``), and its own in the same way. Importing this module does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skiplint.analysis.ablation.ablation import Ablation, AblationOf
from skiplint.analysis.ablation.options import AblationOptions
from skiplint.analysis.analysis import Analysis
from skiplint.analysis.contract import Contract, Failure, InputContract, SizeDependence
from skiplint.analysis.contract.contract import contract_in_words, listed
from skiplint.analysis.faults.advice import Advice, advised_outputs
from skiplint.analysis.faults.join_advice import join_advice
from skiplint.analysis.faults.layer_advice import layer_advice, shape_advice
from skiplint.analysis.faults.origins import Source, sources_of
from skiplint.analysis.faults.recurring import Recurring, RecurringFaults
from skiplint.analysis.faults.remedy import ArgumentEdit, Edit, Remedy, ResampleEdit, WrapEdit
from skiplint.analysis.flow import Flow, past_views
from skiplint.analysis.gradients import EffectivePaths, GradientError, Gradients
from skiplint.analysis.live_model import OtherMode, State
from skiplint.analysis.memory import Memory
from skiplint.analysis.memory.budget import Budget, Verdict, judge
from skiplint.analysis.memory.byte_sizes import byte_size, parse_bytes
from skiplint.analysis.memory.chains import Chain
from skiplint.analysis.memory.concatenations import Concatenation
from skiplint.analysis.memory.rewriting import Branch, Branches, Join, Saving
from skiplint.analysis.memory.sizes import SizeError
from skiplint.analysis.memory.totals import HeldSkip
from skiplint.analysis.memory.training_mode import TrainingGraph
from skiplint.analysis.paths import Paths
from skiplint.analysis.provider import CircularAnalysisError, Provider, TracedModel
from skiplint.analysis.skips import Connection, Skip, Skips
from skiplint.analysis.skips.joins import reaches
from skiplint.analysis.skips.roles import is_control, is_noise
from skiplint.analysis.structure.activations import activated
from skiplint.analysis.structure.block_difference import Difference
from skiplint.analysis.structure.blocks import Block, Blocks, Layer, Wiring
from skiplint.analysis.structure.broadcast_axes import Maker, maker_of_one
from skiplint.analysis.structure.depthwise import is_depthwise
from skiplint.analysis.structure.factors import Factors
from skiplint.analysis.structure.norms import Norms
from skiplint.analysis.structure.owners import Owners, common_owner, inside, parent
from skiplint.analysis.structure.plain_runs import MOST_PLAIN_LAYERS, PlainRuns
from skiplint.analysis.structure.streams import (
    ResidualStreams,
    branch_operations,
    is_residual,
    last_layer,
    main_operand,
)
from skiplint.analysis.unread import Unread, UnreadParameters
from skiplint.analysis.wording import shape_text, tensor_name
from skiplint.graph import (
    Fault,
    InputInfo,
    Location,
    ModelGraph,
    ModuleInfo,
    Operand,
    OperandRef,
    Operation,
    TensorId,
    TensorSpec,
)
from skiplint.linting.finding import Finding, Severity
from skiplint.linting.rule import Example, Rule, RuleOptions, flag
from skiplint.operators import Family, Op
from skiplint.operators.axes import concatenated_axis
from skiplint.operators.sizes import Shape
from skiplint.sources.uses import asks_for_mode, is_read
from skiplint.tracing.replay.parts import execute
from skiplint.tracing.replay.surroundings import ExecutionError, apart, filled

if TYPE_CHECKING:
    from skiplint.tracing.recording.trees import tensors_in

__all__ = [  # noqa: RUF022 - by subject
    # A rule and what it reports.
    "ArgumentEdit",
    "Edit",
    "Example",
    "Finding",
    "Location",
    "Remedy",
    "ResampleEdit",
    "Rule",
    "RuleOptions",
    "Severity",
    "WrapEdit",
    "flag",
    # The graph, and what is known of torch's functions.
    "Fault",
    "Family",
    "InputInfo",
    "ModelGraph",
    "ModuleInfo",
    "Op",
    "Operand",
    "OperandRef",
    "Operation",
    "Shape",
    "TensorId",
    "TensorSpec",
    "concatenated_axis",
    # The analyses of one model, and how to write another one.
    "Analysis",
    "CircularAnalysisError",
    "Provider",
    "TracedModel",
    # Skips and the flow of features.
    "Connection",
    "Flow",
    "Paths",
    "Skip",
    "Skips",
    "is_control",
    "is_noise",
    "past_views",
    "reaches",
    # How the model is put together.
    "Block",
    "Blocks",
    "Difference",
    "Factors",
    "Layer",
    "MOST_PLAIN_LAYERS",
    "Maker",
    "Norms",
    "Owners",
    "PlainRuns",
    "ResidualStreams",
    "Wiring",
    "activated",
    "branch_operations",
    "common_owner",
    "inside",
    "is_depthwise",
    "is_residual",
    "last_layer",
    "main_operand",
    "maker_of_one",
    "parent",
    # Faults in shapes, and what mends them.
    "Advice",
    "Recurring",
    "RecurringFaults",
    "Source",
    "advised_outputs",
    "join_advice",
    "layer_advice",
    "shape_advice",
    "sources_of",
    # Memory.
    "Branch",
    "Branches",
    "Budget",
    "Chain",
    "Concatenation",
    "HeldSkip",
    "Join",
    "Memory",
    "Saving",
    "SizeError",
    "TrainingGraph",
    "Verdict",
    "judge",
    # The live model: its weights, gradients, the sizes that it accepts, its calls run again.
    "Ablation",
    "AblationOf",
    "AblationOptions",
    "Contract",
    "EffectivePaths",
    "ExecutionError",
    "Failure",
    "GradientError",
    "Gradients",
    "InputContract",
    "OtherMode",
    "SizeDependence",
    "State",
    "Unread",
    "UnreadParameters",
    "apart",
    "execute",
    "filled",
    "tensors_in",
    # The source.
    "asks_for_mode",
    "is_read",
    # Words for messages.
    "byte_size",
    "contract_in_words",
    "listed",
    "parse_bytes",
    "shape_text",
    "tensor_name",
]


def __getattr__(name: str) -> Any:
    if name == "tensors_in":  # importing it imports torch: rules do so in the function that needs it
        from skiplint.tracing.recording.trees import tensors_in

        return tensors_in
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
