"""A node that did not answer is not waited for again and again: others are stopped meanwhile."""

from __future__ import annotations

import asyncio
import threading
from typing import cast

import pytest

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.ssh import connection
from loomtui.fleet.ssh.client import Transport
from loomtui.fleet.ssh.connection import Connection
from loomtui.fleet.ssh.connector import Connector, Login, NoConnection, Throttled
from loomtui.fleet.ssh.sshconfig import Target
from tests.fleet.place import Place
from tests.fleet.sshd import Sshd
from tests.fleet.waiting import until

BRIEFLY = 0.05


class Net:
    """Instead of a connector: each dial waits for its answer, which is an error or a connection."""

    def __init__(self) -> None:
        self.dials: list[asyncio.Future[Login]] = []
        self._new: asyncio.Queue[asyncio.Future[Login]] = asyncio.Queue()

    async def connect(self, target: Target) -> Login:
        self.dials.append(asyncio.get_running_loop().create_future())
        self._new.put_nowait(self.dials[-1])
        return await self.dials[-1]

    async def next_dial(self) -> asyncio.Future[Login]:
        return await self._new.get()


class Live:
    """A transport that is connected, until it is lost."""

    active = True

    def is_active(self) -> bool:
        return self.active


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_BRIEFLY_SECONDS", BRIEFLY)
    monkeypatch.setattr(connection, "drop_later", lambda _: None)


@pytest.fixture
def net() -> Net:
    return Net()


def connection_of(place: Place, net: Net, **ssh: object) -> Connection:
    inventory = place.inventory(22, **ssh)
    only = inventory.nodes[0]
    return Connection(only, inventory.ssh_of(only), cast(Connector, net))


@pytest.fixture
def node(place: Place, net: Net) -> Connection:
    return connection_of(place, net)


async def silent_once(node: Connection, net: Net, error: NoConnection) -> None:
    """The first attempt, which is waited for to its end."""
    waiting = asyncio.create_task(node.transport())
    first = await net.next_dial()
    await asyncio.wait([waiting], timeout=2 * BRIEFLY)
    assert not waiting.done()
    first.set_exception(error)
    with pytest.raises(NoConnection):
        await waiting


async def is_waited_for(node: Connection, net: Net) -> None:
    """Longer than for one that is known to be silent."""
    waiting = asyncio.create_task(node.transport())
    await net.next_dial()
    await asyncio.wait([waiting], timeout=3 * BRIEFLY)
    assert not waiting.done()
    waiting.cancel()
    await node.close()


async def test_nobody_waits_twice_for_a_node_that_is_off(node: Connection, net: Net) -> None:
    await silent_once(node, net, NoConnection("no answer in time", node="n1"))
    with pytest.raises(NoConnection, match="no answer in time") as caught:
        await node.transport()
    assert len(net.dials) == 2
    assert not net.dials[1].done()
    caught.value.advice = "of this caller alone"
    with pytest.raises(NoConnection) as again:
        await node.transport()
    assert again.value.advice == ""
    assert len(net.dials) == 2, "it is dialled all the time"
    third = asyncio.create_task(node.transport())
    for _ in range(20):
        await asyncio.sleep(0)
    assert third.done(), "one dial is waited for once, whoever asks meanwhile"
    assert isinstance(third.exception(), NoConnection)
    await node.close()


async def test_one_that_refuses_at_once_is_not_a_silent_one(node: Connection, net: Net) -> None:
    waiting = asyncio.create_task(node.transport())
    (await net.next_dial()).set_exception(NoConnection("refused", node="n1"))
    with pytest.raises(NoConnection):
        await waiting
    await is_waited_for(node, net)


async def test_one_that_was_back_is_waited_for_again(node: Connection, net: Net) -> None:
    await silent_once(node, net, NoConnection("no answer in time", node="n1"))
    back, live = asyncio.create_task(node.transport()), Live()
    (await net.next_dial()).set_result(Login(cast(Transport, live), code_asked=False))
    await back
    live.active = False
    await is_waited_for(node, net)


async def test_one_that_comes_back_is_seen(node: Connection, net: Net) -> None:
    await silent_once(node, net, NoConnection("no answer in time", node="n1"))
    with pytest.raises(NoConnection):
        await node.transport()
    back = cast(Transport, Live())
    assert node._connecting is not None
    (await net.next_dial()).set_result(Login(back, code_asked=False))
    await node._connecting
    assert await node.transport() is back
    await node.close()


async def test_who_asks_again_waits_to_the_end(node: Connection, net: Net) -> None:
    await silent_once(node, net, NoConnection("no answer in time", node="n1"))
    node.forget_refusal()
    waiting = asyncio.create_task(node.transport())
    second = await net.next_dial()
    await asyncio.wait([waiting], timeout=3 * BRIEFLY)
    assert not waiting.done()
    back = cast(Transport, Live())
    second.set_result(Login(back, code_asked=False))
    assert await waiting is back
    await node.close()


async def test_a_busy_server_is_not_a_silent_one(place: Place, net: Net) -> None:
    """What it lacks is a moment: it is waited for like any other."""
    node = connection_of(place, net, connect_timeout=BRIEFLY)
    await silent_once(node, net, Throttled("too busy", node="n1"))
    await is_waited_for(node, net)


async def test_a_fleet_dials_all_nodes_before_anybody_needs_them(
    place: Place, sshd: Sshd, silent: tuple[int, threading.Event]
) -> None:
    port, taken = silent
    async with Fleet(place.inventory(sshd.port, port), place.person) as fleet:
        fleet.dial()
        await until(taken.is_set)
        await until(lambda: fleet.session("n1").connected)
    assert place.behaviour.logins == ["operator"]
