"""Allows one run at a time on each node.

The lock on the node names who holds it, from where, and since when.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
from datetime import UTC, datetime

from loomtui.errors import LockHeld, RunTakenOver
from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.holder import lock_words, read_holder
from loomtui.restore.running.node_run import LOCK, NodeRun, RunState

_ANOTHER, _LATER = 73, 78  # statuses of lock.sh: another run, a later generation of this one
_SECONDS = 90.0  # a script of an earlier generation is waited for, and ended


def is_held_by(node_run: NodeRun, state: RunState) -> bool:
    """Whether the lock is of this run, and of the generation that this process is of."""
    owner = state.lock_owner
    return owner is not None and (owner.run, owner.generation) == (node_run.run, node_run.generation)


async def take_lock(node_run: NodeRun, *args: str, record: bytes = b"") -> None:
    """Takes the lock; the same run may take it again, and a later generation of it from an earlier one.

    `record` comes with it, in the parts that `args` say (NAME OFFSET LENGTH). Raises LockHeld with who
    holds the node, RunTakenOver if it is a later generation of this run.
    """
    owner = {
        "run": node_run.holder,
        "who": _user(),
        "from": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    output = await node_run.change(
        LOCK, json.dumps(owner), *args, stdin=record, timeout=_SECONDS, accept=(0, _ANOTHER, _LATER)
    )
    if output.status == 0:
        return
    told = read_facts(output.stdout).text("owner") or ""
    holder, node = read_holder(told), node_run.plan.name
    if output.status == _LATER:
        person = holder.person if holder is not None else "somebody"
        since = holder.since if holder is not None else "an unknown time"
        raise RunTakenOver(
            f"run {node_run.run} was taken over by {person}, since {since}",
            node=node,
            safe="Nothing more is changed from here.",
            advice=f"Ask them. Nobody works on it any more? loomtui take-over {node_run.run}",
        )
    raise LockHeld(
        f"another run holds the node: {lock_words(told)}",
        node=node,
        advice=holder.ways if holder is not None else "See whose it is: loomtui runs --on-nodes",
    )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())
