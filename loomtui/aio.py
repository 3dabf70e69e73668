"""The door between asyncio and a library that blocks (paramiko, boto3).

Each door has daemon threads of its own: the event loop's default pool is small and shared, and its threads
delay the end of the process. A call that is given up (deadline, cancel) may sit in its thread for a while;
another thread takes its place, so that calls which never return do not use the door up.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any, Generic, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class _End:
    pass


class Door:
    """Runs blocking calls in at most `workers` threads; calls that were given up do not count."""

    def __init__(self, name: str, workers: int) -> None:
        self._name = name
        self._workers = workers
        self._jobs: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._given_up: set[Future[Any]] = set()

    async def run(self, function: Callable[[*Ts], T], *args: *Ts, timeout: float) -> T:
        """Awaits `function(*args)`. Raises TimeoutError after `timeout` seconds, waiting in line included.

        A cancelled or late call that has not begun never begins; one that has begun goes on in its thread
        and its result is dropped.
        """
        future: Future[T] = Future()
        self._submit(future, partial(function, *args))
        try:
            async with asyncio.timeout(timeout):
                return await asyncio.wrap_future(future)
        finally:
            self._leave(future)

    async def stream(
        self, make: Callable[[], Iterator[T]], *, depth: int = 4, timeout: float
    ) -> AsyncGenerator[T, None]:
        """Iterates `make()` in a thread, at most `depth` items ahead of the reader.

        Raises TimeoutError when the next item takes longer than `timeout` seconds. When the reader stops,
        the iterator is closed in its thread.
        """
        feed = _Feed(make, depth, asyncio.get_running_loop())
        future: Future[None] = Future()
        self._submit(future, feed.pump)
        try:
            while True:
                async with asyncio.timeout(timeout):
                    item = await feed.queue.get()
                if isinstance(item, _End):
                    return
                if isinstance(item, _Failure):
                    raise item.error
                feed.room.release()
                yield item
        finally:
            feed.stop()
            future.cancel()
            self._leave(future)

    def close(self) -> None:
        """Lets idle threads end. Calls that are under way end by themselves."""
        with self._lock:
            for _ in range(self._threads):
                self._jobs.put(None)
            self._threads = 0

    def _submit(self, future: Future[Any], call: Callable[[], Any]) -> None:
        self._jobs.put((future, call))
        with self._lock:
            if self._threads < self._workers:
                self._start_thread()

    def _start_thread(self) -> None:
        self._threads += 1
        threading.Thread(target=self._work, name=self._name, daemon=True).start()

    def _leave(self, future: Future[Any]) -> None:
        with self._lock:
            if future.running():
                self._given_up.add(future)
                self._threads -= 1
                if not self._jobs.empty():
                    self._start_thread()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            future, call = job
            if future.set_running_or_notify_cancel():
                try:
                    outcome = call()
                except BaseException as error:  # noqa: BLE001 - handed to the caller
                    future.set_exception(error)
                else:
                    future.set_result(outcome)
                    del outcome
            with self._lock:
                if future in self._given_up:
                    self._given_up.discard(future)
                    return
            del job, future, call


class _Feed(Generic[T]):
    """One stream between its thread and its reader: `room` is what the thread may still hand over."""

    def __init__(self, make: Callable[[], Iterator[T]], depth: int, loop: asyncio.AbstractEventLoop) -> None:
        self._make = make
        self._loop = loop
        self._stopped = False
        self.room = threading.Semaphore(depth)
        self.queue: asyncio.Queue[T | _Failure | _End] = asyncio.Queue()

    def stop(self) -> None:
        self._stopped = True
        self.room.release()

    def pump(self) -> None:
        try:
            items = self._make()
            try:
                for item in items:
                    self.room.acquire()
                    if self._stopped:
                        return
                    self._hand_over(item)
            finally:
                close = getattr(items, "close", None)
                if close is not None:
                    close()
        except BaseException as error:  # noqa: BLE001 - raised again on the reader's side
            self._hand_over(_Failure(error))
        else:
            self._hand_over(_End())

    def _hand_over(self, item: T | _Failure | _End) -> None:
        if not self._stopped and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.queue.put_nowait, item)
