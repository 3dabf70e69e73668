"""The door between asyncio and libraries that block (paramiko, boto3): daemon threads, as many as are needed.

Not a ThreadPoolExecutor: it joins its threads when the process exits, so one stuck node would keep the
program from ending; and in a bounded pool some nodes would wait behind others that hang.

`Threads` runs at once what it is given. A `Door` over it bounds how much is done at a time, with a deadline
for each call: one that is given up (deadline, cancel) may sit in its thread for a while, and does not count.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, ParamSpec, TypeVar, TypeVarTuple

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_IDLE_SECONDS = 5.0


class Threads:
    """Starts a thread for every call that finds none idle; idle ones end after a few seconds."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: deque[Callable[[], None]] = deque()
        self._condition = threading.Condition()
        self._idle = 0
        self._started = 0

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `call`, made in a thread.

        Cancelling the await does not stop the thread: whoever cancels also closes what the call waits on.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def job() -> None:
            try:
                result = call(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is raised again in the awaiting task
                _hand_over(loop, partial(_fail, future, error))
            else:
                _hand_over(loop, lambda: None if future.done() else future.set_result(result))

        self.start(job)
        return await future

    def start(self, job: Callable[[], None]) -> None:
        """Runs a job that nobody waits for. It must not raise."""
        with self._condition:
            self._jobs.append(job)
            if self._idle >= len(self._jobs):
                self._condition.notify()
                return
            self._started += 1
            name = f"{self._name}-{self._started}"
        threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while (job := self._next()) is not None:
            job()

    def _next(self) -> Callable[[], None] | None:
        with self._condition:
            self._idle += 1
            try:
                self._condition.wait_for(lambda: bool(self._jobs), _IDLE_SECONDS)
                return self._jobs.popleft() if self._jobs else None
            finally:
                self._idle -= 1


def _hand_over(loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(act)
    except RuntimeError:
        return  # the loop has ended: nobody waits for the result


def _fail(future: asyncio.Future[T], error: BaseException) -> None:
    if future.done():
        return
    if isinstance(error, StopIteration):  # a future cannot carry it
        error = RuntimeError("StopIteration")
    future.set_exception(error)


@dataclass(frozen=True)
class _Failure:
    error: BaseException


class _End:
    pass


class Door:
    """Runs blocking calls in at most `workers` threads; calls that were given up do not count."""

    def __init__(self, name: str, workers: int) -> None:
        self._threads = Threads(name)
        self._workers = workers
        self._waiting: deque[tuple[Future[Any], Callable[[], Any]]] = deque()
        self._lock = threading.Lock()
        self._at_work = 0  # threads; those that sit in a call that was given up do not count
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

    def _submit(self, future: Future[Any], call: Callable[[], Any]) -> None:
        with self._lock:
            self._waiting.append((future, call))
            if self._at_work < self._workers:
                self._start_thread()

    def _start_thread(self) -> None:
        self._at_work += 1
        self._threads.start(self._work)

    def _leave(self, future: Future[Any]) -> None:
        with self._lock:
            if future.running():
                self._given_up.add(future)
                self._at_work -= 1
                if self._waiting:
                    self._start_thread()

    def _work(self) -> None:
        while (job := self._next()) is not None:
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

    def _next(self) -> tuple[Future[Any], Callable[[], Any]] | None:
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._at_work -= 1
            return None


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
