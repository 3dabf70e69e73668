"""The services' logs of all nodes, merged by time: their journals, and the files that some of them log to.

Source: journalctl(1), systemd.journal-fields(7).
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from datetime import UTC, datetime

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.log_files import FileLines, gathered, look_for_files
from loomtui.fleet.probes.log_line import LogLine as LogLine
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session
from loomtui.text import clean, clean_line

_LOGS = InspectScript("logs")
_BATCH = 200
_QUIET = 0.1  # seconds without a line, after which what came is handed on
_FIRST_GATHER_SECONDS = 1.5  # so that what the nodes have already is in order across them
_LATE_SECONDS = 4.0  # without `follow`: a node that has said nothing by then is not waited for
_QUEUED = 16  # batches; a node that is ahead waits, and its journal keeps the rest
_RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0)


_Batch = tuple[LogLine, ...]


def read_entry(node: str, line: bytes) -> tuple[LogLine, ...]:
    """The lines of one entry of `journalctl -o json`; () if it is no entry.

    MESSAGE is a string. It is an array of bytes if it is not UTF-8, or of strings if the field is repeated.
    """
    try:
        entry = json.loads(line.decode("utf-8", "replace"))
        at = datetime.fromtimestamp(int(entry["__REALTIME_TIMESTAMP"]) / 1e6, UTC)
        message = _message(entry["MESSAGE"])
        cursor = clean_line(str(entry.get("__CURSOR", "")), limit=500)
        boot = clean_line(str(entry.get("_BOOT_ID", "")), limit=100)
    except (ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError, AttributeError):
        return ()
    texts = clean(message).split("\n")
    return tuple([LogLine(node, at, text, cursor, boot) for part in texts if (text := part.rstrip())])


def _message(value: object) -> str | bytes:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if all(isinstance(item, int) for item in value):
            return bytes(value)
        return "\n".join(item for item in value if isinstance(item, str))
    raise TypeError("no message")


async def tail(
    fleet: Fleet,
    names: Iterable[str],
    *,
    follow: bool,
    lines: int | None = 200,
    since: datetime | None = None,
) -> AsyncGenerator[_Batch]:
    """The logs of these nodes in batches. Each batch is in the order of time; without `follow` all of it is.

    `lines` are counted per node; None means all. A node that fails ends in a notice; with `follow` it is
    tried again and goes on where it was. Closing the iterator ends the reading on every node.
    """
    names = tuple(names)
    shared: asyncio.Queue[_Batch | None] = asyncio.Queue(_QUEUED)
    queues: list[_Queue] = []
    async with contextlib.AsyncExitStack() as stack:
        for kind, name in ((kind, name) for kind in (_Reader, _FileReader) for name in names):
            queues.append(shared if follow else asyncio.Queue(_QUEUED))
            reader = kind(fleet.session(name), queues[-1], follow=follow, lines=lines, since=since)
            stack.push_async_callback(_end, asyncio.create_task(reader.run()))
        merged = _as_they_come(shared, frozenset(names), len(queues)) if follow else _in_order(queues)
        async with contextlib.aclosing(merged):
            async for batch in merged:
                yield batch


_Queue = asyncio.Queue[_Batch | None]


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


class _Reader:
    """Reads one node's journal into a queue, in which None is the end."""

    def __init__(
        self, session: Session, queue: _Queue, *, follow: bool, lines: int | None, since: datetime | None
    ) -> None:
        self._session = session
        self._queue = queue
        self._follow = follow
        self._lines = lines
        self._since = since
        self._cursor = ""
        self._boot = ""
        self._tries = 0

    async def run(self) -> None:
        try:
            while await self._read_to_end():
                await _pause(self._tries)
                self._tries += 1
        except Exception:
            await self._queue.put(None)
            raise
        await self._queue.put(None)

    async def _read_to_end(self) -> bool:
        """Reads until the log ends or the node fails. True means that it is worth trying again."""
        try:
            for _ in range(2):
                await self._read("once")
                if not (self._follow and await self._read("follow")):
                    break
        except NodeUnreachable as error:
            await self._put_notice(f"{error.what} Trying again." if self._follow else error.what)
            return self._follow
        except LoomtuiError as error:
            await self._put_notice(error.what)
            return False
        if self._follow:
            await self._put_notice("the log ended. Trying again.")
        return self._follow

    async def _read(self, mode: str) -> bool:
        """Reads `once`, then `follow`, because `follow` by itself shows only the node's present boot.

        True: what follows is of another boot than what was read, and what was said between them is missing.

        The cursor's own entry is shown again if it is of this boot, and left out here: `--after-cursor` would
        leave out whatever comes first.
        """
        name, cursor = self._session.node.name, self._cursor
        async with contextlib.aclosing(self._session.follow(_LOGS, *self._arguments(mode))) as stream:
            async for batch in stream:
                lines = [line for raw in batch for line in read_entry(name, raw)]
                new_lines = tuple([line for line in lines if not cursor or line.cursor != cursor])
                if not new_lines:
                    continue
                if mode == "follow" and new_lines[0].boot != self._boot:
                    return True
                self._tries, self._cursor, self._boot = 0, new_lines[-1].cursor, new_lines[-1].boot
                await self._queue.put(new_lines)
        return False

    def _arguments(self, mode: str) -> tuple[str, ...]:
        return (
            self._session.loom.unit_name,
            mode,
            "all" if self._lines is None else str(self._lines),
            f"{self._since.timestamp():.0f}" if self._since else "-",
            self._cursor or "-",
        )

    async def _put_notice(self, text: str) -> None:
        await self._queue.put((_notice(self._session.node.name, text),))


