"""Where paramiko's blocking calls run: daemon threads of the fleet's own.

Not a ThreadPoolExecutor: it joins its threads when the process exits, so one stuck node would keep the
program from ending; and a bounded pool would let some nodes wait behind others that hang.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

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
                _hand_over(loop, lambda error=error: _fail(future, error))  # type: ignore[misc]
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


#: Shared by all fleets of the process.
THREADS = Threads("fleet")
