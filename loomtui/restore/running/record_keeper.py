"""Keeps a run's record on its nodes, so that it can be taken over from any machine with access to them.

A copy of plan, inventory and journal lies in every node's run folder. It is brought up to date at each border
of a step and at each decision, on all nodes at once and beside the steps, which wait for it at four points
only: see `RecordKeeper.keep`. A node that cannot be written is told once and passed over.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256

from loomtui.errors import LoomtuiError
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import Event, EventKind
from loomtui.restore.record.run_store import LIFE_SECONDS, RECORD_LIMIT, Run
from loomtui.restore.running.lock import take_lock
from loomtui.restore.running.node_run import NodeRun
from loomtui.wording.quantities import size

_BEAT_SECONDS = LIFE_SECONDS / 4
_GATHER_SECONDS = 0.2  # what happens at once goes in one round trip
_SECONDS = 10.0  # a node that does not take it in this time is passed over

_BORDERS = frozenset(
    {
        EventKind.STEP_STARTED,
        EventKind.STEP_DONE,
        EventKind.TASK_FAILED,
        EventKind.PLAN_COMPLETED,
        EventKind.DECISION,
        EventKind.TASK_UNDONE,
    }
)


@dataclass(frozen=True)
class Part:
    """A part of the record, or what is new of it: it comes behind the first `offset` bytes."""

    name: str
    offset: int
    data: bytes

    @property
    def args(self) -> tuple[str, str, str]:
        return self.name, str(self.offset), str(len(self.data))


@dataclass(frozen=True)
class Kept:
    """What a node holds of one part."""

    length: int
    digest: str  # SHA-256 hex


def news(files: Mapping[str, bytes], kept: Mapping[str, Kept]) -> tuple[Part, ...]:
    """What a node lacks. Of a file that has only grown, as a journal does, the end. Pure."""
    found = []
    for name, data in files.items():
        known = kept.get(name, Kept(0, ""))
        begun = sha256(data[: known.length]).hexdigest() == known.digest
        if begun and known.length == len(data):
            continue
        offset = known.length if begun else 0
        found.append(Part(name, offset, data[offset:]))
    return tuple(found)


class RecordKeeper:
    """The copies of one run's record while this process works on it."""

    def __init__(
        self, run: Run, node_runs: Callable[[], Iterable[NodeRun]], tell: Callable[[str | None, str], None]
    ) -> None:
        self.run = run
        self._node_runs = node_runs
        self._tell = tell
        self._kept: dict[str, dict[str, Kept]] = {}
        self._turns: dict[str, asyncio.Lock] = {}
        self._told: set[str] = set()
        self._due = asyncio.Event()

    def expect(self, nodes: Iterable[str]) -> None:
        """An earlier process took these nodes for this run: what they hold of its record is not known."""
        for node in nodes:
            self._kept.setdefault(node, {})

    def saw(self, event: Event) -> None:
        """Something happened in the run."""
        if event.kind in _BORDERS:
            self._due.set()

    @asynccontextmanager
    async def keeping(self) -> AsyncIterator[None]:
        """Renews copies and sign of life while the block lasts; the last words go along at its end."""
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
            with suppress(TimeoutError):
                async with asyncio.timeout(_SECONDS):
                    await self.keep(over=True)

    async def take(self, node_run: NodeRun) -> None:
        """Takes the node's lock, and brings the record with it. Raises as `take_lock`."""
        async with self._turn(node_run):
            files = self._files()
            parts = news(files, {})
            args = [arg for part in parts for arg in part.args]
            await take_lock(node_run, *args, record=b"".join(part.data for part in parts))
            self._note(node_run, files)

    async def keep(self, *, over: bool = False) -> None:
        """Brings every node up to date, and returns when all have it or were passed over.

        The run waits for it where a colleague who knew less would do harm: before the first stop, before the
        first start, before a rollback, and before what was kept is deleted. `over`: nobody works on it any
        more.
        """
        self._due.clear()
        files = self._files()
        await asyncio.gather(*(self._keep_on(one, files, over=over) for one in self._node_runs()))

    async def _beat(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT_SECONDS):
                    await self._due.wait()
                    await asyncio.sleep(_GATHER_SECONDS)
            await self.keep()

    async def _keep_on(self, node_run: NodeRun, files: Mapping[str, bytes], *, over: bool) -> None:
        name = node_run.plan.name
        async with self._turn(node_run):
            if name not in self._kept:
                return  # the run has not taken this node in this process
            parts = news(files, self._kept[name])
            args = [arg for part in parts for arg in part.args]
            data = b"".join(part.data for part in parts)
            try:
                output = await node_run.keep_record(
                    "over" if over else "working", *args, stdin=data, timeout=_SECONDS
                )
            except LoomtuiError as error:
                self._kept[name] = {}  # what came of it is not known: next time all of it is sent
                if not over:
                    self._tell_once(name, f"the run's record could not be kept there: {error.what}")
                return
            if "kept" in read_facts(output.stdout):
                self._note(node_run, files)

    def _turn(self, node_run: NodeRun) -> asyncio.Lock:
        return self._turns.setdefault(node_run.plan.name, asyncio.Lock())

    def _note(self, node_run: NodeRun, files: Mapping[str, bytes]) -> None:
        self._kept[node_run.plan.name] = {
            name: Kept(len(data), sha256(data).hexdigest()) for name, data in files.items()
        }

    def _files(self) -> Mapping[str, bytes]:
        files = self.run.record()
        for name in [name for name, data in files.items() if len(data) > RECORD_LIMIT]:
            del files[name]
            self._tell_once(None, f"{name} is larger than {size(RECORD_LIMIT)}: the nodes keep no copy of it")
        return files

    def _tell_once(self, node: str | None, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._tell(node, text)
