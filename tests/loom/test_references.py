from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.inventory.model import Role
from loomtui.loom.corrections import corrected
from loomtui.loom.launch.sources import SourceFile, Sources
from loomtui.loom.peers import Peer, read_peers, write_peers
from loomtui.loom.references import KeyReport, MismatchKind, NodeFacts, compare
from loomtui.loom.units import PeerFlag, read_cat, read_unit, rewrite_peers, with_sources

from .vectors import A, B, C, X

PERSISTENT, PEERS = PeerFlag.PERSISTENT, PeerFlag.PEERS


def unit_text(**lists: str) -> str:
    flags = "".join(f" --{name.replace('_', '-')} {value}" for name, value in lists.items())
    return f"[Service]\nExecStart=/usr/bin/loom run{flags}\n"


def node(
    number: int, node_id: str | None, role: Role = Role.VALIDATOR, *, more: str = "", **lists: str
) -> NodeFacts:
    """n1 at 10.2.0.1 and so on; the lists by flag, or no unit."""
    unit = read_unit("loom.service", unit_text(**lists) + more) if lists or more else None
    return NodeFacts(f"n{number}", role, f"10.2.0.{number}", 46656, node_id, unit=unit)


def peer(node_id: str, number: int, port: int = 46656) -> str:
    return f"tcp://{node_id}@10.2.0.{number}:{port}"


def peers(*entries: str) -> str:
    return ",".join(entries)


def kinds(report: KeyReport) -> list[MismatchKind]:
    return [mismatch.kind for mismatch in report.mismatches]


HEALTHY = (
    node(1, A, persistent_peers=peers(peer(B, 2), peer(C, 3))),
    node(2, B, persistent_peers=peers(peer(A, 1), peer(C, 3))),
    node(3, C, persistent_peers=peers(peer(A, 1), peer(B, 2))),
)


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


def test_moved_hosts_are_found_by_former_ids_and_addresses() -> None:
    old = peers(
        f"tcp://{C}@10.99.0.13:46656", f"tcp://{X}@10.99.0.12:46656", f"tcp://{'ab' * 20}@old-4:46656"
    )
    nodes = (
        NodeFacts("n1", Role.VALIDATOR, "new-1", 46656, A, unit=node(1, A, peers=old).unit),
        NodeFacts("n2", Role.VALIDATOR, "new-2", 46656, B, former_ids=frozenset({X.upper()})),
        NodeFacts("n3", Role.VALIDATOR, "new-3", 46656, C, former_addresses=frozenset({"10.99.0.12"})),
        NodeFacts(
            "n4", Role.VALIDATOR, "new-4", 46656, "cd" * 20, former_addresses=frozenset({"OLD-4:46656"})
        ),
    )
    assert corrected(nodes[0], nodes) == {
        PEERS: peers(f"tcp://{C}@new-3:46656", f"tcp://{B}@new-2:46656", f"tcp://{'cd' * 20}@new-4:46656")
    }


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


# What today's mangle script makes of these units is garbage with exit status 0 (measured on real nodes).
MANGLED_D = peers(
    "tcp://10.99.0.34@10.99.0.31:46656",
    "tcp://b8d5426138f9da395abb8313e1dc2f747bdb6bb9@10.99.0.32:46656",
    "tcp://9a611cfcfc83e178171f9d9bf120ee90aacd616b@10.99.0.33:46656",
)
BACKUP_D = peers(
    "tcp://b8d5426138f9da395abb8313e1dc2f747bdb6bb9@10.99.0.11:46656",
    "tcp://9a611cfcfc83e178171f9d9bf120ee90aacd616b@10.99.0.12:46656",
    "tcp://cd8700de834e59bb500f53a2a5e1e0e3bbb27e15@10.99.0.13:46656",
    "tcp://d9dc588faf63703c21f2f1e0f817a71b4636a530@10.99.0.14:46656",
)
IDS_D = [entry.split("@")[0].removeprefix("tcp://") for entry in BACKUP_D.split(",")]
MANGLED_E = peers(
    "tcp://10.99.0.35@10.99.0.32:46656",
    "tcp://d24b5a7b7897489c3b5a8028e775876d4c4a5084@10.99.0.33:46656",
    "tcp://eb11af1a272ee1937e5f50145d614c95b337c44b@10.99.0.34:46656",
)


