"""What systemd says of a unit, from `systemctl show`. Source: systemctl(1), org.freedesktop.systemd1(5).

Works from systemd 229 on: a property that a version does not know is simply absent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from loomtui.fleet.probes.node_status import UNKNOWN_RUN, Active, ServiceState
from loomtui.text import clean_line

_ARGV = re.compile(r"argv\[\]=(.*?) ; (?:ignore_errors|flags)=")
_HOLD = re.compile(r"held by loomtui run ([A-Za-z0-9._-]{1,100})")


def read_show(text: str) -> Mapping[str, str]:
    """The first value of each property."""
    properties: dict[str, str] = {}
    for line in text.split("\n"):
        name, equals, value = line.partition("=")
        if equals and re.fullmatch(r"[A-Za-z][A-Za-z0-9]*", name):
            properties.setdefault(name, clean_line(value, limit=20_000))
    return properties


def read_service(
    unit: str,
    shown: Mapping[str, str],
    *,
    now: datetime,
    uptime: float | None,
    hold: str | None,
    held_since: datetime | None = None,
) -> ServiceState:
    """The state of the unit at `now` of the node's clock.

    `uptime` is in seconds; `hold` is the drop-in's text.
    """
    restarts = shown.get("NRestarts", "")
    changed = _number(shown, "StateChangeTimestampMonotonic") or _number(
        shown, "ActiveEnterTimestampMonotonic"
    )
    active, sub = _active(shown)
    return ServiceState(
        unit=unit,
        load_state=shown.get("LoadState", "unknown"),
        active=active,
        sub=sub,
        since=now - timedelta(seconds=uptime - changed / 1e6) if changed and uptime is not None else None,
        main_pid=_number(shown, "MainPID"),
        restarts=int(restarts) if restarts.isascii() and restarts.isdigit() else None,
        started_at_usec=_number(shown, "ExecMainStartTimestampMonotonic"),
        need_reload=shown.get("NeedDaemonReload") == "yes",
        held_by=held_by(hold),
        exec_start=_argv(shown.get("ExecStart", "")),
        held_since=held_since if hold is not None else None,
    )


def held_by(hold: str | None) -> str | None:
    """The run that a hold names, or None if there is no hold."""
    if hold is None:
        return None
    match = _HOLD.search(hold)
    return match[1] if match else UNKNOWN_RUN


def flaps(before: ServiceState | None, now: ServiceState) -> bool:
    """Whether the service cannot start and is restarted for ever, judged by two looks.

    If systemd counts its own restarts (from 235 on), that count decides, so that a restart by hand does not
    count.
    """
    if now.sub == "auto-restart":
        return True
    if before is None or now.active not in (Active.ACTIVE, Active.ACTIVATING):
        return False
    if before.restarts is not None and now.restarts is not None:
        return now.restarts > before.restarts
    was_up = before.started_at_usec and before.active not in (Active.INACTIVE, Active.FAILED)
    return bool(was_up) and now.started_at_usec != before.started_at_usec


def _active(shown: Mapping[str, str]) -> tuple[Active, str]:
    """The state and the substate."""
    state, sub = shown.get("ActiveState", ""), shown.get("SubState", "")
    if sub == "auto-restart":
        return Active.FLAPPING, sub
    if state == Active.FAILED and _ended_by_stop(shown):
        return Active.INACTIVE, "dead"
    try:
        return Active(state), sub
    except ValueError:
        return Active.UNKNOWN, sub


def _ended_by_stop(shown: Mapping[str, str]) -> bool:
    """Loom ends with 0 or 1 if it is told to stop: two handlers race (docs/loom.md 9).

    To systemd 1 is a failure.

    With Restart=always nothing else ends so, because what ends by itself is started again.
    """
    how = tuple(shown.get(name) for name in ("Restart", "Result", "ExecMainStatus"))
    return how == ("always", "exit-code", "1")


def _number(shown: Mapping[str, str], name: str) -> int:
    value = shown.get(name, "")
    return int(value) if re.fullmatch(r"[0-9]{1,18}", value) else 0


def _argv(exec_start: str) -> str:
    match = _ARGV.search(exec_start)
    return match[1] if match else exec_start


def node_clock(epoch: float) -> datetime | None:
    """A time of the node's clock, or None if no calendar has it."""
    try:
        return datetime.fromtimestamp(epoch, UTC)
    except (ValueError, OverflowError, OSError):
        return None
