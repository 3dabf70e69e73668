from __future__ import annotations

import pytest

from loomtui.inventory.model import Role
from loomtui.loom.diagnosis import Diagnosis, NodeEvidence, diagnose
from loomtui.loom.health import NodeView
from loomtui.loom.references import NodeFacts, compare
from loomtui.loom.units import read_unit
from loomtui.loom.validator import SigningState, ValidatorFacts

from .vectors import A, B, C, X

ADDRESSES = ("11" * 20, "22" * 20, "33" * 20, "44" * 20)
POWERS = tuple((address, 10) for address in ADDRESSES)
REGRESSION = 'E[x] Error signing vote module=consensus height=70 err="Error signing vote: Height regression"'


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
) -> NodeEvidence:
    state = None if signed is None else SigningState(signed, 0, 3)
    validator = ValidatorFacts(address or ADDRESSES[number - 1], None, state)
    name = f"n{number}"
    return NodeEvidence(name, NodeView(name, role, reachable, active, height), flapping, validator, lines)


def four(*changed: NodeEvidence) -> list[NodeEvidence]:
    by_name = {one.name: one for one in changed}
    return [by_name.get(f"n{number}") or node(number) for number in range(1, 5)]


def only(found: tuple[Diagnosis, ...]) -> Diagnosis:
    (one,) = found
    return one


def test_nothing_known_nothing_said() -> None:
    assert diagnose(four()) == ()
    assert diagnose([NodeEvidence("n1")]) == ()


def test_signing_states_ahead_of_restored_data_halt_the_chain() -> None:
    evidence = [node(number, REGRESSION, signed=120) for number in range(1, 5)]
    found = only(diagnose(evidence, validators=POWERS))
    assert (found.node, found.file) == ("n1", "chaindata/config/priv_validator.json")
    assert "n1 120, n2 120, n3 120, n4 120; the chain is at 69" in found.cause
    assert "--reset-signing-state" in found.fix
    assert len(found.evidence) == 4


def test_where_only_some_nodes_have_logged_it_all_are_named() -> None:
    evidence = [node(1, REGRESSION, signed=120), *(node(number, signed=120) for number in (2, 3, 4))]
    assert "n4 120" in only(diagnose(evidence)).cause


def test_one_validator_ahead_waits() -> None:
    found = only(diagnose(four(node(4, REGRESSION, signed=120)), validators=POWERS))
    assert found.fix.startswith("Wait")
    assert "n4 120" in found.cause


def test_one_step_ahead_is_usual_unless_the_node_refuses() -> None:
    assert diagnose([node(number, signed=70) for number in range(1, 5)]) == ()
    conflicting = 'E[x] Error signing vote err="Error signing vote: Conflicting data"'
    found = only(diagnose([node(number, conflicting, signed=70) for number in range(1, 5)]))
    assert "--reset-signing-state" in found.fix


def test_without_heights_or_signing_states_nothing_is_said_of_them() -> None:
    assert diagnose([node(1, height=None, signed=120), node(2, height=None)]) == ()
    assert diagnose([node(1, signed=None)]) == ()


def test_all_with_the_same_validator_key() -> None:
    evidence = [node(number, address=X.upper()) for number in range(1, 5)]
    first, *rest = diagnose(evidence, validators=POWERS)
    assert first.file == "chaindata/config/priv_validator.json"
    assert "n1, n2, n3 and n4 have the same validator key" in first.cause
    assert [one.node for one in rest] == ["n1", "n2", "n3", "n4"]
    assert "is not in the chain's set" in rest[0].cause


def test_the_backup_node_need_not_be_in_the_set() -> None:
    assert diagnose([node(1), node(2, address=X.upper(), role=Role.BACKUP)], validators=POWERS) == ()


def facts(name: str, address: str, node_id: str, peers: str) -> NodeFacts:
    unit = read_unit("u", f"[Service]\nExecStart=loom run --persistent-peers {peers}\n")
    return NodeFacts(name, Role.VALIDATOR, address, 46656, node_id, unit=unit)


def test_wrong_ids_in_a_list() -> None:
    report = compare(
        [facts("n1", "10.2.0.1", A, f"{C}@10.2.0.2:46656"), facts("n2", "10.2.0.2", B, f"{A}@10.2.0.1:46656")]
    )
    found = only(diagnose(four(), report))
    assert (found.node, found.file) == ("n1", "the unit file")
    assert found.evidence == (f"expected {B}, found {C}",)
    assert found.fix.startswith(f"Put {B} there")


def test_a_duplicate_identity_comes_first_and_names_the_file() -> None:
    report = compare(
        [facts("n1", "10.2.0.1", A, f"{A}@10.2.0.2:46656"), facts("n2", "10.2.0.2", A, f"{A}@10.2.0.1:46656")]
    )
    found = diagnose(four(), report)[0]
    assert (found.node, found.file, found.evidence) == ("n2", "chaindata/config/node_key.json", ())
    assert "same node key" in found.cause


def test_a_wrong_port() -> None:
    report = compare(
        [
            facts("n1", "10.2.0.1", A, f"{B}@10.2.0.2:26656"),
            facts("n2", "10.2.0.2", B, f"{A}@10.2.0.1:46656"),
        ]
    )
    found = only(diagnose(four(), report))
    assert "has port 26656 for n2, which listens on 46656" in found.cause


@pytest.mark.parametrize(
    ("line", "file", "cause"),
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
        (
            "E[x] Found conflicting vote from ourselves.",
            "chaindata/config/priv_validator.json",
            "Double sign",
        ),
        (
            'E[x] CONSENSUS FAILURE!!! err="Wrong Block.Header.AppHash. Expected"',
            "app.db",
            "The state has parted from the chain",
        ),
    ],
)
def test_what_the_log_says(line: str, file: str, cause: str) -> None:
    flapping = diagnose(four(node(2, "E[x] other", line, line, flapping=True)))
    assert (flapping[0].node, flapping[0].file, flapping[0].evidence) == ("n2", file, (line,))
    assert cause in flapping[0].cause
    assert "over and over" in flapping[-1].cause


def test_danger_comes_before_errors_and_services_that_are_down_last() -> None:
    found = diagnose(
        [
            node(1, "Error: leveldb: manifest corrupted"),
            node(2, "E[x] Found conflicting vote from ourselves."),
            node(3, reachable=False, height=None),
            node(4, active=False),
        ]
    )
    assert [one.node for one in found] == ["n2", "n1", "n3", "n4"]
    assert "cannot be reached" in found[2].cause
    assert "does not run" in found[3].cause


def test_warnings_count_where_there_is_nothing_else() -> None:
    line = 'E[x] Error dialing peer module=p2p err="dial tcp 10.2.0.4:46656: connect: connection refused"'
    found = only(diagnose(four(node(1, line))))
    assert (found.node, found.file, found.evidence) == ("n1", "the unit file", (line,))
    assert diagnose(four(node(1, line, "Error: leveldb: manifest corrupted")))[0].cause.startswith("A torn")


def test_evidence_is_clean() -> None:
    found = only(diagnose(four(node(1, "Error: leveldb: manifest corrupted\x1b]52;c;aGk=\x07"))))
    assert found.evidence == ("Error: leveldb: manifest corrupted]52;c;aGk=",)
