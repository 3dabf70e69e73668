"""What a proof is made of: succession, configuration, metrics, and what is not the backup's fault."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.drill.machines import Machine
from loomtui.drill.node.states import State
from loomtui.drill.proof.node_config import Identity, Origin, isolated, refuse_foreign, rendered
from loomtui.drill.proof.prometheus import exposition
from loomtui.drill.proof.proofs import Program, Proof, ProofStep, StepTaken
from loomtui.drill.proof.succession import NoSuccessionError, is_practice_chain, succeed
from loomtui.errors import Refused
from loomtui.loom import leveldb
from loomtui.loom.chainstate import read_chain_state
from loomtui.loom.config import loom_yml_fields, read_loom_yml

REAL = Path(__file__).parents[2] / "loom/real"
HEIGHT = 49  # of the real databases
MACHINE = Machine("proof", True, Path("/nowhere"), "127.9.9.1", 20001, 20002, "proof")
AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
PROOF = Proof(
    key="nightly/a.tar.bz2",
    taken_at=AT - timedelta(hours=2),
    size_bytes=5,
    began=AT,
    steps=(StepTaken(ProofStep.READ, 2.0), StepTaken(ProofStep.START, 1.5)),
    program=Program.LOOM,
    height=HEIGHT,
    block_time=AT - timedelta(hours=1),
)


@pytest.fixture
def state_db(tmp_path: Path) -> Path:
    folder = tmp_path / "state.db"
    shutil.copytree(REAL / "state.db", folder)
    for path in (folder, *folder.iterdir()):
        path.chmod(0o700)
    return folder


def journal(folder: Path) -> bytes:
    return max(folder.glob("*.log")).read_bytes()


@pytest.mark.parametrize(("stored", "first"), [(HEIGHT, HEIGHT + 1), (HEIGHT + 1, HEIGHT + 2)])
def test_a_real_state_gets_one_new_validator_and_keeps_all_else(
    state_db: Path, stored: int, first: int
) -> None:
    """A block that is stored and not in the state yet stays with those who have made it."""
    before = read_chain_state(journal(state_db))
    heir = Identity.new().validator
    assert succeed(state_db, heir, stored) == first
    after = read_chain_state(journal(state_db))
    assert before is not None
    assert after is not None
    assert [one.address for one in after.next_validators] == [heir.address]
    if first == HEIGHT + 1:
        assert after.validators == after.next_validators
    else:
        assert after.validators == before.validators
    sets_before = replace(after, validators=before.validators, next_validators=before.next_validators)
    assert replace(sets_before, last_change=before.last_change) == before
    assert after.last_change == first
    sets = {
        key: value for record in leveldb.records(journal(state_db)) for key, value in leveldb.puts(record)
    }
    assert [key for key in sets if key.startswith(b"validatorsKey:")][-1] == b"validatorsKey:%d" % (
        HEIGHT + 2
    )
    assert State.decode(sets[b"stateKey"]).next_validators[0].address == heir.address


def test_numbers_of_writes_go_on_where_they_were(state_db: Path) -> None:
    """LevelDB takes the write with the highest number for the newest."""
    succeed(state_db, Identity.new().validator, HEIGHT)
    *before, last = [int.from_bytes(record[:8], "little") for record in leveldb.records(journal(state_db))]
    assert last > max(before)


def test_a_torn_end_of_a_journal_is_cut_off_first(state_db: Path) -> None:
    path = max(state_db.glob("*.log"))
    path.write_bytes(path.read_bytes() + b"torn")
    heir = Identity.new().validator
    succeed(state_db, heir, HEIGHT)
    told = read_chain_state(path.read_bytes())
    assert told is not None
    assert told.validators[0].address == heir.address


def test_a_state_that_is_not_told_has_no_successor(state_db: Path) -> None:
    max(state_db.glob("*.log")).write_bytes(b"")
    with pytest.raises(NoSuccessionError):
        succeed(state_db, Identity.new().validator, HEIGHT)


def test_the_blocks_of_a_real_chain_are_none_of_the_stand_ins() -> None:
    assert not is_practice_chain(REAL / "blockstore.db", HEIGHT)
    assert not is_practice_chain(REAL / "none.db", HEIGHT)


LOOM_YML = """
ChainID: extdev
AppStore: {Version: 3, CompactOnLoad: true}
Peers: "tcp://aa@10.2.0.4:46656"
RPCListenAddress: "tcp://0.0.0.0:46657"
EventDispatcher: {Dispatcher: redis, Redis: {URI: "redis://:secret@10.2.0.9:6379"}}
TransferGateway:
  ContractEnabled: true
  OracleEnabled: true
  EthereumURI: "wss://mainnet.example/ws"
  DAppChainReadURI: "http://10.2.0.8:46658/query"
