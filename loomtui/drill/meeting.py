"""The nodes of a practice cluster find each other: waited for where its story says that they have."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from typing import Any

from loomtui.drill.machines import Machine

_EVERY = 0.1  # seconds
_ANSWER_SECONDS = 2.0


def wait_until_met(machines: Sequence[Machine], seconds: float) -> None:
    """Returns when every node has all others as peers and is not catching up.

    Raises OSError when that takes longer than `seconds`.
    """
    deadline = time.monotonic() + seconds
    waiting = list(machines)
    while waiting := [machine for machine in waiting if not _has_met(machine, len(machines) - 1)]:
        if time.monotonic() > deadline:
            names = ", ".join(machine.name for machine in waiting)
            raise OSError(f"the nodes did not find each other: {names}")
        time.sleep(_EVERY)


def _has_met(machine: Machine, others: int) -> bool:
    try:
        peers = int(ask(machine.rpc_port, "net_info")["n_peers"])
        return peers >= others and not ask(machine.rpc_port, "status")["sync_info"]["catching_up"]
    except (OSError, HTTPException):  # not up yet
        return False


def ask(port: int, what: str) -> Any:
    """What the node's RPC answers. Raises OSError, HTTPException; KeyError where it answers with an error."""
    with closing(HTTPConnection("127.0.0.1", port, timeout=_ANSWER_SECONDS)) as connection:
        connection.request("GET", f"/{what}")
        return json.load(connection.getresponse())["result"]
