"""Whether the cluster is healthy.

Only heights that grow, with equal app hashes and all peers there, prove it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from loomtui.inventory.model import Role
from loomtui.loom.connected import Connections, Roster
from loomtui.wording.quantities import all_of

#: How long heights may stand still before the chain counts as halted: several times a block's usual 1.3 s.
PATIENCE = timedelta(seconds=15)


class ClusterState(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"  # it moves, but not all is well
    HALTED = "halted"  # nodes are up and the chain stands still
    CRASHING = "crashing"  # where loom runs at all, it ends and is started again, over and over
    STOPPED = "stopped"
    UNREACHABLE = "unreachable"
    UNKNOWN = "unknown"  # one look says nothing about growth


@dataclass(frozen=True)
class NodeView:
    """One node at one moment, as far as health needs it."""

    name: str
    role: Role
    reachable: bool
    active: bool  # the service runs and does not flap
    height: int | None = None
    app_hash: str | None = None
    peers: int | None = None
    catching_up: bool = False
    block_time: datetime | None = None  # UTC
    node_id: str | None = None  # by which peers know it; of the process, else of its file
    peer_ids: tuple[str, ...] = ()  # may be fewer than `peers`
    address: str | None = None  # of the validator key that its process uses, upper-case hex
    voting_power: int | None = None  # of that key, as its own chain says
    members: tuple[tuple[str, int], ...] = ()  # the set at its height: address and power; empty: not known
    stopped: bool = False  # the service is down, and nothing starts it again by itself
    missing_databases: tuple[str, ...] | None = None  # of those that no node does without; None: not known
    crashes: bool = False  # loom ends, and systemd starts it again, over and over
    held_by: str | None = None  # the run that holds it from starting


@dataclass(frozen=True)
class Verdict:
    state: ClusterState
    sentence: str
    reasons: tuple[str, ...] = ()
    growing: bool = False  # the height of every node that answers grew
    waited: bool = False  # the looks go back for the whole patience
    stood: frozenset[str] = frozenset()  # nodes that answered for the whole patience and gained no block
    grew: frozenset[str] = frozenset()  # nodes that gained blocks
    held: frozenset[str] = frozenset()  # runs that hold nodes from starting


def judge_cluster(
    looks: Sequence[Sequence[NodeView]], at: Sequence[datetime], *, patience: timedelta = PATIENCE
) -> Verdict:
    """Judges a row of looks, oldest first; `at` are their times.

    Every node is expected to be connected to all other validators, each known by its node ID.
    """
    start = _last_fall(looks)
    since = at[start:]
    verdict = _judge(looks[start:], since, patience)
    answers = _answers(looks[start:], since)
    growth = {node.name: _growth(answers[node.name]) for node in (looks[-1] if looks else ())}
    return replace(
        verdict,
        waited=bool(since) and since[-1] - since[0] >= patience,
        stood=frozenset(
            name for name, gained in growth.items()
            if gained == 0 and answers[name][-1][0] - answers[name][0][0] >= patience
        ),
        grew=frozenset(name for name, gained in growth.items() if (gained or 0) > 0),
        held=_holding(looks[-1] if looks else ()),
    )  # fmt: skip


def _judge(looks: Sequence[Sequence[NodeView]], at: Sequence[datetime], patience: timedelta) -> Verdict:
    """`looks` are those since the last fall of a height."""
    latest = looks[-1] if looks else ()
    if not latest:
        return Verdict(ClusterState.UNKNOWN, "Nothing was looked at yet.")
    answering = [node for node in latest if node.reachable]
    if not answering:
        return Verdict(ClusterState.UNREACHABLE, "No node can be reached.")
    crashing = _crashing(looks)
    if not any(node.active and node.name not in crashing for node in answering):
        return _down_verdict(latest, answering, crashing)
    window = at[-1] - at[0]
    answers = _answers(looks, at)
    grown = {node.name: _growth(answers[node.name]) for node in latest}
    reasons = (*_differing_hashes(looks), *_node_reasons(latest, grown, crashing, window >= patience))
    if not any((steps or 0) > 0 for steps in grown.values()):
        return _halted_verdict(latest, reasons, window, patience)
    return _moving_verdict(latest, reasons, grown, _compared_nodes(looks), window >= patience)


def _crashing(looks: Sequence[Sequence[NodeView]]) -> frozenset[str]:
    """Nodes whose loom crashes over and over.

    A look may meet it between two crashes: it runs, and gives no height.
    """
    crashed = {node.name for look in looks for node in look if node.crashes}
    silent = {node.name for node in looks[-1] if node.active and node.height is None}
    return frozenset(node.name for node in looks[-1] if node.crashes) | (crashed & silent)


def _holding(latest: Sequence[NodeView]) -> frozenset[str]:
    return frozenset(node.held_by for node in latest if node.held_by is not None)


def _down_verdict(
    latest: Sequence[NodeView], answering: Sequence[NodeView], crashing: frozenset[str]
) -> Verdict:
    """Loom does its work on no node: it crashes, or it is stopped."""
    reasons = _unreachable(latest)
    down = [node.name for node in answering if node.name not in crashing]
    if crashing:
        on = [node.name for node in answering if node.name in crashing]
        where = f"every node{_of_reachable(reasons)}" if not down else all_of(on)
        rest = f"; the service does not run on {all_of(down)}" if down else ""
        sentence = f"Loom crashes and is restarted, over and over, on {where}{rest}."
        return Verdict(ClusterState.CRASHING, sentence, reasons)
    sentence = f"The service runs on no node{_of_reachable(reasons)}"
    held = [node for node in answering if node.held_by is not None]
    if len(held) == len(answering):
        sentence += f": held from starting by {all_of(sorted(_holding(held)))}"
    return Verdict(ClusterState.STOPPED, f"{sentence}.", reasons)


def _moving_verdict(
    latest: Sequence[NodeView],
    reasons: tuple[str, ...],
    grown: Mapping[str, int | None],
    compared: frozenset[str],
    patient: bool,
) -> Verdict:
    """`compared` are nodes whose app hash was seen to equal another's.

    Tendermint itself stops a node whose hash differs from the next block's, so growth counts if no equal
    height was met for a while.
    """
    top = _top(latest)
    waiting = [node.name for node in latest if not grown[node.name]]
    if reasons:
        sentence = f"The chain moves, now at {top}, but: {reasons[0]}"
        return Verdict(ClusterState.DEGRADED, sentence, reasons, not waiting)
    if waiting:
        sentence = f"The chain moves, now at {top}; no second height yet from {', '.join(waiting)}."
        return Verdict(ClusterState.UNKNOWN, sentence)
    if len(latest) > 1 and len(compared) < len(latest):
        sentence = f"The chain moves on every node, now at {top}; app hashes are not all compared yet."
        return Verdict(ClusterState.HEALTHY if patient else ClusterState.UNKNOWN, sentence, (), True)
    sentence = f"The chain moves, now at {top}, with equal app hashes and all peers on every node."
    return Verdict(ClusterState.HEALTHY, sentence, (), True)


def _last_fall(looks: Sequence[Sequence[NodeView]]) -> int:
    """The look after which no height fell: older looks tell nothing about the present."""
    start = 0
    heights: dict[str, int] = {}
    for at, look in enumerate(looks):
        for node in look:
            if node.height is not None:
                start = at if node.height < heights.get(node.name, 0) else start
                heights[node.name] = node.height
    return start


def _of_reachable(unreachable: tuple[str, ...]) -> str:
    return " that can be reached" if unreachable else ""


def _unreachable(latest: Sequence[NodeView]) -> tuple[str, ...]:
    return tuple(f"{node.name} cannot be reached." for node in latest if not node.reachable)


def _top(nodes: Sequence[NodeView]) -> int:
    return max((node.height for node in nodes if node.height is not None), default=0)


def _answers(
    looks: Sequence[Sequence[NodeView]], at: Sequence[datetime]
) -> Mapping[str, Sequence[tuple[datetime, int]]]:
    """When each node answered, and with which height."""
    answers: dict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for look, looked_at in zip(looks, at, strict=True):
        for node in look:
            if node.height is not None:
                answers[node.name].append((looked_at, node.height))
    return answers


def _growth(answers: Sequence[tuple[datetime, int]]) -> int | None:
    """The blocks that a node gained from its first to its last answer; None for fewer than two answers."""
    return answers[-1][1] - answers[0][1] if len(answers) > 1 else None


def _hashes(looks: Sequence[Sequence[NodeView]]) -> Mapping[int, Mapping[str, str]]:
    """The app hash of each node at each height, over all looks."""
    hashes: dict[int, dict[str, str]] = {}
    for node in (node for look in looks for node in look):
        if node.height is not None and node.app_hash:
            hashes.setdefault(node.height, {})[node.name] = node.app_hash
    return hashes


def _compared_nodes(looks: Sequence[Sequence[NodeView]]) -> frozenset[str]:
    return frozenset(name for names in _hashes(looks).values() if len(names) > 1 for name in names)


def _differing_hashes(looks: Sequence[Sequence[NodeView]]) -> tuple[str, ...]:
    """Nodes that disagree about the state at one height."""
    for height, by_node in sorted(_hashes(looks).items()):
        if len(set(by_node.values())) > 1:
            hashes = ", ".join(f"{name} {value[:8]}" for name, value in sorted(by_node.items()))
            return (f"The app hashes differ at {height}: {hashes}. Their states have parted.",)
    return ()


def _node_reasons(
    latest: Sequence[NodeView],
    grown: Mapping[str, int | None],
    crashing: frozenset[str],
    patient: bool,
) -> tuple[str, ...]:
    reasons = []
    roster = Roster(latest)
    for node in latest:
        if not node.reachable:
            reasons.append(f"{node.name} cannot be reached.")
        elif node.name in crashing:
            reasons.append(f"Loom on {node.name} crashes and is restarted, over and over.")
        elif not node.active:
            reasons.append(f"The service on {node.name} does not run.")
        elif node.height is None:
            reasons.append(f"{node.name} gives no height.")
        elif grown[node.name] == 0 and patient:
            reasons.append(f"{node.name} {_describe_halt(node.height)}.")
        elif (few := too_few(node, roster)) is not None:
            reasons.append(f"{node.name} has {few.sentence}.")
        elif node.catching_up:
            reasons.append(f"{node.name} is catching up, at {node.height}.")
    return tuple(reasons)


def too_few(node: NodeView, roster: Roster) -> Connections | None:
    """Its connections, if a validator is not among them."""
    own = roster.connections(node)
    return None if own is None or own.complete else own


def _describe_halt(height: int) -> str:
    return f"stands still at {height}" if height else "has no blocks"


def _halted_verdict(
    latest: Sequence[NodeView], reasons: tuple[str, ...], window: timedelta, patience: timedelta
) -> Verdict:
    """No height grew: the chain is halted, or was not watched for long enough."""
    heights = sorted({node.height for node in latest if node.height is not None})
    if not heights:
        return Verdict(ClusterState.UNKNOWN, "The service runs, but no node gives a height yet.", reasons)
    where = str(heights[-1]) if len(heights) == 1 else f"{heights[0]} to {heights[-1]}"
    if window < patience:
        sentence = (
            f"At {where}; whether the chain moves shows after {patience.total_seconds():g} s of looking."
        )
        return Verdict(ClusterState.UNKNOWN, sentence, reasons)
    times = [node.block_time for node in latest if node.block_time and node.height == heights[-1]]
    since = f" since {min(times):%Y-%m-%d %H:%M:%S} UTC" if times else ""
    up = sum(node.reachable and node.active for node in latest)
    nodes = "all nodes up" if up == len(latest) else f"{up} of {len(latest)} nodes up"
    if not heights[-1]:
        return Verdict(ClusterState.HALTED, f"No node has a block, {nodes}.", reasons)
    return Verdict(ClusterState.HALTED, f"The chain stands still at {where}{since}, {nodes}.", reasons)
