"""How a report says things. Every form of the report says them alike."""

from __future__ import annotations

from datetime import datetime

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.report.chronicle import ALL_NODES, Check, Chronicle, Decision, SpanState
from loomtui.restore.report.objectives import Objective, data_loss_objective, downtime_objective
from loomtui.restore.report.timing import Outage
from loomtui.wording.quantities import all_of, count, joined, length, rate, size, time_of

_PUT = frozenset({SpanState.DONE, SpanState.ALREADY})


def when(at: datetime | None) -> str:
    return time_of(at, "not yet")


def downtime(chronicle: Chronicle) -> str:
    seconds = chronicle.timings.downtime_seconds
    sentence = downtime_period(chronicle)
    return sentence if seconds is None else f"{length(seconds)}, {sentence}"


def downtime_period(chronicle: Chronicle) -> str:
    """From when until when the outage was, without its length; and what was agreed for it."""
    outages, objective = chronicle.timings.outages, downtime_objective(chronicle)
    period = ", and ".join(map(_outage_period, outages)) if outages else "none: no service was stopped"
    return f"{period} ({objective.words})" if objective else period


def _outage_period(outage: Outage) -> str:
    if outage.until is None:
        return f"since {when(outage.since)}; its end is not recorded"
    ended = "all was put back" if outage.put_back else "the chain moved"
    return f"from {outage.since:%H:%M:%S} until {ended} at {outage.until:%H:%M:%S} UTC"


def cost(chronicle: Chronicle) -> str:
    """Down for 2 min 13 s; lost of the chain: 12 min 05 s and 551 blocks."""
    times = chronicle.timings
    if times.downtime_seconds is not None:
        down = f"Down for {length(times.downtime_seconds)}"
    else:
        down = "The outage's end is not recorded" if times.outages else "No service was stopped"
    return f"{down}; lost of the chain: {data_loss_length(chronicle)}."


def data_loss(chronicle: Chronicle) -> str:
    sentence = data_loss_period(chronicle)
    return f"{data_loss_length(chronicle)}, {sentence}" if is_data_lost(chronicle) else sentence


def data_loss_length(chronicle: Chronicle) -> str:
    """12 min 05 s and 551 blocks; none."""
    if not is_data_lost(chronicle):
        return "none"
    blocks = chronicle.timings.lost_blocks
    return all_of(
        [length(chronicle.timings.data_loss_seconds), *([] if blocks is None else [count(blocks, "block")])]
    )


def is_data_lost(chronicle: Chronicle) -> bool:
    """Whether some of the chain's time is lost, because data was put in place and stayed."""
    return _is_data_put(chronicle) and chronicle.summary.outcome is not Outcome.ROLLED_BACK


def _is_data_put(chronicle: Chronicle) -> bool:
    times = chronicle.timings
    put = any(task.step is StepName.DATA and task.state in _PUT for task in chronicle.tasks)
    return put and times.lost_from is not None and times.lost_until is not None


def data_loss_period(chronicle: Chronicle) -> str:
    """From when until when the chain's time is lost, without its length; and what was agreed for it."""
    period, objective = _lost_period(chronicle), loss_objective(chronicle)
    return f"{period} ({objective.words})" if objective else period


def loss_objective(chronicle: Chronicle) -> Objective | None:
    return data_loss_objective(chronicle, is_lost=is_data_lost(chronicle))


def _lost_period(chronicle: Chronicle) -> str:
    """A rollback loses nothing."""
    times = chronicle.timings
    if not _is_data_put(chronicle):
        return "none: no data was put in place"
    if chronicle.summary.outcome is Outcome.ROLLED_BACK:
        return f"none: the old data was put back{_but_what_is_gone(chronicle)}"
    until = (
        "the newest block that was seen"
        if times.newest_block_seen
        else "the run's start; no newer block was seen"
    )
    return f"from the data of {when(times.lost_from)} to {until}"


def _but_what_is_gone(chronicle: Chronicle) -> str:
    nodes = joined(tuple(chronicle.given_up))
    return f", but not on {nodes}, where it was given up" if chronicle.given_up else ""


def given_up(chronicle: Chronicle) -> str:
    """What no rollback brings back; empty: nothing was given up."""
    each = tuple(f"{node} at {at:%H:%M:%S} UTC" for node, at in chronicle.given_up.items())
    return f"the old databases of {joined(each)}, to make room: no rollback brings them back" if each else ""


def throughput(chronicle: Chronicle) -> str:
    if not chronicle.throughput:
        return "no data was put in place"
    slowest = min(chronicle.throughput, key=lambda one: one.bytes_per_second)
    whole = sum(one.unpacked_bytes for one in chronicle.throughput)
    nodes, slowest_rate = count(len(chronicle.throughput), "node"), rate(slowest.bytes_per_second)
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
