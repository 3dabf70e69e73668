from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.peers import Peer, PeerList, read_peers, write_peers

from .vectors import A, B


def test_ready_case_two_peers_with_names_without_scheme_and_an_empty_last_entry() -> None:
    found = read_peers(f"tcp://{A}@10.2.0.4:46656, {B}@db2.internal:46656,")
    assert found == PeerList((Peer(A, "10.2.0.4", 46656), Peer(B, "db2.internal", 46656)))


def test_ready_case_three_faults_have_three_messages() -> None:
    found = read_peers(f"tcp://{A}@10.2.0.4,tcp://{A}:46656,tcp://aaaa@10.2.0.4:46656")
    assert found.peers == ()
    no_port, no_id, short = (problem.message for problem in found.problems)
    assert "no port" in no_port
    assert "no node ID" in no_id
    assert "2 bytes long, an ID has 20 bytes" in short


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("10.99.0.35@10.99.0.32:46656", "not hexadecimal"),  # what the mangle script makes
        (f"{A}a@h:1", "41 digits long"),
        (f"{A}@h:0", "1 to 65535"),
        (f"{A}@h:65536", "1 to 65535"),
        (f"{A}@h:port", "1 to 65535"),
        (f"{A}@h:", "1 to 65535"),
        (f"{A}@:46656", "no host"),
        (f"{A}@h h:46656", "neither a name nor an address"),
        (f"{A}@-h:46656", "neither a name nor an address"),
        (f"{A}@[fe80::1]", "no port"),
        (f"{A}@[fe80::1%eth0]:1", "neither a name nor an address"),
        (f"{A}@h%i:46656", "neither a name nor an address"),
        (f"{A}@$HOST:46656", "neither a name nor an address"),
        (f"x@{A}@h:1", "not hexadecimal"),
    ],
)
def test_an_unusable_entry_is_told(entry: str, message: str) -> None:
    found = read_peers(f"{B}@h:1,{entry}")
    assert found.peers == (Peer(B, "h", 1),)
    assert [message in problem.message for problem in found.problems] == [True]


def test_upper_case_ids_are_kept_as_typed() -> None:
    assert read_peers(f"{A.upper()}@h:1").peers[0].id == A.upper()


def test_an_ipv6_address_keeps_its_brackets_in_text_only() -> None:
    (peer,) = read_peers(f"tcp://{A}@[2001:db8::1]:46656").peers
    assert peer.host == "2001:db8::1"
    assert str(peer) == f"tcp://{A}@[2001:db8::1]:46656"


def test_escapes_do_not_reach_a_message() -> None:
    (problem,) = read_peers("\x1b[2Jevil").problems
    assert problem.text == "evil"


def test_an_empty_value_is_an_empty_list() -> None:
    assert read_peers("") == read_peers(" , ,") == PeerList(())


ids = st.text("0123456789abcdefABCDEF", min_size=40, max_size=40)
hosts = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?", fullmatch=True) | st.ip_addresses(v=6).map(str)
peers = st.builds(Peer, ids, hosts, st.integers(1, 65535))


@given(st.lists(peers))
def test_what_is_written_is_read_again(some: list[Peer]) -> None:
    assert read_peers(write_peers(some)) == PeerList(tuple(some))


@given(st.one_of(st.text(), st.text(f"{A}@:,[]./ tcp")))
def test_no_value_raises_and_every_entry_is_accounted_for(value: str) -> None:
    found = read_peers(value)
    entries = [entry for entry in value.split(",") if entry.strip()]
    assert len(found.peers) + len(found.problems) == len(entries)
