from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from loomtui.aio import Door, Threads


@pytest.fixture
def door() -> Door:
    return Door("test", workers=2)


async def test_results_and_errors_come_back(door: Door) -> None:
    assert await door.run(divmod, 7, 2, timeout=5) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await door.run(divmod, 7, 0, timeout=5)


async def test_at_most_as_many_threads_as_workers(door: Door) -> None:
    names: set[int] = set()
    both = threading.Barrier(2)

    def call() -> None:
        names.add(threading.get_ident())
        both.wait(20)

    await asyncio.gather(*(door.run(call, timeout=20) for _ in range(6)))
    assert len(names) <= 2


async def test_threads_never_delay_the_end_of_the_process(door: Door) -> None:
    assert await door.run(lambda: threading.current_thread().daemon, timeout=5)


async def test_calls_that_never_return_do_not_use_the_door_up(door: Door) -> None:
    release = threading.Event()
    stuck = [asyncio.create_task(door.run(release.wait, 60, timeout=0.05)) for _ in range(5)]
    results = await asyncio.gather(*stuck, return_exceptions=True)
    assert all(isinstance(result, TimeoutError) for result in results)
    assert await door.run(lambda: "alive", timeout=5) == "alive"
    release.set()
    assert await door.run(lambda: "still", timeout=5) == "still"


async def test_waiting_calls_go_on_when_a_stuck_one_is_given_up(door: Door) -> None:
    release, begun = threading.Event(), threading.Semaphore(0)

    def hang() -> None:
        begun.release()
        release.wait(60)

    stuck = [asyncio.create_task(door.run(hang, timeout=60)) for _ in range(2)]
    await asyncio.to_thread(lambda: [begun.acquire(timeout=20) for _ in stuck])
    waiting = asyncio.create_task(door.run(lambda: "next", timeout=20))
    await asyncio.sleep(0)
    for task in stuck:
        task.cancel()
    assert await waiting == "next"
    release.set()


async def test_a_cancelled_call_that_has_not_begun_never_begins() -> None:
    door = Door("test", workers=1)
    release = threading.Event()
    ran: list[int] = []
    first = asyncio.create_task(door.run(release.wait, 60, timeout=60))
    await asyncio.sleep(0)
    second = asyncio.create_task(door.run(ran.append, 1, timeout=60))
    await asyncio.sleep(0)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    release.set()
    assert await first
    await door.run(lambda: None, timeout=5)
    assert ran == []


async def test_a_stream_gives_all_items_and_then_its_error(door: Door) -> None:
    assert [item async for item in door.stream(lambda: iter(range(50)), timeout=5)] == list(range(50))

    def breaks() -> Iterator[int]:
        yield 1
        raise OSError("cut")

    items = door.stream(breaks, timeout=5)
    assert await anext(items) == 1
    with pytest.raises(OSError, match="cut"):
        await anext(items)


async def test_a_stream_is_never_more_than_its_depth_ahead(door: Door) -> None:
    made = 0
    full = threading.Event()

    def source() -> Iterator[int]:
        nonlocal made
        while True:
            made += 1
            if made == 4:
                full.set()
            yield made

    async with aclosing(door.stream(source, depth=3, timeout=5)) as items:
        assert await anext(items) == 1
        await asyncio.to_thread(full.wait, 20)
        await door.run(lambda: None, timeout=5)
        assert made <= 5


async def test_a_reader_that_stops_closes_the_source_in_its_thread(door: Door) -> None:
    closed = threading.Event()

    def source() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    async with aclosing(door.stream(source, timeout=5)) as items:
        await anext(items)
    assert await asyncio.to_thread(closed.wait, 20)


async def test_a_silent_stream_has_a_deadline(door: Door) -> None:
    release = threading.Event()

    def source() -> Iterator[int]:
        release.wait(60)
        yield 1

    with pytest.raises(TimeoutError):
        await anext(door.stream(source, timeout=0.05))
    release.set()


def test_a_result_that_comes_after_its_loop_has_ended_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    faults: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", faults.append)
    monkeypatch.setattr("loomtui.aio._IDLE_SECONDS", 0.0)  # so that its end can be waited for
    begun, release = threading.Event(), threading.Event()
    thread: list[threading.Thread] = []

    def call() -> None:
        thread.append(threading.current_thread())
        begun.set()
        release.wait(20)

    async def give_up() -> None:
        task = asyncio.create_task(Threads("test").run(call))
        await asyncio.to_thread(begun.wait, 20)
        task.cancel()

    asyncio.run(give_up())
    release.set()
    thread[0].join(20)
    assert not thread[0].is_alive()
    assert faults == []
