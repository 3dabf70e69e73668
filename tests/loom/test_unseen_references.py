"""References to nodes that could not be looked at, or that are named twice."""

from __future__ import annotations

from dataclasses import replace

from loomtui.inventory.model import Role
from loomtui.loom.corrections import corrected
from loomtui.loom.references import MismatchKind, NodeFacts, compare
from tests.loom.peer_nodes import PERSISTENT, kinds, node, peer, peers

from .vectors import A, B, C, X


def unseen(number: int, role: Role = Role.VALIDATOR) -> NodeFacts:
    return NodeFacts(f"n{number}", role, f"10.2.0.{number}", 46656, None, seen=False)


def test_a_node_that_was_not_seen_is_known_by_its_address_and_then_by_the_id_that_is_told_for_it() -> None:
    moved = f"tcp://{C}@10.9.0.3:46656"
    nodes = (
        node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3))),
        node(2, B, persistent_peers=peers(peer(A, 1), moved)),
        unseen(3),
    )
    report = compare(nodes)
    assert [(one.kind, one.on, one.about) for one in report.mismatches] == [
        (MismatchKind.WRONG_ADDRESS, "n2", "n3")
    ]
    assert (report.nodes, report.unseen) == (nodes[:2], nodes[2:])
    assert corrected(nodes[0], nodes) == {}
    assert corrected(nodes[1], nodes) == {PERSISTENT: peers(peer(A, 1), peer(C, 3))}


def test_of_a_node_that_was_not_seen_neither_port_nor_id_is_judged() -> None:
    nodes = (node(1, A, persistent_peers=peers(peer(B, 2, port=26656), peer(X, 2))), unseen(2))
    assert compare(nodes).mismatches == ()
    assert corrected(nodes[0], nodes) == {}


def test_a_node_that_nobody_can_name_keeps_no_other_one_from_starting() -> None:
    nodes = (node(1, A, persistent_peers=""), node(2, None, persistent_peers=peer(A, 1)), unseen(3))
    missing = [one for one in compare(nodes).mismatches if one.kind is MismatchKind.MISSING]
    assert [(one.on, one.about, one.blocking) for one in missing] == [
        ("n1", "n2", False),
        ("n1", "n3", False),
        ("n2", "n3", False),
    ]
    assert corrected(nodes[0], nodes) == {}


def test_a_backup_node_that_was_not_seen_is_not_to_be_dialled_either() -> None:
    nodes = (node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3))), node(2, B), unseen(3, Role.BACKUP))
    assert kinds(compare(nodes)) == [MismatchKind.BACKUP_NODE_LISTED]
    assert corrected(nodes[0], nodes) == {PERSISTENT: peer(B, 2)}


def test_a_peer_is_not_said_to_be_a_stranger_while_a_node_was_not_seen() -> None:
    nodes = (node(1, A, persistent_peers=peers(peer(B, 2), peer(X, 9))), node(2, B), unseen(3))
    (unknown,) = [one for one in compare(nodes).mismatches if one.kind is MismatchKind.UNKNOWN_PEER]
    assert "a peer that may be n3, which could not be looked at" in unknown.message
    known = (node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3), peer(X, 9))), *nodes[1:])
    (stranger,) = compare(known).mismatches
    assert "a peer that is not in the inventory" in stranger.message


def test_a_second_entry_of_a_node_that_is_named_rightly_keeps_nobody_apart() -> None:
    """With the former identities of a plan it is known whose it was, without them it is not."""
    now = replace(node(2, B), former_ids=frozenset({X}))
    holder = node(1, A, persistent_peers=peers(peer(X, 9), peer(B, 2)))
    assert kinds(compare((holder, now))) == [MismatchKind.FORMER_ENTRY]
    assert compare((holder, now)).ok
    assert compare((holder, node(2, B))).ok
    assert corrected(holder, (holder, now)) == {PERSISTENT: peer(B, 2)}


def test_an_entry_that_is_right_stays_as_it_is_written() -> None:
    named = replace(node(2, B), address="Node2.example")
    holder = node(1, A, persistent_peers=f"tcp://{B}@node2.EXAMPLE:46656")
    assert compare((holder, named)).mismatches == ()
    assert corrected(holder, (holder, named)) == {}