class _FileReader:
    """Reads the files that one node logs to into a queue, in which None is the end."""

    def __init__(
        self, session: Session, queue: _Queue, *, follow: bool, lines: int | None, since: datetime | None
    ) -> None:
        self._session = session
        self._queue = queue
        self._follow = follow
        self._lines = lines
        self._since = since

    async def run(self) -> None:
        tries = 0
        try:
            while not await self._read() and self._follow:
                await _pause(tries)
                tries += 1
        finally:
            await self._queue.put(None)

    async def _read(self) -> bool:
        """False: the node cannot be reached, of which whoever reads its journal tells."""
        try:
            files, notices = await look_for_files(self._session)
            if self._follow:
                await self._put(notices)
                await asyncio.gather(*(self._follow_file(file) for file in files))
            else:
                more, found = await gathered(files, lines=self._lines, since=self._since)
                await self._put([*found, *notices, *more])
        except NodeUnreachable:
            return False
        except LoomtuiError as error:
            await self._tell(error.what)
        return True

    async def _follow_file(self, file: FileLines) -> None:
        """Reads on after a lost connection, for as long as anybody listens."""
        tries = 0
        while True:
            try:
                async with contextlib.aclosing(
                    file.read(follow=True, lines=self._lines, since=self._since)
                ) as stream:
                    async for batch in stream:
                        tries = 0
                        await self._queue.put(batch)
                if not file.can_be_followed:
                    return
                await self._tell(f"the reading of {file.path} ended. Trying again.")
            except NodeUnreachable:
                pass
            except LoomtuiError as error:
                await self._tell(error.what)
                return
            await _pause(tries)
            tries += 1

    async def _tell(self, text: str) -> None:
        await self._put([_notice(self._session.node.name, text)])

    async def _put(self, lines: Sequence[LogLine]) -> None:
        for start in range(0, len(lines), _BATCH):
            await self._queue.put(tuple(lines[start : start + _BATCH]))


async def _pause(tries: int) -> None:
    """Longer with every try that has failed."""
    await asyncio.sleep(_RETRY_SECONDS[min(tries, len(_RETRY_SECONDS) - 1)])


def _notice(node: str, text: str) -> LogLine:
    return LogLine(node, datetime.now(UTC), clean_line(text), "", notice=True)


async def _as_they_come(queue: _Queue, names: frozenset[str], readers: int) -> AsyncGenerator[_Batch]:
    """What comes in within 100 ms, in order. The first time it waits a little for what all the nodes have."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _FIRST_GATHER_SECONDS
    silent = set(names)
    ended = 0
    while ended < readers:
        gathered: list[LogLine] = []
        batch = await queue.get()
        while True:
            ended += batch is None
            gathered += batch or ()
            silent -= {line.node for line in batch or ()}
            if len(gathered) > _BATCH * _QUEUED:
                break
            try:
                async with asyncio.timeout_at(
                    until if silent and until > loop.time() else loop.time() + _QUIET
                ):
                    batch = await queue.get()
            except TimeoutError:
                break
        gathered.sort(key=_time_of)
        for start in range(0, len(gathered), _BATCH):
            yield tuple(gathered[start : start + _BATCH])


async def _in_order(queues: list[_Queue]) -> AsyncGenerator[_Batch]:
    """Merges streams that are each in order, and holds a batch of each. Nodes that are late come after."""
    streams = [_each(queue) for queue in queues]
    late = {asyncio.ensure_future(anext(stream, None)): stream for stream in streams}
    try:
        while late:
            done, _ = await asyncio.wait(late, timeout=_LATE_SECONDS)
            if not done:
                done, _ = await asyncio.wait(late, return_when=asyncio.FIRST_COMPLETED)
            firsts = [(first.result(), late.pop(first)) for first in done]
            async for batch in _merged([(line, stream) for line, stream in firsts if line is not None]):
                yield batch
    finally:
        for waiting in late:
            waiting.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _merged(firsts: list[tuple[LogLine, AsyncIterator[LogLine]]]) -> AsyncGenerator[_Batch]:
    heads = [(line.at, number, 0, line, stream) for number, (line, stream) in enumerate(firsts)]
    heapq.heapify(heads)
    batch: list[LogLine] = []
    while heads:
        _, number, position, line, stream = heads[0]
        batch.append(line)
        if len(batch) >= _BATCH:
            yield tuple(batch)
            batch = []
        following = await anext(stream, None)
        if following is None:
            heapq.heappop(heads)
        else:
            heapq.heapreplace(heads, (following.at, number, position + 1, following, stream))
    if batch:
        yield tuple(batch)


async def _each(queue: _Queue) -> AsyncIterator[LogLine]:
    while (batch := await queue.get()) is not None:
        for line in batch:
            yield line


def _time_of(line: LogLine) -> datetime:
    return line.at