@pytest.mark.parametrize("value", [MANGLED_D, BACKUP_D])
def test_baseline_d_the_backup_node_gets_all_four_validators_at_their_new_hosts(value: str) -> None:
    text = unit_text(persistent_peers=value)
    backup = NodeFacts("n5", Role.BACKUP, "10.99.0.35", 46656, X, unit=read_unit("u", text))
    validators = [
        NodeFacts(f"n{at + 1}", Role.VALIDATOR, f"10.99.0.3{at + 1}", 46656, IDS_D[at]) for at in range(4)
    ]
    after = rewrite_peers(text, corrected(backup, [*validators, backup]))
    (found,) = read_unit("u", after).peer_values
    right = {f"tcp://{IDS_D[at]}@10.99.0.3{at + 1}:46656" for at in range(4)}
    assert set(found.value.split(",")) == right
    assert len(found.value.split(",")) == 4


def test_baseline_e_five_validators() -> None:
    ids = [A, "d24b5a7b7897489c3b5a8028e775876d4c4a5084", "eb11af1a272ee1937e5f50145d614c95b337c44b", C, X]
    text = unit_text(persistent_peers=MANGLED_E)
    nodes = [NodeFacts(f"n{at + 1}", Role.VALIDATOR, f"10.99.0.3{at + 1}", 46656, ids[at]) for at in range(5)]
    first = NodeFacts("n1", Role.VALIDATOR, "10.99.0.31", 46656, A, unit=read_unit("u", text))
    (found,) = read_unit("u", rewrite_peers(text, corrected(first, [first, *nodes[1:]]))).peer_values
    assert sorted(found.value.split(",")) == sorted(
        f"tcp://{ids[at]}@10.99.0.3{at + 1}:46656" for at in range(1, 5)
    )


FORMS = ("--persistent-peers {}", "--persistent-peers={}", '--persistent-peers "{}"', "-p {}", "'--peers={}'")


@given(st.data())
def test_property_each_other_validator_exactly_once_whatever_the_unit_said(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 7))
    port = data.draw(st.sampled_from([26656, 46656]))
    ids = data.draw(
        st.lists(
            st.text("0123456789abcdef", min_size=40, max_size=40), min_size=count, max_size=count, unique=True
        )
    )
    order = data.draw(st.permutations(range(count)))
    old = [Peer(ids[at], f"old-{at}", 46656) for at in order if at]
    wrong = data.draw(
        st.lists(
            st.sampled_from([f"10.0.0.1@new-{count - 1}:46656", f"{ids[1].upper()}@new-1:1", "x"]), max_size=2
        )
    )
    value = ",".join(
        [write_peers(data.draw(st.permutations(old))[: data.draw(st.integers(0, count))]), *wrong]
    ).strip(",")
    command = data.draw(st.sampled_from(FORMS)).format(value or f"{X}@gone:1")
    text = f"[Service]\nExecStart=/usr/bin/loom run {command}\n"
    nodes = [
        NodeFacts(
            f"n{at}", Role.VALIDATOR, f"new-{at}", port, ids[at], former_addresses=frozenset({f"old-{at}"})
        )
        for at in range(count)
    ]
    first = NodeFacts("n0", Role.VALIDATOR, "new-0", port, ids[0], unit=read_unit("u", text))
    nodes = data.draw(st.permutations([first, *nodes[1:]]))
    unit = read_unit("u", rewrite_peers(text, corrected(first, nodes)))
    found = [
        entry for one in unit.peer_values for entry in read_peers(one.value).peers if entry.host != "gone"
    ]
    assert sorted(map(str, found)) == sorted(str(Peer(ids[at], f"new-{at}", port)) for at in range(1, count))
    after = NodeFacts("n0", Role.VALIDATOR, "new-0", port, ids[0], unit=unit)
    again = [after if one.name == "n0" else one for one in nodes]
    assert compare(again).ok
    assert corrected(after, again) == {}


# ── of the whole inventory ──────────────────────────────────────────────────────────────────────────────────


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
