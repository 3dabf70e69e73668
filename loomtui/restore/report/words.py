"""How a report says things; the same in every form of it."""

from __future__ import annotations

from datetime import datetime

import humanize

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.report.chronicle import ALL_NODES, Check, Chronicle, Decision, SpanState, Throughput
from loomtui.restore.report.timing import Outage

NOTHING = "–"
_PUT = frozenset({SpanState.DONE, SpanState.ALREADY})

OUTCOMES: dict[Outcome | None, str] = {
    Outcome.RESTORED: "restored: the chain moves",
    Outcome.ROLLED_BACK: "rolled back",
    Outcome.STOPPED: "stopped; it can be resumed or rolled back",
    None: "interrupted, or still going on",
}
SIGNS: dict[Outcome | None, str] = {
    Outcome.RESTORED: "✓",
    Outcome.ROLLED_BACK: "↶",
    Outcome.STOPPED: "■",
    None: "▲",
}


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "not yet"


def length(seconds: float | None) -> str:
    """8.4 s, 12 min 05 s, 3 h 05 min, 2 d 04 h."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // 1440} d {minutes // 60 % 24:02d} h"


def size(count: float) -> str:
    return humanize.naturalsize(count, binary=True, format="%.1f")


def downtime(told: Chronicle) -> str:
    seconds = told.timings.downtime_seconds
    sentence = downtime_told(told)
    return sentence if seconds is None else f"{length(seconds)}, {sentence}"


def downtime_told(told: Chronicle) -> str:
    """From when until when, without its length."""
    outages = told.timings.outages
    return ", and ".join(map(_outage_told, outages)) if outages else "none: no service was stopped"


def _outage_told(outage: Outage) -> str:
    if outage.until is None:
        return f"since {moment(outage.since)}; its end is not recorded"
    ended = "all was put back" if outage.put_back else "the chain moved"
    return f"from {outage.since:%H:%M:%S} until {ended} at {outage.until:%H:%M:%S} UTC"


def data_loss(told: Chronicle) -> str:
    sentence = data_loss_told(told)
    return f"{length(told.timings.data_loss_seconds)}, {sentence}" if is_data_lost(told) else sentence


def is_data_lost(told: Chronicle) -> bool:
    """Whether some of the chain's time is lost: data was put in place, and stayed."""
    return _is_data_put(told) and told.summary.outcome is not Outcome.ROLLED_BACK


def _is_data_put(told: Chronicle) -> bool:
    times = told.timings
    put = any(task.step is StepName.DATA and task.state in _PUT for task in told.tasks)
    return put and times.lost_from is not None and times.lost_until is not None


def data_loss_told(told: Chronicle) -> str:
    """From when until when the chain's time is lost, without its length; a rollback loses nothing."""
    times = told.timings
    if not _is_data_put(told):
        return "none: no data was put in place"
    if told.summary.outcome is Outcome.ROLLED_BACK:
        return "none: the old data was put back"
    until = (
        "the newest block that was seen"
        if times.newest_block_seen
        else "the run's start; no newer block was seen"
    )
    return f"from the data of {moment(times.lost_from)} to {until}"


def rate(found: Throughput) -> str:
    return f"{size(found.bytes_per_second)}/s"


def throughput(told: Chronicle) -> str:
    if not told.throughput:
        return "no data was put in place"
    slowest = min(told.throughput, key=lambda found: found.bytes_per_second)
    whole = sum(found.unpacked_bytes for found in told.throughput)
    nodes = f"{len(told.throughput)} node{'s' if len(told.throughput) > 1 else ''}"
    return f"{size(whole)} unpacked on {nodes}; the slowest, {slowest.node}, at {rate(slowest)}"


def where(node: str | None) -> str:
    return node or ALL_NODES


def decided(decision: Decision) -> str:
    """`stop: before step: continue`, without who and when."""
    place = [decision.step.value] if decision.step else []
    place += [decision.node] if decision.node else []
    return ", ".join([*place, f"{decision.asked}: {decision.answer}"])


def evidence(check: Check) -> str:
    return ", ".join(f"{name} {value}" for name, value in check.evidence if value)
