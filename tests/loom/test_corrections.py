"""What becomes of the lists of peers in a unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.inventory.model import Role
from loomtui.loom.corrections import corrected
from loomtui.loom.peers import Peer, read_peers, write_peers
from loomtui.loom.references import NodeFacts, compare
from loomtui.loom.units import read_unit, rewrite_peers
from tests.loom.peer_nodes import PEERS, node, peers, unit_text

from .vectors import A, B, C, X


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
