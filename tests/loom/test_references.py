from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.inventory.model import Role
from loomtui.loom.corrections import corrected
from loomtui.loom.launch.sources import SourceFile, Sources
from loomtui.loom.references import KeyReport, MismatchKind, NodeFacts, compare
from loomtui.loom.units import read_cat, read_unit, with_sources
from tests.loom.peer_nodes import HEALTHY, PEERS, PERSISTENT, kinds, node, peer, peers, unit_text

from .vectors import A, B, C, X


def test_a_healthy_cluster_has_no_mismatch_and_needs_no_change() -> None:
    report = compare(HEALTHY)
    assert (report.ok, report.mismatches, report.nodes) == (True, (), HEALTHY)
    assert [corrected(one, HEALTHY) for one in HEALTHY] == [{}, {}, {}]


def test_ready_case_another_key_on_node_3() -> None:
    nodes = (*HEALTHY[:2], node(3, X, persistent_peers=peers(peer(A, 1), peer(B, 2))))
    report = compare(nodes)
    found = [(one.kind, one.on, one.about, one.expected, one.found) for one in report.mismatches]
    assert found == [(MismatchKind.WRONG_ID, "n1", "n3", X, C), (MismatchKind.WRONG_ID, "n2", "n3", X, C)]
    assert not report.ok
    assert corrected(nodes[0], nodes) == {PERSISTENT: peers(peer(B, 2), peer(X, 3))}
    assert corrected(nodes[2], nodes) == {}


def test_ready_case_a_shared_key_is_found_before_any_list() -> None:
    nodes = (
        node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3))),
        node(2, B, persistent_peers=peers(peer(A, 1), peer(C, 3))),
        node(3, B, persistent_peers=peers(peer(A, 1), peer(B, 2))),
    )
    first = compare(nodes).mismatches[0]
    assert (first.kind, first.on, first.about, first.blocking) == (
        MismatchKind.DUPLICATE_IDENTITY,
        "n3",
        "n2",
        True,
    )


def test_ready_case_the_backup_node_is_listed_by_a_live_node() -> None:
    backup = node(4, X, Role.BACKUP, persistent_peers=peers(peer(A, 1), peer(B, 2), peer(C, 3)))
    first = node(1, A, persistent_peers=peers(peer(B, 2), peer(X, 4), peer(C, 3)))
    nodes = (first, *HEALTHY[1:], backup)
    report = compare(nodes)
    assert [(one.kind, one.on, one.about) for one in report.mismatches] == [
        (MismatchKind.BACKUP_NODE_LISTED, "n1", "n4")
    ]
    assert corrected(first, nodes) == {PERSISTENT: peers(peer(B, 2), peer(C, 3))}
    assert corrected(backup, nodes) == {}


def test_the_absence_of_the_backup_node_is_no_finding() -> None:
    backup = node(4, X, Role.BACKUP, persistent_peers=peers(peer(A, 1), peer(B, 2), peer(C, 3)))
    assert compare((*HEALTHY, backup)).mismatches == ()


def test_ready_case_both_flags_are_compared_each_with_its_own_name() -> None:
    nodes = (HEALTHY[0], node(2, B, peers=peer(X, 1), persistent_peers=peer(X.upper(), 3)), HEALTHY[2])
    found = [(one.kind, one.about, one.message.split(" of ")[0]) for one in compare(nodes).mismatches]
    assert found == [
        (MismatchKind.WRONG_ID, "n1", "--peers"),
        (MismatchKind.WRONG_ID, "n3", "--persistent-peers"),
    ]
    assert corrected(nodes[1], nodes) == {PEERS: peer(A, 1), PERSISTENT: peer(C, 3)}


