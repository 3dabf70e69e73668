"""Hundreds of nodes, connected, listened to and looked at for ten minutes: memory, and CPU for each."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.claims import Aim, Claim, Measurement, Options, Samples, Unit
from benchmarks.nodes import nodes
from benchmarks.spent import FailedError, as_installed, spent

_MANY, _FEW = 300, 5
_MANY_IF_SMALL = 20
_LIMIT_MEGABYTES = 250.0
_LINE_SECONDS = 1.0  # between two lines of each journal


@dataclass(frozen=True)
class _Watch:
    """How long, and how often all nodes are looked at, in seconds."""

    nodes: int
    seconds: float
    every: float


@dataclass(frozen=True)
class Sample:
    """At one moment of a watch."""

    at: float  # seconds since it began
    cpu: float  # seconds since it began, of the client
    megabytes: float  # that are resident
    lines: int  # of the journals that came


#: A watch of ten minutes serves all claims of this module.
_seen: dict[_Watch, tuple[Sample, ...]] = {}


def many(options: Options) -> _Watch:
    return _Watch(_MANY_IF_SMALL, 12, 2) if options.small else _Watch(_MANY, 600, 10)


def few(options: Options) -> _Watch:
    return _Watch(_FEW, 12, 2) if options.small else _Watch(_FEW, 120, 10)


def _watched(watch: _Watch, options: Options) -> tuple[Sample, ...]:
    """Without the first round, in which the shells begin."""
    if watch not in _seen:
        with nodes(watch.nodes, options) as ours, _lines(ours.journal):
            command = [sys.executable, "-m", "benchmarks.looking", "tail", str(ours.inventory)]
            command += [str(watch.seconds), str(watch.every)]
            used = spent(command, environment=as_installed(options.peers), seconds=watch.seconds + 300)
        samples = tuple(Sample(**json.loads(line)) for line in used.output.splitlines())
        if len(samples) < 3 or samples[-1].lines < watch.nodes:
            lines = samples[-1].lines if samples else 0
            raise FailedError(f"{watch.nodes} nodes sent {lines} lines in {len(samples)} rounds: too few")
        _seen[watch] = samples[1:]
    return _seen[watch]


@contextlib.contextmanager
def _lines(journal: Path) -> Iterator[None]:
    """Each node's journal gets a line a second, for as long as the block lasts."""
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.wait(_LINE_SECONDS):
            number += 1
            entry = {"__REALTIME_TIMESTAMP": str(time.time_ns() // 1000), "MESSAGE": f"block {number}"}
            with journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps({**entry, "__CURSOR": f"c{number}"}) + "\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _cpu_of_each(samples: Sequence[Sample], count: int) -> tuple[float, ...]:
    """CPU milliseconds of the client a node and second, from sample to sample."""
    return tuple(
        1000 * (after.cpu - before.cpu) / (after.at - before.at) / count
        for before, after in pairwise(samples)
    )


def memory(options: Options) -> Measurement:
    watch = many(options)
    most = max(sample.megabytes for sample in _watched(watch, options))
    return Measurement(
        Samples(f"{watch.nodes} nodes, at most", Unit.MEGABYTES, (most,)),
        Samples("limit", Unit.MEGABYTES, (_LIMIT_MEGABYTES,)),
        "Python with its libraries, and a thread and buffers for each connection. This is a process of the"
        " engine; with the screens, Textual comes on top of it.",
    )


def flat_memory(options: Options) -> Measurement:
    watch = many(options)
    resident = [sample.megabytes for sample in _watched(watch, options)]
    part = max(1, len(resident) // 5)
    return Measurement(
        Samples("last fifth of the time", Unit.MEGABYTES, tuple(resident[-part:])),
        Samples("second fifth", Unit.MEGABYTES, tuple(resident[part : 2 * part])),
        "Nothing is kept but the last look at each node; log lines are handed on.",
    )


def flat_cpu(options: Options) -> Measurement:
    return Measurement(
        _cpu(many(options), options),
        _cpu(few(options), options),
        "One message for each look and each line, and a thread that wakes up for it.",
    )


def _cpu(watch: _Watch, options: Options) -> Samples:
    each = _cpu_of_each(_watched(watch, options), watch.nodes)
    return Samples(f"{watch.nodes} nodes, each, a second", Unit.CPU_MILLISECONDS, each)


CLAIMS = (
    Claim(
        "many-memory",
        f"{_MANY} nodes that are connected, listened to and looked at for ten minutes take less than"
        f" {_LIMIT_MEGABYTES:g} MB.",
        Aim.AT_MOST,
        1.0,
        memory,
    ),
    Claim(
        "many-memory-flat",
        f"With {_MANY} nodes, memory does not grow in ten minutes.",
        Aim.AT_MOST,
        1.05,
        flat_memory,
    ),
    Claim(
        "many-cpu-flat",
        f"One of {_MANY} nodes takes little more CPU than one of {_FEW}.",
        Aim.AT_MOST,
        1.5,
        flat_cpu,
    ),
)
