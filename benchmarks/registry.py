"""Every claim, the most important first."""

from __future__ import annotations

from benchmarks import (
    bzip2_cores,
    connections,
    cuts,
    many_nodes,
    one_node,
    operator_bytes,
    outage,
    plan_time,
    recovery,
    room,
    second_night,
    stage_first,
    start_up,
)
from benchmarks.claims import Claim

CLAIMS: tuple[Claim, ...] = (
    *recovery.CLAIMS,
    *plan_time.CLAIMS,
    *operator_bytes.CLAIMS,
    *one_node.CLAIMS,
    *second_night.CLAIMS,
    *stage_first.CLAIMS,
    *outage.CLAIMS,
    *room.CLAIMS,
    *cuts.CLAIMS,
    *connections.CLAIMS,
    *many_nodes.CLAIMS,
    *start_up.CLAIMS,
    *bzip2_cores.CLAIMS,
)
