"""What proves that a cluster is well, asked of each node past loomtui and past SSH."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from typing import Any

from tests.lab.client import Lab
from tests.lab.grip import HOLD_FILE, WORKDIR
from tests.lab.needs import LabError
from tests.lab.watching import until

#: The one line that must never be logged (docs/loom.md 6).
_SIGNED_TWICE = "Found conflicting vote from ourselves"


def ask(lab: Lab, node: str, path: str) -> Any:
    """The node's own RPC; None where it does not answer."""
    done = lab.run(node, f"curl -s --max-time 5 'http://127.0.0.1:46657/{path}'", check=False)
    try:
        return json.loads(done.stdout).get("result")
    except ValueError:
        return None


async def on_nodes(lab: Lab, command: str, nodes: Iterable[str] | None = None) -> dict[str, str]:
    """What the command prints on each node. Raises LabError."""
    names = tuple(lab.names if nodes is None else nodes)
    done = await asyncio.gather(*(asyncio.to_thread(lab.run, name, command) for name in names))
    return {name: one.stdout for name, one in zip(names, done, strict=True)}


async def moving(lab: Lab, *, seconds: float = 90) -> dict[str, int]:
    """Heights that grow on every node, equal app hashes at an equal height, everybody connected to everybody.

    The heights at the end. Raises AssertionError when it does not come to that.
    """
    before = await until(lambda: _heights(lab), lambda seen: min(seen.values()) > 0, seconds=seconds)
    goal = max(before.values())
    heights = await until(lambda: _heights(lab), lambda seen: min(seen.values()) > goal, seconds=seconds)
    common = min(heights.values())
    hashes = {
        name: ask(lab, name, f"block?height={common}")["block"]["header"]["app_hash"] for name in lab.names
    }
    assert len(set(hashes.values())) == 1, hashes
    ids = {name: ask(lab, name, "status")["node_info"]["id"] for name in lab.names}

    async def strangers() -> dict[str, set[str]]:
        return {name: set(ids.values()) - {ids[name]} - _peers(lab, name) for name in lab.names}

    await until(strangers, lambda missing: not any(missing.values()), seconds=seconds)
    return heights


async def _heights(lab: Lab) -> dict[str, int]:
    told = await asyncio.gather(*(asyncio.to_thread(ask, lab, name, "status") for name in lab.names))
    return {
        name: int(one["sync_info"]["latest_block_height"]) if one else 0
        for name, one in zip(lab.names, told, strict=True)
    }


def _peers(lab: Lab, node: str) -> set[str]:
    told = ask(lab, node, "net_info")
    return {peer["node_info"]["id"] for peer in told["peers"]} if told else set()


def is_well(lab: Lab) -> bool:
    """Every node is on, runs the service, and is nobody's: what each test leaves behind."""
    held = f"test -e {WORKDIR}/.loomtui/lock || test -e {HOLD_FILE}"
    runs = "systemctl is-active --quiet loom && systemctl is-active --quiet ssh"
    try:
        return all(
            lab.run(name, f"{runs} && ! {{ {held}; }}", check=False).returncode == 0 for name in lab.names
        )
    except LabError:
        return False


async def around(lab: Lab, height: int) -> tuple[str, str]:
    """The hashes of the block at this height and of the next, the same on every node.

    After a chain was set back to the height, the former is as it was, and the latter another one.
    Raises AssertionError.
    """
    return await _block(lab, height), await _block(lab, height + 1)


async def _block(lab: Lab, height: int) -> str:
    async def seen() -> set[str]:
        told = await asyncio.gather(
            *(asyncio.to_thread(ask, lab, name, f"block?height={height}") for name in lab.names)
        )
        return {one["block_meta"]["block_id"]["hash"] if one else "" for one in told}

    (found,) = await until(seen, lambda hashes: len(hashes) == 1 and "" not in hashes)
    return found


async def signed_twice(lab: Lab, since: str) -> dict[str, list[str]]:
    """The lines of every node's journal, of all its boots, that tell of two votes with one key."""
    await on_nodes(lab, "journalctl --sync")
    told = await on_nodes(lab, f"journalctl --no-pager --output=cat --unit=loom --since=@{since}")
    found = {
        name: [line for line in text.splitlines() if _SIGNED_TWICE in line] for name, text in told.items()
    }
    return {name: lines for name, lines in found.items() if lines}


def clock(lab: Lab) -> str:
    """Now, for `signed_twice`."""
    return lab.run(lab.names[0], "date +%s").stdout.strip()
