from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.probes.node_status import Active, ServiceState
from loomtui.fleet.probes.service_state import flaps, held_by, node_clock, read_service, read_show
from tests.fleet.machine import RECORDED

NOW = datetime(2026, 11, 22, 18, 48, tzinfo=UTC)


def state(version: str, hold: str | None = None) -> ServiceState:
    shown = read_show((RECORDED / version / "show").read_text())
    return read_service("loom.service", shown, now=NOW, uptime=5000.0, hold=hold)


def test_systemd_229_running() -> None:
    seen = state("229")
    assert (seen.load_state, seen.active, seen.sub, seen.main_pid) == (
        "loaded",
        Active.ACTIVE,
        "running",
        1427,
    )
    assert seen.restarts is None
    assert seen.started_at_usec == 10250345
    assert seen.since == NOW - timedelta(seconds=5000 - 10.250412)
    assert seen.exec_start.startswith("@BIN@/loom run --persistent-peers tcp://34750f98")
    assert seen.exec_start.endswith("@10.2.0.5:46656")
    assert not seen.need_reload


def test_systemd_237_that_cannot_start() -> None:
    seen = state("237")
    assert (seen.active, seen.sub, seen.restarts, seen.need_reload) == (
        Active.FLAPPING,
        "auto-restart",
        1418,
        True,
    )


def test_systemd_252_stopped_and_held() -> None:
    seen = state("252", "# held by loomtui run 20261122-1201: a restore is not finished\n[Unit]\n")
    assert (seen.active, seen.since, seen.main_pid, seen.held_by) == (
        Active.INACTIVE,
        None,
        0,
        "20261122-1201",
    )


@pytest.mark.parametrize(
    ("restart", "result", "status", "active"),
    [
        ("always", "exit-code", "1", Active.INACTIVE),  # told to stop: Loom's signal handlers race
        ("always", "exit-code", "2", Active.FAILED),  # a panic
        ("always", "signal", "9", Active.FAILED),
        ("always", "timeout", "0", Active.FAILED),
        ("no", "exit-code", "1", Active.FAILED),  # it ended by itself, and nothing starts it again
    ],
)
def test_a_stop_by_request_is_no_failure(restart: str, result: str, status: str, active: Active) -> None:
    shown = {"ActiveState": "failed", "SubState": "failed", "Restart": restart, "Result": result}
    seen = read_service("loom.service", {**shown, "ExecMainStatus": status}, now=NOW, uptime=1.0, hold=None)
    assert seen.active is active


def test_a_hold_of_unknown_origin_is_a_hold() -> None:
    assert held_by(None) is None
    assert held_by("[Unit]\n") == "an unknown run"


def test_a_hold_is_told_in_words() -> None:
    since = datetime(2026, 11, 22, 3, 4, tzinfo=UTC)
    held = replace(state("229"), held_by="20261122-030000-ab12", held_since=since)
    assert held.hold == (
        "held from starting since 2026-11-22 03:04 UTC: run 20261122-030000-ab12 is not finished. To lift "
        "it: loomtui resume 20261122-030000-ab12, or loomtui rollback 20261122-030000-ab12; on another "
        "machine than the run's: loomtui take-over 20261122-030000-ab12"
    )
    assert state("229").hold is None
    assert "names no run" in (state("229", "[Unit]\n").hold or "")


RUNNING = replace(state("229"), restarts=None)
COUNTED = replace(RUNNING, restarts=4)


@pytest.mark.parametrize(
    ("before", "now", "verdict"),
    [
        (None, RUNNING, False),
        (RUNNING, RUNNING, False),
        (RUNNING, replace(RUNNING, main_pid=9, started_at_usec=99), True),
        (RUNNING, replace(RUNNING, active=Active.ACTIVATING, started_at_usec=99), True),
        (RUNNING, replace(RUNNING, active=Active.FAILED, main_pid=0, started_at_usec=99), False),
        (replace(RUNNING, active=Active.INACTIVE), replace(RUNNING, started_at_usec=99), False),
        (replace(RUNNING, started_at_usec=0), RUNNING, False),
        (COUNTED, replace(COUNTED, restarts=5), True),
        (COUNTED, replace(COUNTED, started_at_usec=99), False),  # restarted by hand
        (COUNTED, replace(COUNTED, restarts=0, started_at_usec=99), False),
        (None, replace(RUNNING, sub="auto-restart"), True),
    ],
)
def test_flapping_shows_over_two_looks(before: ServiceState | None, now: ServiceState, verdict: bool) -> None:
    assert flaps(before, now) is verdict


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    seen = read_service("u", read_show(text), now=NOW, uptime=None, hold=text)
    assert seen.active in Active


@given(st.dictionaries(st.sampled_from(list(read_show((RECORDED / "229" / "show").read_text()))), st.text()))
def test_no_value_breaks_the_reader(shown: dict[str, str]) -> None:
    text = "\n".join(f"{name}={value}" for name, value in shown.items())
    seen = read_service("u", read_show(text), now=NOW, uptime=1.0, hold=None)
    assert "\x1b" not in seen.sub + seen.load_state + seen.exec_start


def test_a_clock_beyond_all_calendars() -> None:
    assert node_clock(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert node_clock(1e18) is None
