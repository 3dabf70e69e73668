"""A fixed third of the mutations, of several kinds. All of them: python -m tests.drill.mutations"""

from __future__ import annotations

import pytest

from loomtui.drill.scenarios import scenario_named
from tests.drill.mutations import is_noticed

SAMPLE = (
    "backup-job-wakes",
    "clean-restore",
    "colleague",
    "disk-fills",
    "evm-missing",
    "torn-backup",
    "truncated-upload",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLE)
def test_a_drill_fails_without_what_decides_it(name: str) -> None:
    assert is_noticed(scenario_named(name))