ChainConfig: {ContractEnabled: true, Hosts: ["10.2.0.7:9999", fine]}
HsmConfig: {HsmEnabled: true, HsmConnUrl: "10.2.0.6:12345"}
"""


def test_what_the_application_needs_stays_and_addresses_go() -> None:
    text = isolated(LOOM_YML, MACHINE)
    fields = loom_yml_fields(text)
    assert fields["chainid"] == "extdev"
    assert (fields["appstore.version"], fields["appstore.compactonload"]) == (3, True)
    assert (fields["transfergateway.contractenabled"], fields["transfergateway.oracleenabled"]) == (
        True,
        False,
    )
    assert fields["rpclistenaddress"] == "tcp://127.0.0.1:20001"
    assert fields["chainconfig.hosts[0]"] == "fine"
    assert not [name for name in fields if name.startswith(("peers", "eventdispatcher", "hsm"))]
    assert read_loom_yml(text).foreign_addresses == ()
    refuse_foreign(text, "")
    assert "10.2.0" not in text
    assert "secret" not in text


@pytest.mark.parametrize(
    "line",
    [
        'Nodes: "10.2.0.4:46656,10.2.0.5:46656"',
        'Note: "see http://10.2.0.4/x"',
        'Sinks: "a.example:9092,b.example:9092"',
        'Sinks: "x [2001:db8::1]:9092"',
        'Sink: "x redis://events.example"',
    ],
)
def test_an_address_in_a_form_that_nobody_knows_is_refused(line: str) -> None:
    origin = Origin(f"ChainID: extdev\n{line}\n", None, None)
    with pytest.raises(Refused, match=r"another machine's address would be left"):
        rendered(origin, MACHINE, Identity.new(), "extdev")


def test_a_configuration_of_its_own_names_the_chain_where_no_backup_has_one() -> None:
    texts = rendered(Origin(None, None, None), MACHINE, Identity.new(), "extdev")
    assert '"chain_id": "extdev"' in texts["chaindata/config/genesis.json"]
    assert "pex = false" in texts["chaindata/config/config.toml"]
    assert 'laddr = "tcp://127.9.9.1:46656"' in texts["chaindata/config/config.toml"]


@pytest.mark.parametrize("text", ["a: [", "a: &a [*a]", f"a: &a {list(range(200))}\nb: &b [{'*a,' * 99}]\n"])
def test_a_loom_yml_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        isolated(text, MACHINE)


def test_metrics_have_the_form_of_the_exposition() -> None:
    bad = replace(PROOF, steps=(StepTaken(ProofStep.READ, 1.0, "it is truncated"),))
    text = exposition('ma"in\\net\n', [bad, PROOF], AT)
    for line in text.splitlines():
        assert line.startswith(("# HELP loomtui_proof_", "# TYPE loomtui_proof_", "loomtui_proof_")), line
    assert text.endswith("\n")
    label = r'cluster="ma\"in\\net\n"'
    assert f"loomtui_proof_timestamp_seconds{{{label}}} {int(AT.timestamp())}\n" in text
    assert f"loomtui_proof_success{{{label}}} 0\n" in text
    assert f'loomtui_proof_backups{{{label},result="good"}} 1\n' in text
    assert f"loomtui_proof_data_age_seconds{{{label}}} 3600\n" in text
    assert f"loomtui_proof_height{{{label}}} {HEIGHT}\n" in text
    assert "data_age" not in exposition("x", [bad], AT)


def test_what_is_lost_counts_from_the_last_block() -> None:
    assert PROOF.age_seconds == 3600
    assert replace(PROOF, block_time=None).age_seconds == 7200
    assert PROOF.blocks_lost is None
    assert replace(PROOF, signed=HEIGHT).blocks_lost is None
    assert replace(PROOF, signed=HEIGHT + 12).blocks_lost == 12