def test_where_a_reference_stands_is_the_file_in_force_and_its_line() -> None:
    """A drop-in's, where one has the command; the value may begin lines below it."""
    folder = "/etc/systemd/system/loom.service"
    listed = peers(peer(X, 2), peer(C, 3))
    cat = (
        f"# {folder}\n[Service]\nExecStart=/usr/bin/loom run --persistent-peers {peer(X, 2)}\n\n"
        f"# {folder}.d/10-peers.conf\n[Service]\nExecStart=\nExecStart=/usr/bin/loom run \\\n"
        f"  --persistent-peers {{}}\n"
    )
    first = replace(HEALTHY[0], unit=read_cat(cat.format(listed)))
    (wrong,) = compare((first, *HEALTHY[1:])).mismatches
    assert (wrong.kind, wrong.where) == (MismatchKind.WRONG_ID, f"{folder}.d/10-peers.conf:4")
    bare = replace(HEALTHY[0], unit=read_cat(cat.replace("--persistent-peers {}", "")))
    missing = compare((bare, *HEALTHY[1:])).mismatches
    assert {(one.kind, one.where) for one in missing} == {
        (MismatchKind.MISSING, f"{folder}.d/10-peers.conf:3")
    }


def test_ready_case_the_port_in_config_toml_wins() -> None:
    third = NodeFacts("n3", Role.VALIDATOR, "10.2.0.3", 46656, C, listen_port=26656, unit=HEALTHY[2].unit)
    nodes = (*HEALTHY[:2], third)
    found = [(one.kind, one.on, one.expected, one.found, one.where) for one in compare(nodes).mismatches]
    assert found == [
        (MismatchKind.WRONG_PORT, "n3", "46656", "26656", "config.toml"),
        (MismatchKind.WRONG_PORT, "n1", "26656", "46656", "loom.service:2"),
        (MismatchKind.WRONG_PORT, "n2", "26656", "46656", "loom.service:2"),
    ]
    assert corrected(nodes[0], nodes) == {PERSISTENT: peers(peer(B, 2), peer(C, 3, 26656))}


def test_an_upper_case_id_never_matches() -> None:
    nodes = (node(1, A, peers=peers(peer(B.upper(), 2), peer(C, 3))), *HEALTHY[1:])
    (found,) = compare(nodes).mismatches
    assert (found.kind, found.expected, found.found) == (MismatchKind.UPPER_CASE, B, B.upper())
    assert corrected(nodes[0], nodes) == {PEERS: peers(peer(B, 2), peer(C, 3))}


def test_right_ids_at_wrong_addresses_are_matched_by_identity_not_by_position() -> None:
    nodes = (node(1, A, peers=peers(peer(C, 2), peer(B, 3))), *HEALTHY[1:])
    report = compare(nodes)
    assert [(one.kind, one.about, one.expected) for one in report.mismatches] == [
        (MismatchKind.WRONG_ADDRESS, "n3", "10.2.0.3"),
        (MismatchKind.WRONG_ADDRESS, "n2", "10.2.0.2"),
    ]
    assert corrected(nodes[0], nodes) == {PEERS: peers(peer(C, 3), peer(B, 2))}


def test_a_missing_peer_is_added_where_the_others_are() -> None:
    nodes = (
        node(1, A, peers=peer(B, 2)),
        node(2, B, peers=peer(A, 1), persistent_peers=peer(C, 3)),
        HEALTHY[2],
    )
    (found,) = compare(nodes).mismatches
    assert (found.kind, found.on, found.about) == (MismatchKind.MISSING, "n1", "n3")
    assert "add it to --peers in the unit" in found.message
    assert corrected(nodes[0], nodes) == {PEERS: peers(peer(B, 2), peer(C, 3))}
    both = (HEALTHY[0], node(2, B, peers=peer(A, 1), persistent_peers="''"), HEALTHY[2])
    assert corrected(both[1], both) == {PERSISTENT: peer(C, 3)}


def test_a_unit_without_lists_gets_persistent_peers() -> None:
    nodes = (node(1, A, more="\n"), *HEALTHY[1:])
    assert kinds(compare(nodes)) == [MismatchKind.MISSING, MismatchKind.MISSING]
    assert corrected(nodes[0], nodes) == {PERSISTENT: peers(peer(B, 2), peer(C, 3))}


