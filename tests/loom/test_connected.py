"""Who is connected to whom, against the plain way of telling it for one node at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from loomtui.inventory.model import Role
from loomtui.loom.connected import Connections, Roster


@dataclass(frozen=True)
class Node:
    name: str
    role: Role
    node_id: str | None
    peers: int | None
    peer_ids: tuple[str, ...]


def plainly(node: Node, nodes: Sequence[Node]) -> Connections | None:
    if node.peers is None:
        return None
    owners: dict[str, list[str]] = {}
    for other in nodes:
        if other.node_id and other.name != node.name:
            owners.setdefault(other.node_id, []).append(other.name)
    ids = tuple(dict.fromkeys(node.peer_ids))
    present = {owners[one][0] for one in ids if len(owners.get(one, ())) == 1}
    known = {names[0] for names in owners.values() if len(names) == 1}
    wanted = [other.name for other in nodes if other.role is Role.VALIDATOR and other.name != node.name]
    return Connections(
        seen=tuple(name for name in wanted if name in present),
        missing=tuple(name for name in wanted if name in known - present),
        untold=tuple(name for name in wanted if name not in known),
        others=tuple(other.name for other in nodes if other.name in present - set(wanted)),
        strangers=tuple(one for one in ids if one not in owners and one != node.node_id),
        nameless=tuple(other.name for other in nodes if other.name != node.name and other.name not in known),
        unnamed=max(0, node.peers - len(ids)) + sum(1 for one in ids if len(owners.get(one, ())) > 1),
    )


Facts = tuple[Role, str | None, int | None, tuple[str, ...]]
IDS = st.sampled_from("abcdef")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(Role),
            st.none() | IDS,
            st.none() | st.integers(0, 5),
            st.lists(IDS, max_size=5).map(tuple),
        ),
        max_size=7,
    )
)
def test_a_roster_tells_the_same_for_every_node(
    drawn: list[tuple[Role, str | None, int | None, tuple[str, ...]]],
) -> None:
    nodes = [Node(f"n{at}", *facts) for at, facts in enumerate(drawn)]
    roster = Roster(nodes)
    for node in nodes:
        assert roster.connections(node) == plainly(node, nodes)
