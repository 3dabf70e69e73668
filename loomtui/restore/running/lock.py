"""Allows one run at a time on each node.

The lock on the node names who holds it, from where, and since when.
"""

from __future__ import annotations

import getpass
import json
import socket
from collections.abc import Mapping
from datetime import UTC, datetime

from loomtui.errors import LockHeld
from loomtui.restore.running.node_run import LOCK, NodeRun
from loomtui.text import clean_line


def owned_by(lock: str) -> str | None:
    """The run in the text of a lock file, or None if that is no such text."""
    run = _owner(lock).get("run")
    return str(run) if run else None


def _owner(lock: str) -> Mapping[str, object]:
    try:
        owner = json.loads(lock)
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _describe_lock(lock: str) -> str:
    """Who holds the node, in words, or the text itself if it is no lock of ours."""
    owner = {name: clean_line(str(value), limit=100) for name, value in _owner(lock).items()}
    if not owner.get("run"):
        return f"its lock cannot be read: {clean_line(lock, limit=200) or 'it is empty'}"
    who = f"{owner.get('who', 'somebody')}@{owner.get('from', 'somewhere')}"
    return f"run {owner['run']} of {who}, since {owner.get('since', 'an unknown time')}"


async def take_lock(node_run: NodeRun) -> None:
    """Takes the lock; the same run may take it again. Raises LockHeld with who holds the node."""
    owner = {
        "run": node_run.run,
        "who": getpass.getuser(),
        "from": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    output = await node_run.change(LOCK, json.dumps(owner), accept=(0, 73))
    if output.status == 73:
        holder = (await node_run.state()).lock_owner
        raise LockHeld(
            f"another run holds the node: {_describe_lock(holder)}",
            node=node_run.plan.name,
            advice="Finish that run, or roll it back: loomtui rollback "
            f"{clean_line(owned_by(holder) or 'RUN', limit=100)}",
        )
