"""Limits of a real sshd: sessions, connections that log in at a time, silence."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.fleet.probes.log_tail import tail
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.probe import details, look
from loomtui.fleet.scripts import InspectScript
from tests.lab.client import Lab
from tests.lab.grip import gripped
from tests.lab.wild import journal, moment, of, sshd

RIGHTS = InspectScript("rights")


def logins(text: str) -> int:
    return text.count("Accepted publickey")


async def test_one_session_at_a_time(shared: Lab) -> None:
    """Many looks at once share few connections, and none fails."""
    with sshd(shared, "val-1", "MaxSessions 1\n"):
        since = moment(shared, "val-1")
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            session = fleet.session("val-1")
            assert isinstance(await details(session), NodeDetails)
            looks = [asyncio.create_task(session.inspect(RIGHTS)) for _ in range(12)]
            assert [look.status for look in await asyncio.gather(*looks)] == [0] * 12
            seen = await look(fleet)
        assert seen.node("val-1").reachable
        assert logins(journal(shared, "val-1", since)) <= 6


async def test_one_session_and_a_log_that_is_followed(shared: Lab) -> None:
    """Who follows has a connection of its own; looks and changes go on meanwhile, and after it ended."""
    with sshd(shared, "val-1", "MaxSessions 1\n"):
        async with WritableFleet(of(shared, "val-1"), Refuse()) as fleet:
            for _ in range(2):
                async with contextlib.aclosing(tail(fleet, ["val-1"], follow=True, lines=3)) as lines:
                    assert not (await anext(lines))[0].notice
                    assert (await look(fleet)).node("val-1").reachable
                    async with gripped(fleet, "val-1") as grip:
                        await grip.hold()
                    assert not any(line.notice for line in await anext(lines))
                assert (await look(fleet)).node("val-1").reachable


async def test_server_that_allows_no_session(shared: Lab) -> None:
    with sshd(shared, "val-1", "MaxSessions 0\n"):
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            with pytest.raises(NodeUnreachable, match="lets us in and allows no command") as caught:
                await fleet.session("val-1").inspect(RIGHTS)
    assert "MaxSessions" in caught.value.advice


async def test_many_connections_at_once(shared: Lab) -> None:
    """All but one that greet at a time are turned away; each comes again."""
    with sshd(shared, "val-1", "MaxStartups 1\n"):
        since = moment(shared, "val-1")
        fleets = [Fleet(of(shared, "val-1", connect_timeout=60.0), Refuse()) for _ in range(8)]
        outcomes = await asyncio.gather(*(fleet.connect() for fleet in fleets))
        await asyncio.gather(*(fleet.close() for fleet in fleets))
        text = journal(shared, "val-1", since)
    assert outcomes == [{"val-1": None}] * 8
    assert "MaxStartups throttling" in text or "past MaxStartups" in text


async def test_server_that_ends_silent_connections(shared: Lab) -> None:
    with sshd(shared, "val-1", "ClientAliveInterval 1\nClientAliveCountMax 3\n"):
        since = moment(shared, "val-1")
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            session = fleet.session("val-1")
            await session.inspect(RIGHTS)
            await asyncio.sleep(5.5)  # nothing but time shows that it lasts
            assert session.connected
            await session.inspect(RIGHTS)
        assert logins(journal(shared, "val-1", since)) == 1


async def test_server_that_forwards_nothing(shared: Lab) -> None:
    """The RPC is asked on the node itself; only a node without curl and wget needs a way through sshd."""
    with sshd(shared, "val-1", "AllowTcpForwarding no\n"):
        async with Fleet(of(shared, "val-1"), Refuse()) as fleet:
            assert (await look(fleet)).node("val-1").chain is not None
            with pytest.raises(LoomtuiError, match=r"forwards no connections \(AllowTcpForwarding\)"):
                await fleet.session("val-1").http_get("127.0.0.1", 46657, "/status")
