"""How things are said on a screen: pure functions from facts to short words, always symbol + word + tone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import humanize
from rich.cells import cell_len, set_cell_size

from loomtui.fleet.probes.node_status import Active, NodeStatus, ServiceState
from loomtui.loom.health import ClusterState
from loomtui.restore.events import Outcome, StepName
from loomtui.text import clean_line

NOTHING = "–"

#: A row older than this is shown as stale: two polls have passed it by.
STALE_AFTER = timedelta(seconds=10)


class Tone(StrEnum):
    """What a text means; its colour is the theme's business."""

    PLAIN = ""
    GOOD = "$text-success"
    WARN = "$text-warning"
    BAD = "$text-error"
    DIM = "dim"
    STRONG = "bold"
    ACCENT = "bold $text-accent"


@dataclass(frozen=True)
class Mark:
    """A state in words: never colour alone."""

    symbol: str
    word: str
    tone: Tone

    def __str__(self) -> str:
        return f"{self.symbol} {self.word}"


_SERVICE_MARKS = {
    Active.ACTIVE: Mark("●", "running", Tone.GOOD),
    Active.INACTIVE: Mark("■", "stopped", Tone.WARN),
    Active.FAILED: Mark("✗", "failed", Tone.BAD),
    Active.ACTIVATING: Mark("◌", "starting", Tone.WARN),
    Active.DEACTIVATING: Mark("◌", "stopping", Tone.WARN),
    Active.RELOADING: Mark("◌", "reloading", Tone.WARN),
    Active.FLAPPING: Mark("↻", "restarting", Tone.BAD),
    Active.UNKNOWN: Mark("?", "unknown", Tone.WARN),
}

CLUSTER_MARKS = {
    ClusterState.HEALTHY: Mark("●", "HEALTHY", Tone.GOOD),
    ClusterState.DEGRADED: Mark("▲", "DEGRADED", Tone.WARN),
    ClusterState.HALTED: Mark("✗", "HALTED", Tone.BAD),
    ClusterState.STOPPED: Mark("■", "STOPPED", Tone.WARN),
    ClusterState.UNREACHABLE: Mark("✗", "UNREACHABLE", Tone.BAD),
    ClusterState.UNKNOWN: Mark("?", "NOT KNOWN YET", Tone.DIM),
}

STEP_TITLES = {
    StepName.PREFLIGHT: "Preflight",
    StepName.STOP: "Stop all",
    StepName.DATA: "Restore data",
    StepName.CONFIG: "Restore config",
    StepName.NODE_KEYS: "Compare node keys",
    StepName.SERVICES: "Fix services",
    StepName.START: "Start all",
    StepName.VERIFY: "Verify",
}

OUTCOME_MARKS = {
    Outcome.RESTORED: Mark("✓", "restored", Tone.GOOD),
    Outcome.STOPPED: Mark("■", "stopped", Tone.WARN),
    Outcome.ROLLED_BACK: Mark("↶", "rolled back", Tone.WARN),
}

AT_WORK = Mark("▶", "at work", Tone.ACCENT)
UNFINISHED = Mark("▲", "unfinished", Tone.BAD)


def service_mark(service: ServiceState | None) -> Mark:
    if service is None:
        return _SERVICE_MARKS[Active.UNKNOWN]
    if service.load == "not-found":
        return Mark("✗", "no unit", Tone.BAD)
    if service.load == "masked":
        return Mark("⊘", "masked", Tone.BAD)
    if service.held_by and service.active in (Active.INACTIVE, Active.FAILED):
        return Mark("⊘", "held", Tone.WARN)
    return _SERVICE_MARKS[service.active]


def node_mark(status: NodeStatus | None) -> Mark:
    if status is None:
        return Mark("◌", "connecting", Tone.DIM)
    if not status.reachable:
        return Mark("✗", "refused" if status.refused else "unreachable", Tone.BAD)
    mark = service_mark(status.service)
    if mark.word != "running":
        return mark
    if status.chain is None:
        return Mark("◐", "no answer", Tone.WARN)
    return Mark("↻", "catching up", Tone.WARN) if status.chain.catching_up else mark


def span(length: timedelta | float) -> str:
    """A length of time in at most six cells: 8s, 12m, 3h05m, 4d07h, 212d."""
    seconds = int(length.total_seconds() if isinstance(length, timedelta) else length)
    sign, seconds = ("-", -seconds) if seconds < 0 else ("", seconds)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 60:
        return f"{sign}{seconds}s"
    if minutes < 60:
        return f"{sign}{minutes}m"
    if hours < 24:
        return f"{sign}{hours}h{minutes % 60:02d}m"
    return f"{sign}{days}d{hours % 24:02d}h" if days < 100 else f"{sign}{days}d"


def ago(moment: datetime | None, now: datetime) -> str:
    return NOTHING if moment is None else span(now - moment)


def stopwatch(length: timedelta) -> str:
    """Hours, minutes, seconds: 00:03:12."""
    seconds = max(0, int(length.total_seconds()))
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def short_watch(length: timedelta) -> str:
    """At most six cells: 0:42, 12:05, 3h05m."""
    seconds = max(0, int(length.total_seconds()))
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds < 3600 else span(seconds)


def size(count: float | None) -> str:
    return NOTHING if count is None else humanize.naturalsize(count, binary=True, format="%.1f")


def short_size(count: int | None) -> str:
    return NOTHING if count is None else humanize.naturalsize(count, gnu=True, format="%.0f")


def short_count(value: int) -> str:
    """At most four characters for less than a billion: 950, 12k, 3M."""
    for factor, unit in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if value >= factor:
            return f"{value // (1000 if unit == 'k' else factor)}{unit}"
    return str(value)


def number(value: int | None) -> str:
    return NOTHING if value is None else f"{value:,}"


def time_of(moment: datetime | None) -> str:
    return NOTHING if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def short_id(node_id: str | None) -> str:
    return node_id[:8] if node_id else NOTHING


def offset(seconds: float | None) -> str:
    return NOTHING if seconds is None else f"{seconds:+.1f}s"


def cut(text: str, cells: int) -> str:
    """The text in at most so many cells, with an ellipsis where something was cut."""
    text = clean_line(text)
    if cell_len(text) <= cells:
        return text
    return set_cell_size(text, max(0, cells - 1)).rstrip() + "…"


def count(number_of: int, noun: str, plural: str | None = None) -> str:
    """1 node, 4 nodes."""
    return f"{number_of} {noun if number_of == 1 else plural or noun + 's'}"


def joined(names: tuple[str, ...] | list[str], limit: int = 6) -> str:
    """db1, db2 and db3."""
    shown = list(names[:limit])
    if len(names) > limit:
        shown.append(f"{len(names) - limit} more")
    return (
        shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + f" and {shown[-1]}" if shown else "no node"
    )


def bar(done: int, total: int, cells: int) -> str:
    """A bar that needs no colour: ████░░░░."""
    share = 0.0 if total <= 0 else min(1.0, max(0.0, done / total))
    filled = round(share * cells)
    return "█" * filled + "░" * (cells - filled)