def test_an_entry_in_both_lists_stays_in_the_persistent_one() -> None:
    first = node(1, A, peers=peers(peer(B, 2), peer(C, 3)), persistent_peers=peers(peer(C, 3), peer(C, 3)))
    nodes = (first, *HEALTHY[1:])
    assert compare(nodes).mismatches == ()
    assert corrected(first, nodes) == {PEERS: peer(B, 2), PERSISTENT: peer(C, 3)}


def test_the_own_entry_goes() -> None:
    first = node(1, A, peers=peers(peer(A, 1), peer(B, 2), peer(C, 3)))
    nodes = (first, *HEALTHY[1:])
    assert kinds(compare(nodes)) == [MismatchKind.SELF]
    assert corrected(first, nodes) == {PEERS: peers(peer(B, 2), peer(C, 3))}


def test_an_unknown_peer_stays_and_is_pointed_out() -> None:
    stranger = f"tcp://{X.upper()}@other.example.com:46656"
    first = node(1, A, peers=peers(stranger, peer(B, 2), stranger, peer(C, 3)))
    nodes = (first, *HEALTHY[1:])
    report = compare(nodes)
    assert kinds(report) == [MismatchKind.UNKNOWN_PEER] * 2
    assert report.ok
    assert "not in the inventory" in report.mismatches[0].message
    assert corrected(first, nodes) == {PEERS: peers(stranger.replace(X.upper(), X), peer(B, 2), peer(C, 3))}


@pytest.mark.parametrize(("flag", "stops"), [("peers", True), ("persistent_peers", False)])
def test_an_unusable_entry_stops_a_node_only_as_a_seed(flag: str, stops: bool) -> None:
    first = node(
        1, A, Role.VALIDATOR, more="", **{flag: peers("10.99.0.34@10.2.0.2:46656", peer(B, 2), peer(C, 3))}
    )
    nodes = (first, *HEALTHY[1:])
    (found,) = compare(nodes).mismatches
    assert (found.kind, found.blocking) == (MismatchKind.BAD_ENTRY, stops)
    assert ("does not start" in found.message) == stops
    assert list(corrected(first, nodes).values()) == [peers(peer(B, 2), peer(C, 3))]


def test_problems_of_the_unit_are_in_the_report() -> None:
    nodes = (node(1, A, peers=f"'' {peer(B, 2)}"), *HEALTHY[1:])
    report = compare(nodes)
    assert kinds(report) == [MismatchKind.BAD_ENTRY, MismatchKind.MISSING, MismatchKind.MISSING]
    assert not report.ok


def test_lists_that_cannot_be_read_are_not_known_and_never_wrong() -> None:
    unread = replace(node(1, A, peers="$PEERS"), connected=(B, X))
    report = compare((unread, *HEALTHY[1:]))
    (found,) = report.mismatches
    assert (found.kind, found.on, found.blocking) == (MismatchKind.PEERS_UNKNOWN, "n1", False)
    assert found.message.startswith("n1's list of peers is not known. --peers comes from the variable PEERS")
    assert f"By its /net_info it is connected to {X}, n2." in found.message
    assert "does not list" not in found.message
    assert (report.ok, report.unknown) == (True, ("n1",))
    assert corrected(unread, (unread, *HEALTHY[1:])) == {}


def test_what_a_running_loom_was_given_is_evidence() -> None:
    unread = node(1, A, peers="$PEERS")
    assert unread.unit is not None
    running = Sources(running={"--peers": peers(peer(B, 2), peer(X, 9))})
    unread = replace(unread, unit=with_sources(unread.unit, running))
    (found,) = compare((unread, *HEALTHY[1:])).mismatches
    assert f"Its running loom was given n2, {X}." in found.message


def test_a_list_in_another_file_is_compared_and_its_place_is_told() -> None:
    env = "/etc/default/loom"
    text = f"# peers\nPEERS={peer(X, 2)},{peer(C, 3)}\n"
    sources = Sources(names=frozenset({"PEERS"}), patterns={env: (SourceFile(env, text),)})
    one = node(1, A, persistent_peers="$PEERS", more=f"EnvironmentFile={env}\n")
    assert one.unit is not None
    (found,) = compare((replace(one, unit=with_sources(one.unit, sources)), *HEALTHY[1:])).mismatches
    assert (found.kind, found.where, found.expected) == (MismatchKind.WRONG_ID, f"{env}:2", B)


