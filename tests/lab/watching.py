"""Waiting for what a real node does: asked again and again, with a deadline, never a fixed pause."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import ClusterStatus
from loomtui.fleet.probes.probe import look
from loomtui.loom.health import ClusterState, Verdict, judge_cluster
from tests.lab.client import Lab

_Seen = TypeVar("_Seen")
_EVERY_SECONDS = 0.3


async def until(
    ask: Callable[[], Awaitable[_Seen]], good: Callable[[_Seen], bool], *, seconds: float = 60
) -> _Seen:
    """The first answer that is good. Raises AssertionError with the last one when the time is over."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not good(seen := await ask()):
        assert asyncio.get_running_loop().time() < deadline, f"still after {seconds:g} s: {seen}"
        await asyncio.sleep(_EVERY_SECONDS)
    return seen


async def healthy(fleet: Fleet, *, seconds: float = 90) -> tuple[Verdict, ClusterStatus]:
    """Looks until the judge says that the chain moves on every node. Raises AssertionError."""
    looks: list[ClusterStatus] = []

    async def ask() -> Verdict:
        looks.append(await look(fleet, looks[-1] if looks else None))
        views = [[node.view for node in status.nodes] for status in looks]
        return judge_cluster(views, [status.at for status in looks])

    verdict = await until(ask, lambda said: said.state is ClusterState.HEALTHY, seconds=seconds)
    return verdict, looks[-1]


def heights(status: ClusterStatus) -> dict[str, int]:
    return {node.name: node.chain.height for node in status.nodes if node.chain and node.chain.height}


def unit(lab: Lab, node: str) -> dict[str, str]:
    """What the node's own systemd says of the service."""
    wanted = "ActiveState,SubState,MainPID,ExecMainStartTimestampMonotonic"
    shown = lab.run(node, f"systemctl show loom -p {wanted}").stdout
    return dict(line.split("=", 1) for line in shown.splitlines())
