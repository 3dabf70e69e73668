"""How a report says things. Every form of the report says them alike."""

from __future__ import annotations

from datetime import datetime

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.report.chronicle import ALL_NODES, Check, Chronicle, Decision, SpanState
from loomtui.restore.report.timing import Outage
from loomtui.wording.quantities import count, length, rate, size, time_of

_PUT = frozenset({SpanState.DONE, SpanState.ALREADY})


def when(at: datetime | None) -> str:
    return time_of(at, "not yet")


def downtime(told: Chronicle) -> str:
    seconds = told.timings.downtime_seconds
    sentence = downtime_told(told)
    return sentence if seconds is None else f"{length(seconds)}, {sentence}"


def downtime_told(told: Chronicle) -> str:
    """From when until when the outage was, without its length."""
    outages = told.timings.outages
    return ", and ".join(map(_outage_told, outages)) if outages else "none: no service was stopped"


def _outage_told(outage: Outage) -> str:
    if outage.until is None:
        return f"since {when(outage.since)}; its end is not recorded"
    ended = "all was put back" if outage.put_back else "the chain moved"
    return f"from {outage.since:%H:%M:%S} until {ended} at {outage.until:%H:%M:%S} UTC"


def data_loss(told: Chronicle) -> str:
    sentence = data_loss_told(told)
    return f"{length(told.timings.data_loss_seconds)}, {sentence}" if is_data_lost(told) else sentence


def is_data_lost(told: Chronicle) -> bool:
    """Whether some of the chain's time is lost, because data was put in place and stayed."""
    return _is_data_put(told) and told.summary.outcome is not Outcome.ROLLED_BACK


def _is_data_put(told: Chronicle) -> bool:
    times = told.timings
    put = any(task.step is StepName.DATA and task.state in _PUT for task in told.tasks)
    return put and times.lost_from is not None and times.lost_until is not None


def data_loss_told(told: Chronicle) -> str:
    """From when until when the chain's time is lost, without its length. A rollback loses nothing."""
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
    return f"from the data of {when(times.lost_from)} to {until}"


def throughput(told: Chronicle) -> str:
    if not told.throughput:
        return "no data was put in place"
    slowest = min(told.throughput, key=lambda found: found.bytes_per_second)
    whole = sum(found.unpacked_bytes for found in told.throughput)
    nodes, slowest_rate = count(len(told.throughput), "node"), rate(slowest.bytes_per_second)
    return f"{size(whole)} unpacked on {nodes}; the slowest, {slowest.node}, at {slowest_rate}"


def where(node: str | None) -> str:
    return node or ALL_NODES


def decided(decision: Decision) -> str:
    """`stop: before step: continue`, without who and when."""
    place = [decision.step.value] if decision.step else []
    place += [decision.node] if decision.node else []
    return ", ".join([*place, f"{decision.asked}: {decision.answer}"])


def evidence(check: Check) -> str:
    return ", ".join(f"{name} {value}" for name, value in check.evidence if value)
