"""The skip detection finds exactly the joins that are expected, by kind."""

from __future__ import annotations

import pytest

from skiplint.analysis.skips import Skip, find_skips
from skiplint.tracing import trace_call

from .building import build
from .catalogue import ZooModel, catalogue, smp_models, timm_models
from .catalogue.transformers_text import TEXT
from .catalogue.transformers_vision import AUDIO, MULTIMODAL, VISION
from .expected import Counts, expected, torchvision_joins
from .expected.smp_joins import EXPECTED as SMP
from .expected.timm_joins import UNDERIVED
from .expected.transformers_joins import EXPECTED as TRANSFORMERS
from .test_tracing import cases

pytestmark = pytest.mark.filterwarnings("ignore")  # what the model packages deprecate


def has_expectation(model: ZooModel) -> bool:
    """Whether the joins of ``model`` are derived."""
    tables = {"transformers": TRANSFORMERS, "smp": SMP}
    if model.family in tables:
        return model.name in tables[model.family]
    return model.name not in UNDERIVED


def found(skips: tuple[Skip, ...], *, with_projections: bool) -> Counts:
    """What the detection counted."""
    kinds = [skip.kind for skip in skips]
    projections = sum(skip.shortcut == "projection" for skip in skips)
    return Counts(
        additive=kinds.count("additive"),
        concatenative=kinds.count("concatenative"),
        gated=kinds.count("gated"),
        projections=projections if with_projections else None,
    )


@pytest.mark.parametrize("model", cases(tuple(filter(has_expectation, catalogue()))))
def test_finds_the_expected_joins(model: ZooModel) -> None:
    """Counts agree exactly."""
    module, (args, kwargs) = build(model)
    wanted = expected(model, module)
    assert wanted is not None
    skips = find_skips(trace_call(module, args, dict(kwargs)))
    assert found(skips, with_projections=wanted.projections is not None) == wanted


@pytest.mark.parametrize("name", torchvision_joins.LITERAL)
def test_the_design_s_table_is_what_the_rules_give(name: str) -> None:
    """The literal counts and those derived from the modules are the same."""
    model = next(model for model in catalogue() if model.id == f"torchvision:{name}")
    module, _ = build(model)
    assert expected(model, module) == torchvision_joins.LITERAL[name]


def test_tables_name_known_models() -> None:
    """No expectation is left behind when a model is renamed."""
    names = {name for table in (TEXT, VISION, AUDIO, MULTIMODAL) for name in table}
    assert names >= set(TRANSFORMERS)
    assert {model.name for model in smp_models.models()} >= set(SMP)
    assert {name for group in timm_models.MODULES.values() for name in group} >= UNDERIVED
