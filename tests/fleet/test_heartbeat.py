"""A server that hangs is noticed; one that is gone is nobody's fault here."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest
from paramiko import Transport

from loomtui.fleet.ssh.heartbeat import Heartbeat


class _Silent:
    """A transport whose server takes questions and answers none, until it is dropped."""

    def __init__(self) -> None:
        self.dropped = threading.Event()

    def is_active(self) -> bool:
        return not self.dropped.is_set()

    def global_request(self, kind: str, data: object, wait: bool) -> None:
        self.dropped.wait(30)

    def drop(self, _transport: Transport) -> None:
        self.dropped.set()


class _Broken(_Silent):
    """One whose connection breaks while it is asked."""

    asked = False

    def global_request(self, kind: str, data: object, wait: bool) -> None:
        self.asked = True
        raise EOFError


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.fleet.ssh.heartbeat._BEAT_SECONDS", 0)


async def _watched(transport: _Silent) -> list[str]:
    """What nobody caught while the transport was watched to its end."""
    heartbeat = Heartbeat()
    before = asyncio.all_tasks()
    heartbeat.watch(cast(Transport, transport), 0.05, transport.drop)
    done, _ = await asyncio.wait(asyncio.all_tasks() - before, timeout=30)
    heartbeat.close()
    return [repr(error) for task in done if (error := task.exception())]


async def test_server_that_answers_nothing_is_dropped() -> None:
    transport = _Silent()
    assert await _watched(transport) == []
    assert transport.dropped.is_set()


async def test_connection_that_breaks_meanwhile_ends_the_watch_in_silence() -> None:
    transport = _Broken()
    assert await _watched(transport) == []
    assert transport.asked
    assert not transport.dropped.is_set()


async def test_nobody_asks_any_more_once_it_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loomtui.fleet.ssh.heartbeat._BEAT_SECONDS", 3600)
    transport = _Silent()
    heartbeat = Heartbeat()
    before = asyncio.all_tasks()
    heartbeat.watch(cast(Transport, transport), 3600, transport.drop)
    watches = asyncio.all_tasks() - before
    heartbeat.close()
    done, _ = await asyncio.wait(watches, timeout=30)
    assert {task.cancelled() for task in done} == {True}
