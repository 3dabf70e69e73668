"""Plays many scenarios, several at once, each in a process of its own as `loomtui drill --auto` plays one.

A drill sets environment variables and holds a cluster, so two do not fit into one process.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from pathlib import Path

from loomtui.drill.scenarios import Scenario
from loomtui.drill.summary import Played
from loomtui.text import clean, clean_line

#: For one drill: no scenario takes a tenth of it on a machine that does nothing else.
DRILL_SECONDS = 900.0
#: How one is played, after the name of the interpreter.
COMMAND: Sequence[str] = ("-m", "loomtui", "drill", "--auto", "--json")
_END_SECONDS = 30.0
_LINE_BYTES = 1 << 20


def cores() -> int:
    """How many drills fit beside each other: one for each core that this process may use."""
    return max(1, len(os.sched_getaffinity(0)))


async def play_all(
    wanted: Sequence[Scenario], validators: int | None, jobs: int, inventory: Path | None = None
) -> AsyncIterator[Played]:
    """Each as soon as it has ended. `validators`: None means as few as each scenario can be played with.

    `inventory`: whose objectives count; None: each looks for one as any command does.
    """
    room = asyncio.Semaphore(jobs)

    async def one(scenario: Scenario) -> Played:
        async with room:
            return await _play(scenario, validators, inventory)

    tasks = [asyncio.create_task(one(scenario)) for scenario in wanted]
    try:
        for done in asyncio.as_completed(tasks):
            yield await done
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _play(scenario: Scenario, validators: int | None, inventory: Path | None) -> Played:
    number = max(scenario.validators, validators or 0)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *COMMAND,
        "--scenario",
        str(scenario.path),
        "--nodes",
        str(number),
        *(("--inventory", str(inventory)) if inventory is not None else ()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LINE_BYTES,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), DRILL_SECONDS)
    except TimeoutError:
        await _end(process)
        return Played(
            scenario.name, False, time.monotonic() - began, (f"it took more than {DRILL_SECONDS:.0f} s",)
        )
    except asyncio.CancelledError:
        await _end(process)
        raise
    return read_played(scenario.name, time.monotonic() - began, out, err)


async def _end(process: asyncio.subprocess.Process) -> None:
    """It takes its cluster away before it ends; killed, its cluster does so by itself."""
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGINT)
    with suppress(TimeoutError):
        await asyncio.wait_for(process.communicate(), _END_SECONDS)
        return
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


def read_played(scenario: str, seconds: float, out: bytes, err: bytes) -> Played:
    """By the last line of what the process has printed."""
    lines = out.splitlines()
    try:
        document = json.loads(lines[-1]) if lines else None
    except ValueError:
        document = None
    if not isinstance(document, dict) or "passed" not in document:
        said = clean_line(err.decode("utf-8", "replace"), limit=2_000) or "nothing"
        return Played(scenario, False, seconds, (f"it gave no result, and said: {said}",))
    wrong = tuple(clean_line(str(text)) for text in document.get("wrong") or ())
    told = clean(json.dumps(document, indent=2, ensure_ascii=False))
    return Played(scenario, bool(document["passed"]), seconds, wrong, told, document)
