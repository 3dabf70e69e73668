"""One run at a time per node: the lock on the node names who holds it, from where, since when."""

from __future__ import annotations

import getpass
import json
import socket
from datetime import UTC, datetime

from loomtui.errors import LockHeld
from loomtui.restore.hand import LOCK, Hand


def owned_by(lock: str) -> str | None:
    """The run in the text of a lock file; None where it is no such text."""
    try:
        owner = json.loads(lock)
    except ValueError:
        return None
    run = owner.get("run") if isinstance(owner, dict) else None
    return str(run) if run else None


async def take_lock(hand: Hand) -> None:
    """The same run may take it again. Raises LockHeld with who holds the node."""
    owner = {
        "run": hand.run,
        "who": getpass.getuser(),
        "from": socket.gethostname(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    output = await hand.change(LOCK, json.dumps(owner), accept=(0, 73))
    if output.status == 73:
        holder = (await hand.state()).lock_owner
        raise LockHeld(
            f"another run holds the node: {holder or 'unknown'}",
            node=hand.plan.name,
            advice=f"Finish that run, or roll it back: loomtui rollback {owned_by(holder) or 'RUN'}",
        )
