"""How things are said, alike on the screens, on the command line and in reports."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.fleet.probes.node_status import Active, ServiceState
from loomtui.loom.health import ClusterState
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.plan import FileAction, Scope
from loomtui.wording import quantities, states

AT = datetime(2026, 11, 20, 14, 30, 5, tzinfo=UTC)
_ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (quantities.size(None), "–"),
        (quantities.size(12 * 2**20), "12.0 MiB"),
        (quantities.short_size(12 * 2**20), "12M"),
        (quantities.typed_size(512_000_000), "512 MB"),
        (quantities.typed_size(1_500_000_000), "1.5 GB"),
        (quantities.rate(1536), "1.5 KiB/s"),
        (quantities.number(None), "–"),
        (quantities.number(1_204_551), "1,204,551"),
        (quantities.count(1, "node"), "1 node"),
        (quantities.count(0, "node"), "0 nodes"),
        (quantities.count(1204, "entry", "entries"), "1,204 entries"),
        (quantities.time_of(AT), "2026-11-20 14:30:05 UTC"),
        (quantities.time_of(None), "–"),
        (quantities.time_of(None, "not yet"), "not yet"),
        (quantities.timestamp(AT), "2026-11-20 14:30:05"),
        (quantities.iso(AT), "2026-11-20T14:30:05Z"),
        (quantities.ago(AT, AT + timedelta(hours=3, minutes=5)), "3h05m"),
        (quantities.stopwatch(timedelta(seconds=192)), "00:03:12"),
        (quantities.short_watch(timedelta(seconds=42)), "0:42"),
        (quantities.length(725), "12 min 05 s"),
        (quantities.offset(0.31), "+0.3s"),
        (quantities.load(0.4249), "0.42"),
        (quantities.load(None), "–"),
    ],
)
def test_quantities(said: str, told: str) -> None:
    assert said == told


def test_every_state_and_every_choice_has_words() -> None:
    for state in ClusterState:
        assert states.cluster_state(state).word
    for outcome in (*Outcome, None):
        assert states.outcome_state(outcome).word
        assert states.outcome_words(outcome)
    for active in Active:
        service = ServiceState("loom.service", "loaded", active, "", None, 0, None, 0, False, None, "")
        assert states.service_state(service).word
    assert set(states.STEP_TITLES) == set(StepName)
    assert set(states.POLICIES) == set(BackupPolicy)
    assert set(states.FILE_ACTIONS) == set(FileAction)
    assert set(states.SCOPES) == set(Scope)


def test_sizes_are_made_in_one_place() -> None:
    """What is said in two ways today differs tomorrow."""
    makers = {
        str(path.relative_to(_ROOT))
        for folder in ("loomtui", "screens")
        for path in (_ROOT / folder).rglob("*.py")
        if "humanize" in path.read_text("utf-8")
    }
    assert makers == {"loomtui/wording/quantities.py"}
