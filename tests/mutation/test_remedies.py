"""The remedies that rules show in their own examples: applied, they leave nothing to report."""

from __future__ import annotations

import pytest
from skiplint_rules.broadcast_join import BroadcastJoin
from skiplint_rules.dtype_join import DtypeJoin
from skiplint_rules.mismatched_join import MismatchedJoin
from skiplint_rules.mismatched_layer import MismatchedLayer

from skiplint import Rule
from skiplint.linting.rule import example_source
from skiplint.testing import findings_of, load_case

from .applying import applied

RULES = (MismatchedJoin, MismatchedLayer, BroadcastJoin, DtypeJoin)
EXAMPLES = [
    pytest.param(rule, place, id=f"{rule.name}-{place}") for rule in RULES for place in range(len(rule.bad))
]


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize(("rule", "place"), EXAMPLES)
def test_applied_nothing_is_left_to_report(rule: type[Rule], place: int, tmp_path) -> None:
    source = example_source(rule.bad[place])
    case = load_case(source, tmp_path)
    findings = findings_of(rule(), case.model, *case.inputs)
    if any(each.fix is None for each in findings):
        assert "mse_loss" in source, "only a join inside of a loss is left to prose"
        return
    mended = load_case(applied(source, findings), tmp_path)
    assert not findings_of(rule(), mended.model, *mended.inputs)
    mended.model(*mended.inputs)
