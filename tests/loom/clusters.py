"""Made-up evidence of a cluster: four validators, all well, and what a test changes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from loomtui.inventory.model import Role
from loomtui.loom.diagnosis import Cluster, Code, Diagnosis, NodeEvidence, diagnose
from loomtui.loom.health import ClusterState, NodeView, Verdict
from loomtui.loom.references import KeyReport
from loomtui.loom.validator import SigningState, ValidatorFacts

NAMES = ("n1", "n2", "n3", "n4")
ADDRESSES = ("11" * 20, "22" * 20, "33" * 20, "44" * 20)
FOREIGN = "AB" * 20
MEMBERS = tuple((address, 1_250_000_000_000 + place) for place, address in enumerate(ADDRESSES))
REGRESSION = 'E[x] Error signing vote module=consensus height=70 err="Error signing vote: Height regression"'


def node_id(name: str) -> str:
    return f"{int(name[1:]):040x}"


def node(
    number: int,
    *lines: str,
    height: int | None = 69,
    signed: int | None = 69,
    address: str | None = None,
    flapping: bool = False,
    role: Role = Role.VALIDATOR,
    reachable: bool = True,
    active: bool = True,
    members: tuple[tuple[str, int], ...] = MEMBERS,
    **changes: Any,
) -> NodeEvidence:
    """A node that runs with its own key; `changes` of its view."""
    name = f"n{number}"
    held = address or ADDRESSES[number - 1]
    up = reachable and active and height is not None
    view = NodeView(name, role, reachable, active, height, stopped=reachable and not active and not flapping)
    view = replace(view, node_id=node_id(name) if reachable else None)
    if up:
        power = dict(members).get(held, 0)
        others = tuple(node_id(other) for other in NAMES if other != name)
        view = replace(
            view, address=held, voting_power=power, members=members, peers=3,
            peer_ids=others,
        )  # fmt: skip
    view = replace(view, **changes)
    state = None if signed is None else SigningState(signed, 0, 3)
    validator = ValidatorFacts(held, None, state) if reachable else None
    return NodeEvidence(name, view, flapping, validator, lines)


def four(*changed: NodeEvidence) -> list[NodeEvidence]:
    by_name = {one.name: one for one in changed}
    return [by_name.get(name) or node(int(name[1:])) for name in NAMES]


def standing(*names: str) -> Verdict:
    """No block was gained by these, by default by none of the four, for the whole patience."""
    stood = frozenset(names or NAMES)
    return Verdict(ClusterState.HALTED, "It stands.", waited=True, stood=stood)


MOVING = Verdict(ClusterState.DEGRADED, "It moves.", waited=True, grew=frozenset(NAMES))


def told(
    nodes: Sequence[NodeEvidence], verdict: Verdict | None = None, keys: KeyReport | None = None
) -> tuple[Diagnosis, ...]:
    return diagnose(Cluster(tuple(nodes), keys, verdict))


def codes(
    nodes: Sequence[NodeEvidence], verdict: Verdict | None = None, keys: KeyReport | None = None
) -> list[Code]:
    return [one.code for one in told(nodes, verdict, keys)]


def first(
    code: Code,
    nodes: Sequence[NodeEvidence],
    verdict: Verdict | None = None,
    keys: KeyReport | None = None,
) -> Diagnosis:
    """The first with this code; fails where there is none."""
    return next(one for one in told(nodes, verdict, keys) if one.code is code)
