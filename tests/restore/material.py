"""What the tests of the restore are made of: keys, a node's files, backups, plans."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from loomtui.backups.model import Backup, BackupKind, Compression, Contents, Item
from loomtui.drill.node.blocks import Validator, timestamp
from loomtui.drill.node.states import GENESIS_DOC, State
from loomtui.fleet.probes.node_status import Active, NodeDetails, NodeStatus, ServiceState
from loomtui.inventory.model import Role
from loomtui.loom.chainstate import ChainState, Power
from loomtui.loom.nodekey import NodeKeyFacts, node_id, validator_address
from loomtui.loom.rpc import ChainFacts
from loomtui.loom.units import read_unit
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.restore.choices import Choices
from loomtui.restore.plan import (
    PLAN_VERSION,
    Archive,
    FileChoice,
    NodePlan,
    Plan,
    Prediction,
    Scope,
    SigningAction,
    SigningChoice,
    ValidatorPower,
)
from tests.loom import leveldb_writer
from tests.restore.local import GROUP, USER, LocalNode

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Key:
    """A throw-away ed25519 key; node keys and validator keys are made of it alike."""

    seed: int

    @cached_property
    def public(self) -> bytes:
        private = Ed25519PrivateKey.from_private_bytes(bytes([self.seed]) * 32)
        return private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @cached_property
    def stored(self) -> str:
        return base64.b64encode(bytes([self.seed]) * 32 + self.public).decode()

    @cached_property
    def node_id(self) -> str:
        return node_id(self.public)

    @cached_property
    def address(self) -> str:
        return validator_address(self.public)

    @property
    def node_key_json(self) -> str:
        return json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": self.stored}})

    def validator_json(self, height: int, round_: int = 0, step: int = 3, **changes: Any) -> str:
        """A priv_validator.json of Tendermint 0.27; a change to None removes the field."""
        document: dict[str, object] = {
            "address": self.address,
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": self.public64},
            "last_height": str(height),
            "last_round": str(round_),
            "last_step": step,
            "last_signature": "c2lnbmF0dXJl",
            "last_signbytes": "00FF",
            "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": self.stored},
        } | changes
        return json.dumps({name: value for name, value in document.items() if value is not None})

    @cached_property
    def public64(self) -> str:
        return base64.b64encode(self.public).decode()

    def facts(self, height: int | None, round_: int = 0, step: int = 3) -> ValidatorFacts:
        state = None if height is None else SigningState(height, round_, step)
        return ValidatorFacts(self.address, self.public64, state)


@cache
def node_key_of(number: int) -> Key:
    """The P2P key of the n-th node."""
    return Key(number)


@cache
def validator_key_of(number: int) -> Key:
    """The validator key of the n-th node."""
    return Key(100 + number)


# ── files of a node ─────────────────────────────────────────────────────────────────────────────────────────

CHAIN_ID = "default"
LOOM_GENESIS = json.dumps({"contracts": [{"vm": "plugin", "name": "coin"}]})
LOOM_YML = "AppStore:\n  Version: 1\n"
CONFIG_TOML = '[p2p]\nladdr = "tcp://0.0.0.0:46656"\n'


def tendermint_genesis(*keys: Key, power: int = 10) -> str:
    validators = [
        {
            "address": key.address,
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": key.public64},
            "power": str(power),
            "name": "",
        }
        for key in keys
    ]
    document = {"genesis_time": "2018-09-06T00:00:00Z", "chain_id": CHAIN_ID, "validators": validators}
    return json.dumps(document)


def write_database(folder: Path, journal: bytes = b"", mark: str = "") -> None:
    """A LevelDB folder; `mark` makes its bytes unlike those of any other."""
    folder.mkdir(parents=True)
    (folder / "CURRENT").write_text("MANIFEST-000000\n")
    (folder / "MANIFEST-000000").write_bytes(
        leveldb_writer.manifest(log_number=1, next_file=2, last_sequence=1)
    )
    (folder / "000001.log").write_bytes(journal)
    (folder / "LOG").write_text(f"{folder.name} {mark}\n")


def app_journal(height: int) -> bytes:
    return leveldb_writer.journal(
        [leveldb_writer.write_batch(1, [(b"r" + height.to_bytes(8, "big"), b"root")])]
    )


def store_journal(height: int) -> bytes:
    value = json.dumps({"height": str(height)}).encode()
    return leveldb_writer.journal([leveldb_writer.write_batch(1, [(b"blockStore", value)])])


def state_journal(
    height: int,
    powers: Mapping[Key, int],
    at: datetime = NOW,
    *,
    genesis: str | None = None,
) -> bytes:
    """The journal of a state.db whose last block is of `height` and of the time `at`.

    `powers`: of the set that decides. `genesis`: its `genesisDoc`; None: no longer in the journal.
    """
    members = tuple(Validator(key.address, key.public64, power) for key, power in powers.items())
    signed = members if height else ()
    block = hashlib.sha256(b"%d" % height).hexdigest().upper() if height else ""
    state = State(CHAIN_ID, height, block, timestamp(at), signed, members, members, 1, block)
    items = [(GENESIS_DOC, genesis.encode())] if genesis else []
    return leveldb_writer.journal(
        [leveldb_writer.write_batch(1, [item]) for item in [*items, *state.stored()]]
    )


def write_state(workdir: Path, height: int, mark: str, *extra: str, state: bytes = b"") -> None:
    """The databases of one state of the chain. `state`: the journal of state.db."""
    write_database(workdir / "app.db", app_journal(height), mark)
    write_database(workdir / "chaindata/data/blockstore.db", store_journal(height), mark)
    write_database(workdir / "chaindata/data/state.db", state, mark)
    for name in extra:
        write_database(workdir / name, b"", mark)


def write_node(
    machine: LocalNode,
    number: int,
    *,
    height: int = 130,
    signed: int | None = None,
    peers: str = "",
    validators: tuple[Key, ...] = (),
) -> None:
    """The files of a node whose chain is at `height`; it has signed up to `signed`."""
    work, own = machine.workdir, validator_key_of(number)
    write_state(work, height, f"{machine.name} live", "evm.db", "receipts_db", "old_app_17.db")
    (work / "chaindata").chmod(0o700)
    machine.config.mkdir(mode=0o700)
    (machine.config / "node_key.json").write_text(node_key_of(number).node_key_json)
    (machine.config / "priv_validator.json").write_text(own.validator_json(signed or height))
    for name in ("node_key.json", "priv_validator.json"):
        (machine.config / name).chmod(0o600)
    (machine.config / "genesis.json").write_text(tendermint_genesis(*(validators or (own,))))
    (machine.config / "config.toml").write_text(CONFIG_TOML)
    (work / "genesis.json").write_text(LOOM_GENESIS)
    (work / "loom.yml").write_text(LOOM_YML)
    machine.write_unit(unit_text(machine, peers))


def unit_text(machine: LocalNode, peers: str) -> str:
    command = f"{machine.bin}/loom run" + (f" --persistent-peers {peers}" if peers else "")
    return (
        f"[Unit]\nDescription=Loom\n\n[Service]\nType=simple\nUser={USER}\nGroup={GROUP}\n"
        f"WorkingDirectory={machine.workdir}\nExecStart={command}\nRestart=always\nRestartSec=2\n"
    )


def tar_of(*files: tuple[str, bytes | str]) -> bytes:
    """A tar of these files with root as their owner, as a node's backup job packs them."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files:
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), 1_500_000_000, 0o640
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def tar_of_folder(folder: Path, *names: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in names:
            archive.add(folder / name, name)
    return out.getvalue()


# ── what is seen of nodes, and plans ────────────────────────────────────────────────────────────────────────

ITEMS = (Item("app.db", "app.db"), Item("chaindata/data", "chaindata/data"))


def archive(**changes: Any) -> Archive:
    return replace(
        Archive(
            key="2026-01-01--000000-n1.tar.gz",
            etag='"0123456789abcdef0123456789abcdef"',
            sha256="0" * 64,
            size_bytes=1000,
            unpacked_bytes=5000,
            file_count=3,
            compression=Compression.GZIP,
            taken_at=NOW,
            items=ITEMS,
        ),
        **changes,
    )


def signing_choice(action: SigningAction = SigningAction.KEEP, **changes: Any) -> SigningChoice:
    choice = SigningChoice(action, validator_key_of(1).address, 130, 100, 130, "the newest state")
    return replace(choice, **changes)


def node_plan(name: str = "n1", **changes: Any) -> NodePlan:
    plan = NodePlan(
        name=name,
        working_directory="/home/ubuntu",
        unit_path="/etc/systemd/system/loom.service",
        user="ubuntu",
        group="ubuntu",
        data=archive(),
        config=None,
        files=(),
        signing=signing_choice(),
        node_id=node_key_of(1).node_id,
        address="10.2.0.4",
        port=46656,
    )
    return replace(plan, **changes)


def make_plan_of(*nodes: NodePlan, **changes: Any) -> Plan:
    plan = Plan(
        version=PLAN_VERSION,
        id="20260102-030405-abcd",
        made_at=NOW,
        made_by="op@desk",
        cluster="lab",
        production=False,
        choices=Choices(),
        scope=Scope.CLUSTER,
        nodes=nodes or (node_plan(),),
        left_out=(),
        validators=(ValidatorPower(validator_key_of(1).address, 10, "n1"),),
        prediction=Prediction(True, 100, 10, 10, "The chain can go on from 100."),
        refusals=(),
        warnings=(),
    )
    return replace(plan, **changes)


def file_choice(target: str, **changes: Any) -> FileChoice:
    from loomtui.restore.plan import FileAction

    choice = FileChoice(target, FileAction.KEEP, "the backup has none", changes=False)
    return replace(choice, **changes)


def backup(key: str, **changes: Any) -> Backup:
    made = Backup(key, "n1", NOW, NOW, 1000, '"e"', BackupKind.DATA, Compression.GZIP, certain=True)
    return replace(made, **changes)


def chain_state(height: int, *keys: Key, power: int = 10, **changes: Any) -> ChainState:
    """What state.db tells at this height: these keys decide, now as before."""
    powers = tuple(Power(key.address, key.public64, power) for key in keys)
    state = ChainState(CHAIN_ID, height, "AB" * 32, NOW, powers, powers, powers, 1, "CD" * 32)
    return replace(state, **changes)


def contents(**changes: Any) -> Contents:
    made = Contents(
        backup=backup("2026-01-01--000000-n1.tar.gz"),
        sha256="0" * 64,
        file_count=3,
        unpacked_bytes=5000,
        members=(),
        data_items=(),
        config_items=(),
        app_height=None,
        store_height=None,
        node_key=None,
        validator=None,
    )
    return replace(made, **changes)


def chain_facts(height: int) -> ChainFacts:
    return ChainFacts("", CHAIN_ID, "0.27.3", "", height, "AA", NOW, False, None, 10)


def node_status(name: str = "n1", number: int = 1, **changes: Any) -> NodeStatus:
    key = node_key_of(number)
    service = ServiceState(
        "loom.service", "loaded", Active.INACTIVE, "dead", None, 0, 0, 0, False, None, "/usr/bin/loom run"
    )
    status = NodeStatus(
        name=name,
        role=Role.VALIDATOR,
        at=NOW,
        reachable=True,
        service=service,
        unit=read_unit("/etc/systemd/system/loom.service", "[Service]\nExecStart=/usr/bin/loom run\n"),
        node_key=NodeKeyFacts(key.node_id, key.public64),
        validator=validator_key_of(number).facts(130),
    )
    return replace(status, **changes)


def node_details(name: str = "n1", number: int = 1, **changes: Any) -> NodeDetails:
    status = changes.pop("status", None) or node_status(name, number)
    assert isinstance(status, NodeStatus)
    details = NodeDetails(
        name=name,
        status=status,
        user="ubuntu",
        group="ubuntu",
        working_directory="/home/ubuntu",
        databases={"app.db": 1000, "chaindata/data": 1000},
        texts={
            "genesis.json": LOOM_GENESIS,
            "loom.yml": LOOM_YML,
            "chaindata/config/genesis.json": tendermint_genesis(validator_key_of(1)),
            "chaindata/config/config.toml": CONFIG_TOML,
        },
        digests={"chaindata/config/node_key.json": "1" * 64},
        loom_configs=("loom.yml",),
    )
    return replace(details, **changes)
