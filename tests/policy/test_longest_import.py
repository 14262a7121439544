"""How much earlier mail a rep may import (R-008)."""

from dataclasses import replace

import pytest

from postroom.policy.problems import problems
from postroom.policy.settings import Settings, from_data, to_data


@pytest.mark.parametrize("days", [0, 7, 3650])
def test_it_is_kept(days):
    settings = replace(Settings(), longest_import=days)
    assert from_data(to_data(settings), 0) == settings
    assert not problems(settings)


@pytest.mark.parametrize("days", [-1, 3651])
def test_it_has_bounds(days):
    [problem] = problems(replace(Settings(), longest_import=days))
    assert problem.path == "longest_import"


@pytest.mark.parametrize("stored", [{}, {"longest_import": "7"}, {"longest_import": None}])
def test_settings_saved_before_have_the_default(stored):
    assert from_data(stored, 1).longest_import == 30
