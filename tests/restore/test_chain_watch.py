"""The watch over the chain, which begins with the first start: which of its looks count, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from loomtui.errors import NodeUnreachable
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.probes.node_status import Active, NodeStatus, ServiceState
from loomtui.fleet.session import Session
from loomtui.inventory.model import Inventory, Node, Role, S3Settings
from loomtui.loom.health import ClusterState
from loomtui.loom.rpc import ChainFacts
from loomtui.restore.running import chain_watch
from loomtui.restore.running.chain_watch import ChainWatch

RUNS = ServiceState(
    "loom.service", "loaded", Active.ACTIVE, "running", None, 7, 0, 1, False, None, "loom run"
)
NAMES = ("n1", "n2")


class Chain:
    """The heights that each look finds on the nodes; the last ones stay. None: it does not answer."""

    def __init__(self, *heights: Sequence[int | None], catching_up: Sequence[int] = ()) -> None:
        """`catching_up`: in which of the looks, counted from 0, the nodes catch up."""
        self.heights = heights
        self.catching_up = catching_up
        self.looks = dict.fromkeys(NAMES, 0)

    async def look(self, session: Session, previous: NodeStatus | None) -> NodeStatus:
        name = session.node.name
        at = self.looks[name]
        self.looks[name] += 1
        await asyncio.sleep(0)
        height = self.heights[min(at, len(self.heights) - 1)][NAMES.index(name)]
        if height is None:
            raise NodeUnreachable("it does not answer", node=name)
        other = NAMES[1 - NAMES.index(name)]
        chain = ChainFacts(
            node_id=name,
            network="default",
            version="0.27.3",
            moniker=name,
            height=height,
            app_hash=f"{height:08X}",
            block_time=None,
            catching_up=at in self.catching_up,
            address=None,
            voting_power=10,
            peers=1,
            peer_ids=(other,),
        )
        now = datetime.now(UTC)
        return NodeStatus(name, Role.VALIDATOR, now, reachable=True, service=RUNS, chain=chain)


@pytest.fixture
async def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ChainWatch]:
    monkeypatch.setattr(chain_watch, "_POLL_SECONDS", 0.001)
    nodes = tuple(Node(name=name, role=Role.VALIDATOR, host=f"10.0.0.{name[1:]}") for name in NAMES)
    inventory = Inventory(cluster="lab", production=False, s3=S3Settings(bucket="backups"), nodes=nodes)
    async with Fleet(inventory, Refuse()) as fleet:
        watch = ChainWatch(inventory, fleet, lambda: NAMES)
        yield watch
        await watch.end()


def finds(monkeypatch: pytest.MonkeyPatch, chain: Chain) -> None:
    monkeypatch.setattr(chain_watch, "look_at", chain.look)


async def test_what_was_seen_before_anybody_waits_counts(
    watch: ChainWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, Chain((None, None), (10, None), (10, 10), (11, 11)))
    watch.begin()
    watch.begin()  # of the second node that starts
    for _ in range(5):
        await watch.next_look()
    assert watch.verdict().state is ClusterState.HEALTHY
    assert sorted(watch.last) == list(NAMES)


async def test_blocks_of_nodes_that_catch_up_are_no_proof(
    watch: ChainWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have them from each other, also in a chain that makes none."""
    finds(monkeypatch, Chain((10, 12), (12, 12), (12, 12), catching_up=(0,)))
    for _ in range(4):
        await watch.next_look()
    assert watch.verdict().state is ClusterState.UNKNOWN
    assert "whether the chain moves shows after" in watch.verdict().sentence


async def test_a_look_of_this_moment_begins_after_it_was_asked_for(
    watch: ChainWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = Chain((10, 10))
    finds(monkeypatch, chain)
    monkeypatch.setattr(chain_watch, "_POLL_SECONDS", 600)
    await watch.next_look()
    before = dict(chain.looks)
    await asyncio.wait_for(watch.look_now(), 20)
    assert all(chain.looks[name] > before[name] for name in NAMES)


async def test_after_its_end_nothing_is_known_and_it_can_begin_again(
    watch: ChainWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    finds(monkeypatch, Chain((10, 10), (11, 11)))
    await watch.next_look()
    await watch.end()
    await watch.end()
    assert watch.verdict().state is ClusterState.UNKNOWN
    await watch.look_now()
    assert watch.verdict().sentence.startswith("At 11;")


async def test_whoever_waits_is_told_what_keeps_it_from_looking(
    watch: ChainWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(session: Session, previous: NodeStatus | None) -> NodeStatus:
        raise ValueError("a bug")

    monkeypatch.setattr(chain_watch, "look_at", broken)
    with pytest.raises(ValueError, match="a bug"):
        await watch.look_now()
