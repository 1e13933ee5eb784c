"""Every rule of the pack is complete, finds its bad examples and is silent on its good ones."""

from __future__ import annotations

import pytest
from skiplint_teampack.unnormalised_branch import UnnormalisedBranch
from skiplint_teampack.wide_concatenation import WideConcatenation

from skiplint.rules_api import Rule
from skiplint.testing import assert_rule


@pytest.mark.parametrize("rule", [WideConcatenation, UnnormalisedBranch])
def test_rule(rule: type[Rule]) -> None:
    assert_rule(rule)