def test_nodes_without_a_unit_hold_no_references() -> None:
    nodes = (node(1, A), *HEALTHY[1:])
    assert compare(nodes).ok
    assert corrected(nodes[0], nodes) == {}


def test_a_node_without_a_key_keeps_the_entry_that_others_have() -> None:
    nodes = (*HEALTHY[:2], node(3, None, persistent_peers=peers(peer(A, 1), peer(B, 2))))
    (found,) = compare(nodes).mismatches
    assert (found.kind, found.on, found.blocking) == (MismatchKind.NO_KEY, "n3", True)
    assert corrected(nodes[0], nodes) == {}
    without = (node(1, A, peers=peer(B, 2)), *nodes[1:])
    assert corrected(without[0], without) == {}


def test_what_loom_nodekey_reports_is_compared() -> None:
    def reporting(reported: str | None, problem: str | None) -> KeyReport:
        first = NodeFacts("n1", Role.VALIDATOR, "10.2.0.1", 46656, A, reported, problem, unit=HEALTHY[0].unit)
        return compare((first, *HEALTHY[1:]))

    assert reporting(A, None).mismatches == ()
    (found,) = reporting(X, None).mismatches
    assert (found.kind, found.expected, found.found, found.blocking) == (
        MismatchKind.REPORTED_DIFFERS,
        A,
        X,
        True,
    )
    (noted,) = reporting(None, "it printed nothing").mismatches
    assert (noted.kind, noted.found, noted.blocking) == (MismatchKind.REPORTED_DIFFERS, None, False)


def test_stale_entries_of_the_address_book() -> None:
    book = (
        (B, "10.2.0.2:46656"),
        (C, "10.8.0.3:46656"),
        (X, "10.2.0.2:46656"),
        ("ab" * 20, "1.2.3.4:1"),
        ("nonsense", ""),
    )
    first = NodeFacts("n1", Role.VALIDATOR, "10.2.0.1", 46656, A, unit=HEALTHY[0].unit, addrbook=book)
    report = compare((first, *HEALTHY[1:]))
    assert report.ok
    assert [(one.kind, one.about, one.where) for one in report.mismatches] == [
        (MismatchKind.STALE_ADDRBOOK, "n3", "addrbook.json"),
        (MismatchKind.STALE_ADDRBOOK, "n2", "addrbook.json"),
        (MismatchKind.STALE_ADDRBOOK, None, "addrbook.json"),
    ]
    assert "2 addresses" in report.mismatches[-1].message


def test_nodes_on_one_host_are_told_apart_by_port() -> None:
    def on(name: str, node_id: str, port: int, value: str) -> NodeFacts:
        return NodeFacts(
            name, Role.VALIDATOR, "127.0.0.1", port, node_id, unit=read_unit("u", unit_text(peers=value))
        )

    wrong = f"tcp://{X}@127.0.0.1:2,tcp://{'ee' * 20}@127.0.0.1:9"
    nodes = (on("n1", A, 1, wrong), on("n2", B, 2, f"{A}@127.0.0.1:1"))
    assert [(one.kind, one.about) for one in compare(nodes).mismatches] == [
        (MismatchKind.WRONG_ID, "n2"),
        (MismatchKind.UNKNOWN_PEER, None),
    ]


def test_a_former_id_that_two_nodes_had_names_neither() -> None:
    nodes = (
        node(1, A, peers=f"tcp://{X}@gone:1"),
        NodeFacts("n2", Role.VALIDATOR, "10.2.0.2", 46656, B, former_ids=frozenset({X})),
        NodeFacts("n3", Role.VALIDATOR, "10.2.0.3", 46656, C, former_ids=frozenset({X})),
    )
    assert MismatchKind.UNKNOWN_PEER in kinds(compare(nodes))
