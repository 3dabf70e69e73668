"""Every diagnosis: the state that it is for, and two that look alike. docs/messages.md names these tests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.inventory.model import Role
from loomtui.loom.advice import Act, Do
from loomtui.loom.databases import NEEDED_DATABASES
from loomtui.loom.diagnosis import Code, NodeEvidence, beyond
from loomtui.loom.diagnosis.model import Connected, DatabaseMissing, HoldsKey, Open, Said, Signed, StandsAt
from loomtui.loom.health import ClusterState, Verdict
from loomtui.loom.references import KeyReport, NodeFacts, compare
from loomtui.loom.units import read_unit
from loomtui.loom.validator import ValidatorFacts

from .clusters import (
    ADDRESSES,
    FOREIGN,
    MEMBERS,
    MOVING,
    NAMES,
    REGRESSION,
    codes,
    first,
    four,
    node,
    node_id,
    standing,
    told,
)
from .vectors import A, B, C

NO_SEED = "E[x] Couldn't connect to any seeds module=p2p"
TORN = "Error: leveldb: manifest corrupted"
DOUBLE = "E[x] Found conflicting vote from ourselves."


def test_nothing_known_nothing_said() -> None:
    assert told(four()) == ()
    assert told([NodeEvidence("n1")]) == ()


def test_shared_validator_key() -> None:
    found = first(Code.SHARED_VALIDATOR_KEY, four(node(2, address=ADDRESSES[0])), MOVING)
    assert found.nodes == ("n1", "n2")
    assert found.evidence == (HoldsKey("n1", ADDRESSES[0]), HoldsKey("n2", ADDRESSES[0]))
    assert found.advice.act is Act.STOP
    no_keys = [replace(node(n), validator=ValidatorFacts(None, None, None, absent=True)) for n in (3, 4)]
    no_keys = [replace(one, view=replace(one.view, address=None)) for one in no_keys if one.view]
    assert Code.SHARED_VALIDATOR_KEY not in codes(four(*no_keys), MOVING)
    assert Code.SHARED_VALIDATOR_KEY not in codes(four(node(2, address=FOREIGN)), MOVING)


def test_no_blocks() -> None:
    """All databases are gone: said of every node, with the names of what is missing."""
    wiped = [
        node(n, height=None, active=False, signed=120, missing_databases=NEEDED_DATABASES)
        for n in (1, 2, 3, 4)
    ]
    found = first(Code.NO_BLOCKS, wiped)
    assert found.nodes == NAMES
    assert DatabaseMissing("n3", "app.db") in found.evidence
    assert Signed("n1", 120) in found.evidence
    assert "app.db, chaindata/data/blockstore.db and chaindata/data/state.db missing on n1" in found.meaning
    assert found.advice.act is Act.RESTORE
    started = [node(n, height=0, signed=120, missing_databases=(), members=()) for n in (1, 2, 3, 4)]
    assert codes(started, standing())[0] is Code.NO_BLOCKS
    assert StandsAt("n2", 0) in first(Code.NO_BLOCKS, started, standing()).evidence
    new = [node(n, height=0, signed=0, missing_databases=(), members=()) for n in (1, 2, 3, 4)]
    silent = [node(n, height=None, signed=120, missing_databases=()) for n in (1, 2, 3, 4)]
    assert Code.NO_BLOCKS not in codes(new, standing())
    assert Code.NO_BLOCKS not in codes(silent, standing())


def test_signing_states_say_nothing_of_a_chain_without_blocks() -> None:
    started = [node(n, REGRESSION, height=0, signed=120) for n in (1, 2, 3, 4)]
    assert {one.advice.act for one in told(started, standing())} == {Act.RESTORE}


def test_new_chain() -> None:
    new = [node(n, height=0, signed=0, members=()) for n in (1, 2, 3, 4)]
    assert codes(new, standing()) == [Code.NEW_CHAIN]
    signed = [node(n, height=0, signed=7, members=()) for n in (1, 2, 3, 4)]
    assert Code.NEW_CHAIN not in codes(signed, standing())
    assert Code.NEW_CHAIN not in codes(four(node(1, height=0, signed=0)), MOVING)


def test_no_blocks_here() -> None:
    found = first(Code.NO_BLOCKS_HERE, four(node(1, height=0, signed=60, missing_databases=())), MOVING)
    assert (found.nodes, found.advice.act) == (("n1",), Act.RESTORE)
    assert "while other nodes of the cluster do: their databases are empty" in found.meaning
    all_of_them = [node(n, height=0, signed=60) for n in (1, 2, 3, 4)]
    assert Code.NO_BLOCKS_HERE not in codes(all_of_them, standing())
    assert Code.NO_BLOCKS_HERE not in codes(four(node(1, height=None)), MOVING)


def test_log_danger() -> None:
    found = first(Code.LOG_DANGER, four(node(2, DOUBLE)), MOVING)
    assert (found.nodes, found.evidence) == (("n2",), (Said("n2", DOUBLE),))
    failure = 'E[x] CONSENSUS FAILURE!!! err="Wrong Block.Header.AppHash. Expected"'
    assert Code.LOG_DANGER in codes(four(node(2, failure)), standing())
    assert Code.LOG_DANGER not in codes(four(node(2, failure)), MOVING)
    assert Code.LOG_DANGER not in codes(four(node(2, TORN)), MOVING)


def test_signing_ahead() -> None:
    """The chain moves: the one that is ahead waits, and nothing is set back."""
    found = first(Code.SIGNING_AHEAD, four(node(4, REGRESSION, signed=120)), MOVING)
    assert (found.nodes, found.advice.act) == (("n4",), Act.WAIT)
    assert "n4 120" in found.meaning
    usual = four(*(node(n, signed=70) for n in (1, 2, 3, 4)))
    assert Code.SIGNING_AHEAD not in codes(usual, MOVING)
    ahead = [node(n, REGRESSION, signed=120) for n in (1, 2, 3, 4)]
    assert Code.SIGNING_AHEAD not in codes(ahead, standing())


def test_signing_ahead_halts() -> None:
    ahead = [node(n, REGRESSION, signed=120) for n in (1, 2, 3, 4)]
    found = first(Code.SIGNING_AHEAD_HALTS, ahead, standing())
    assert found.file == "chaindata/config/priv_validator.json"
    assert "n1 120, n2 120, n3 120, n4 120; the chain is at 69" in found.meaning
    assert found.advice.act is Act.RESET
    assert "--reset-signing-state" in found.advice.text
    one_ahead = four(*(node(n, REGRESSION, signed=70) for n in (1, 2, 3, 4)))
    assert first(Code.SIGNING_AHEAD_HALTS, one_ahead, standing()).advice.act is Act.RESET
    assert Code.SIGNING_AHEAD_HALTS not in codes(ahead, MOVING)
    assert Code.SIGNING_AHEAD_HALTS not in codes([node(n, signed=70) for n in (1, 2, 3, 4)], standing())


@pytest.mark.parametrize(
    ("changed", "stood", "why"),
    [
        (node(1, signed=120, reachable=False, height=None), NAMES, "n1 was not seen to stand still"),
        (NodeEvidence("n1"), NAMES, "n1 was not seen to stand still"),
        (node(1, signed=120), ("n2", "n3", "n4"), "n1 was not seen to stand still"),
        (node(1, signed=120, members=(*MEMBERS, (FOREIGN, 1))), NAMES, "different sets of validators"),
        (node(1, signed=120, address=ADDRESSES[1]), NAMES, f"the validator {ADDRESSES[0]} is on none"),
        (node(1, signed=120, peer_ids=("f" * 40,)), NAMES, "an unknown peer is connected"),
        (
            replace(node(1, signed=120), validator=ValidatorFacts(None, None, None, problem="not JSON")),
            NAMES,
            "the validator key of n1 is not known",
        ),
    ],
)
def test_what_is_open_keeps_the_signing_states_from_being_set_back(
    changed: NodeEvidence, stood: tuple[str, ...], why: str
) -> None:
    ahead = four(changed, *(node(n, REGRESSION, signed=120) for n in (2, 3, 4)))
    found = first(Code.SIGNING_AHEAD_HALTS, ahead, standing(*stood))
    assert found.advice.act is Act.LOOK
    assert why in found.advice.text
    assert any(isinstance(fact, Open) for fact in found.evidence)


def test_a_third_that_can_sign_again_keeps_them_from_being_set_back() -> None:
    """Three of four can sign: something else stops the chain."""
    found = first(Code.SIGNING_AHEAD_HALTS, four(node(4, REGRESSION, signed=120)), standing())
    assert found.advice.act is Act.LOOK


def test_not_in_set() -> None:
    found = first(Code.NOT_IN_SET, four(node(2, address=FOREIGN)), MOVING)
    assert found.evidence == (HoldsKey("n2", FOREIGN, 0), StandsAt("n2", 69))
    assert found.advice.act is Act.LOOK
    behind = four(node(2, address=FOREIGN, height=20, catching_up=True))
    foreign_chain = four(node(2, members=((FOREIGN, 10),)))
    assert Code.NOT_IN_SET not in codes(behind, MOVING)
    assert Code.NOT_IN_SET not in codes(foreign_chain, MOVING), "the others' chain has its key"
    assert Code.NOT_IN_SET not in codes(four(node(2, address=FOREIGN, role=Role.BACKUP)), MOVING)


def facts(name: str, address: str, own: str, peers: str) -> NodeFacts:
    unit = read_unit("u", f"[Service]\nExecStart=loom run --persistent-peers {peers}\n")
    return NodeFacts(name, Role.VALIDATOR, address, 46656, own, unit=unit)


def report(listed: str, own: str = B, port: int = 46656) -> KeyReport:
    first_node = facts("n1", "10.2.0.1", A, f"{listed}@10.2.0.2:{port}")
    return compare([first_node, facts("n2", "10.2.0.2", own, f"{A}@10.2.0.1:46656")])


def test_wrong_reference() -> None:
    found = first(Code.WRONG_REFERENCE, four(), standing(), report(C))
    assert (found.node, found.file) == ("n1", "the unit file")
    assert [str(fact) for fact in found.evidence] == [f"expected {B}, found {C}"]
    assert found.advice.text.startswith(f"Put {B} there")
    port = first(Code.WRONG_REFERENCE, four(), standing(), report(B, port=26656))
    assert "has port 26656 for n2, which listens on 46656" in port.meaning
    unknown = compare([replace(node_of, addrbook=((C, "10.9.9.9:1"),)) for node_of in report(B).nodes])
    assert Code.WRONG_REFERENCE not in codes(four(), standing(), report(B))
    assert Code.WRONG_REFERENCE not in codes(four(), standing(), unknown)


def test_where_no_fix_is_known_the_references_are_to_be_compared() -> None:
    """A colon within the sentence is no fix."""
    node, *others = report(B).nodes
    found = first(Code.WRONG_REFERENCE, four(), standing(), compare([replace(node, reported=C), *others]))
    assert found.meaning.endswith(": Loom goes by another file, or the command has made a new key.")
    assert found.advice.text == Do.COMPARE_REFERENCES.advice(node="n1").text


def test_a_duplicate_identity_comes_first_and_names_the_file() -> None:
    found = first(Code.WRONG_REFERENCE, four(), standing(), report(A, own=A))
    assert (found.node, found.file, found.evidence) == ("n2", "chaindata/config/node_key.json", ())
    assert "same node key" in found.meaning


@pytest.mark.parametrize(
    ("line", "file", "meaning"),
    [
        ("Error: failed to load EVM root for version 69", "evm.db", "app.db stands at 69"),
        (
            "Error: Error during handshake: Error on replay: App block height (45) is higher than core (19)",
            "app.db",
            "app.db stands at 45, the blocks in chaindata/data only at 19",
        ),
        ("Error: dial tcp 10.2.0.9:6379: connect: connection refused", "loom.yml", "Redis cannot be reached"),
        (
            "Error: listen tcp 0.0.0.0:46656: bind: address already in use",
            "chaindata/config/config.toml",
            "0.0.0.0:46656",
        ),
    ],
)
def test_log_error(line: str, file: str, meaning: str) -> None:
    flapping = four(node(2, "E[x] other", line, line, flapping=True, active=False, height=None))
    found = first(Code.LOG_ERROR, flapping, standing())
    assert (found.node, found.file, found.evidence) == ("n2", file, (Said("n2", line),))
    assert meaning in found.meaning
    assert Code.LOG_ERROR not in codes(four(node(2, line)), MOVING), "it answers by now"
    assert Code.LOG_ERROR not in codes(four(node(2, "E[x] other", height=None)), MOVING)


def test_peers_missing() -> None:
    """By identity: the backup node's connection does not stand for a validator's."""
    seen = tuple(node_id(name) for name in ("n2", "n4"))
    nodes = four(node(1, peer_ids=seen, peers=2), node(4, role=Role.BACKUP))
    found = first(Code.PEERS_MISSING, nodes, MOVING)
    assert found.evidence == (Connected("n1", ("n2",), ("n3",), ()),)
    assert found.meaning == "n1 is not connected to n3, which runs."
    down = four(node(1, peer_ids=seen, peers=2), node(3, height=None, active=False, node_id=node_id("n3")))
    unknown = four(node(1, peer_ids=seen, peers=2), node(3, node_id=None, peer_ids=(), peers=None))
    assert Code.PEERS_MISSING not in codes(down, MOVING)
    assert Code.PEERS_MISSING not in codes(unknown, MOVING), "whether n3 is there cannot be told"


def test_unreachable() -> None:
    found = first(Code.UNREACHABLE, four(node(3, reachable=False, height=None)), standing())
    assert (found.nodes, found.advice.act) == (("n3",), Act.LOOK)
    assert Code.UNREACHABLE not in codes(four(node(3, active=False, height=None)), standing())
    assert Code.UNREACHABLE not in codes(four(NodeEvidence("n3")), standing()), "nobody has looked"


def test_flapping() -> None:
    nodes = four(node(3, "E[x] last words", flapping=True, active=False, height=None))
    found = first(Code.FLAPPING, nodes, standing())
    assert "over and over" in found.meaning
    assert found.evidence == (Said("n3", "E[x] last words"),)
    assert Code.FLAPPING not in codes(four(node(3, active=False, height=None)), standing())
    assert Code.FLAPPING not in codes(four(node(3, reachable=False, height=None)), standing())


def test_not_running() -> None:
    found = first(Code.NOT_RUNNING, four(node(3, active=False, height=None)), standing())
    assert (found.nodes, found.advice.act) == (("n3",), Act.START)
    assert Code.NOT_RUNNING not in codes(four(node(3, flapping=True, active=False, height=None)), standing())
    assert Code.NOT_RUNNING not in codes(four(node(3, reachable=False, height=None)), standing())


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (node(1, address=ADDRESSES[2]), "n1 has the same validator key"),
        (node(1, reachable=False, height=None), "the validator key of n1 is not known"),
        (NodeEvidence("n1"), "the validator key of n1 is not known"),
        (node(1, peer_ids=("f" * 40,)), "an unknown peer is connected"),
    ],
)
def test_nobody_is_told_to_start_what_may_be_a_second_holder(other: NodeEvidence, why: str) -> None:
    found = first(Code.NOT_RUNNING, four(other, node(3, active=False, height=None)), standing())
    assert found.advice.act is Act.LOOK
    assert why in found.advice.text


def test_log_warning() -> None:
    """Where there is nothing else, and the node itself does not say otherwise."""
    nobody = [
        node(n, *lines, peers=0, peer_ids=(), node_id=None) for n, *lines in ((1, NO_SEED), (2,), (3,), (4,))
    ]
    found = first(Code.LOG_WARNING, nobody, standing())
    assert found.nodes == ("n1",)
    assert "No seed answers on n1" in found.meaning
    assert told(four(node(1, NO_SEED)), standing()) == (), "it has all its peers"
    assert Code.LOG_WARNING not in codes(four(node(1, NO_SEED, TORN, height=None)), standing())


def test_danger_comes_before_errors_and_services_that_are_down_last() -> None:
    nodes = [
        node(1, TORN, height=None),
        node(2, DOUBLE),
        node(3, reachable=False, height=None),
        node(4, active=False, height=None),
    ]
    found = told(nodes, standing())
    assert [one.node for one in found] == ["n2", "n1", "n3", "n4"]


def test_evidence_is_clean() -> None:
    nodes = four(node(1, "Error: leveldb: manifest corrupted\x1b]52;c;aGk=\x07", height=None))
    assert first(Code.LOG_ERROR, nodes).evidence == (
        Said("n1", "Error: leveldb: manifest corrupted]52;c;aGk="),
    )


def test_what_the_verdict_says_itself_is_not_told_twice() -> None:
    nodes = four(node(3, reachable=False, height=None), node(2, address=FOREIGN))
    found = told(nodes, MOVING)
    reasons = Verdict(ClusterState.DEGRADED, "It moves.", ("n3 cannot be reached.",))
    assert [one.code for one in beyond(reasons, found)] == [Code.NOT_IN_SET]
    assert beyond(replace(reasons, reasons=()), found) == found
