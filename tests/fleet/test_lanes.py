"""Servers that run few commands at a time over one connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from paramiko import Channel, SSHException, Transport

from loomtui.errors import NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.scripts import InspectScript
from tests.fleet.place import Place
from tests.fleet.sshd import Sshd

RIGHTS = InspectScript("rights")


@pytest.mark.parametrize("most", [1, 2, 3])
async def test_looks_at_once_share_what_there_is(place: Place, sshd: Sshd, fleet: Fleet, most: int) -> None:
    place.behaviour.max_sessions = most
    n1 = fleet.session("n1")
    outputs = await asyncio.gather(*(n1.inspect(RIGHTS) for _ in range(12)))
    assert [output.status for output in outputs] == [0] * 12
    assert len(place.behaviour.logins) <= 6


@pytest.mark.slow
async def test_who_follows_gets_a_connection(place: Place, fleet: Fleet, script: dict[str, str]) -> None:
    """And leaves the place as it was: the next one finds room."""
    place.behaviour.max_sessions = 1
    script["lasting"] = "echo begun; while read -r line; do :; done"
    n1 = fleet.session("n1")
    for _ in range(3):
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(3):
                lines = n1.follow(InspectScript("lasting"))
                await stack.enter_async_context(contextlib.aclosing(lines))
                assert await anext(lines) == (b"begun",)
            assert (await n1.inspect(RIGHTS)).status == 0
    assert len(place.behaviour.logins) == 4


@pytest.mark.slow
async def test_room_that_something_given_up_holds(place: Place, fleet: Fleet, script: dict[str, str]) -> None:
    """It runs on over there, and holds the only place of its connection: a new connection has another."""
    place.behaviour.max_sessions = 1
    script["stuck"] = "sleep 60"
    n1 = fleet.session("n1")
    await n1.rights()
    with pytest.raises(NodeUnreachable, match="no answer to inspect/stuck"):
        await n1.inspect(InspectScript("stuck"), timeout=0.5)
    assert (await n1.inspect(RIGHTS)).status == 0
    assert len(place.behaviour.logins) == 2


async def test_refusal_whose_reason_went_to_another(
    place: Place, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paramiko tells the reason once, and the others that nothing was opened: the connection is not lost."""
    n1 = fleet.session("n1")
    await n1.rights()
    opened = Transport.open_session
    refusals = [SSHException("Unable to open channel.")]

    def open_session(transport: Transport, **options: Any) -> Channel:
        if refusals:
            raise refusals.pop()
        return opened(transport, **options)

    monkeypatch.setattr(Transport, "open_session", open_session)
    assert (await n1.inspect(RIGHTS)).status == 0
    assert len(place.behaviour.logins) == 1


@pytest.mark.slow
async def test_server_that_runs_nothing(place: Place, fleet: Fleet) -> None:
    place.behaviour.max_sessions = 0
    with pytest.raises(NodeUnreachable, match="lets us in and allows no command") as caught:
        await fleet.session("n1").inspect(RIGHTS)
    assert "MaxSessions" in caught.value.advice
