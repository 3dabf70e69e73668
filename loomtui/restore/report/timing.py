"""How long a run took: its steps, the outage, and how much of the chain's time is lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from loomtui.restore.events import CHAIN_MOVES, Event, EventKind, Outcome, StepName
from loomtui.restore.record.run_store import Run


@dataclass(frozen=True)
class StepTiming:
    name: StepName
    seconds: float | None  # None: it did not end
    outcome: str  # done, failed, started


@dataclass(frozen=True)
class Outage:
    """The time from a stop of the nodes until they ran again."""

    since: datetime
    until: datetime | None  # None: it has not ended
    put_back: bool  # it ended, or is to end, with what was there before; else with the chain moving


@dataclass(frozen=True)
class Timings:
    downtime_seconds: float | None  # of all outages together; None: there was none, or one did not end
    data_loss_seconds: (
        float | None
    )  # from the data's time to the newest block that a node had, else to the run's start
    steps: tuple[StepTiming, ...]
    outages: tuple[Outage, ...] = ()  # the rollback of a finished run stops the nodes a second time
    lost_from: datetime | None = None  # of the oldest data that was restored
    lost_until: datetime | None = None
    newest_block_seen: bool = False  # False: `lost_until` is the run's start, for no block was seen
    lost_blocks: int | None = None  # from the data's last block to that one; None: no such block was seen

    @property
    def down_from(self) -> datetime | None:
        """When the first stop was."""
        return self.outages[0].since if self.outages else None

    @property
    def down_until(self) -> datetime | None:
        """When the chain moved, or all was put back.

        None means no outage, or that the last one has not ended.
        """
        return self.outages[-1].until if self.outages else None


def timings(run: Run) -> Timings:
    """How long each step took, how long the cluster was down, how much of the chain's time is lost."""
    events = run.events()
    steps = tuple(
        _step_timing(name, events) for name in StepName if any(event.step is name for event in events)
    )
    outages = _outages(events)
    lengths = [_between(outage.since, outage.until) for outage in outages]
    ended = [length for length in lengths if length is not None]
    lost_from, lost_until, newest = _data_loss(run, events)
    restored = run.plan.prediction.height
    return Timings(
        sum(ended) if ended and len(ended) == len(lengths) else None,
        _between(lost_from, lost_until),
        steps,
        outages,
        lost_from,
        lost_until,
        newest is not None,
        newest - restored if newest is not None and restored is not None else None,
    )


def _outages(events: tuple[Event, ...]) -> tuple[Outage, ...]:
    stop = _first(events, EventKind.TASK_STARTED, StepName.STOP) or _first(
        events, EventKind.STEP_STARTED, StepName.STOP
    )
    if stop is None:
        return ()
    moved, rolled_back = _chain_moved(events), _rolled_back(events)
    put_back = rolled_back.at if rolled_back else None
    back = (event for event in events if event.kind is EventKind.ROLLBACK_STARTED)
    again = next((event.at for event in back if moved is not None and event.seq > moved.seq), None)
    if moved is None:
        return (Outage(stop.at, put_back, put_back=put_back is not None),)
    first = Outage(stop.at, moved.at, put_back=False)
    return (first,) if again is None else (first, Outage(again, put_back, put_back=True))


def _chain_moved(events: tuple[Event, ...]) -> Event | None:
    """When blocks came on every node, in the try of `verify` that found the cluster healthy in the end."""
    done = _last(events, EventKind.STEP_DONE, StepName.VERIFY)
    if done is None:
        return None
    before = tuple(event for event in events if event.seq <= done.seq)
    begun = _last(before, EventKind.STEP_STARTED, StepName.VERIFY)
    seen = (event for event in before if event.data.get(CHAIN_MOVES) and begun and event.seq > begun.seq)
    return next(seen, done)


def _between(since: datetime | None, until: datetime | None) -> float | None:
    return None if since is None or until is None else max(0.0, (until - since).total_seconds())


def _first(events: tuple[Event, ...], kind: EventKind, step: StepName) -> Event | None:
    return next((event for event in events if event.kind is kind and event.step is step), None)


def _last(events: tuple[Event, ...], kind: EventKind, step: StepName) -> Event | None:
    return _first(events[::-1], kind, step)


def _rolled_back(events: tuple[Event, ...]) -> Event | None:
    """The services that ran before run again then."""
    ends = (event for event in events[::-1] if event.kind is EventKind.RUN_FINISHED)
    return next((event for event in ends if event.data.get("outcome") == Outcome.ROLLED_BACK.value), None)


def _step_timing(name: StepName, events: tuple[Event, ...]) -> StepTiming:
    started = _first(events, EventKind.STEP_STARTED, name)
    done = _last(events, EventKind.STEP_DONE, name)
    if started and done:
        return StepTiming(name, (done.at - started.at).total_seconds(), "done")
    failed = any(event.step is name and event.kind is EventKind.TASK_FAILED for event in events)
    return StepTiming(name, None, "failed" if failed else "started")


def _data_loss(run: Run, events: tuple[Event, ...]) -> tuple[datetime | None, datetime | None, int | None]:
    """From when, until when, and up to which block a node had been; None: that time is the run's start."""
    since = run.plan.data_time
    if since is None or not events:
        return None, None, None
    restored = run.plan.prediction.height or 0
    lost: list[tuple[datetime, int | None]] = [
        (datetime.fromisoformat(str(event.data["block_time"])), height)
        for event in events
        if event.data.get("block_time") and (height := int(str(event.data.get("height") or 0))) > restored
    ]
    until, newest = max(lost, default=(events[0].at, None))
    return since, until, newest
