"""Made-up plans."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from loomtui.backups.model import BackupKind, Compression, Item
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import (
    PLAN_VERSION,
    Archive,
    ExternalAddress,
    FileAction,
    FileChoice,
    NodePlan,
    Plan,
    PlannedChain,
    Prediction,
    RemedyKind,
    Scope,
    SigningAction,
    SigningChoice,
    ValidatorPower,
)
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.rooms import no_room
from loomtui.restore.planning.unread import predict_unread, unknowns_of, unread, unread_archive
from loomtui.restore.room import NodeRoom, OldData, RoomRemedy, RoomRemedyKind, RoomUnit, Shortage
from tests.screens import basics
from tests.screens.basics import CLUSTER, NAMES, NOW, VALIDATORS, address, backups, node_id

_JOB = "/etc/cron.d/loom: */5 * * * * ubuntu /home/ubuntu/backup.sh"


def plan(*, moves: bool = True, reset: bool = False, refusals: tuple[Finding, ...] = ()) -> Plan:
    listed = backups()
    archive = Archive(
        listed[0].key,
        listed[0].etag,
        "9f86d081" * 8,
        listed[0].size_bytes,
        21_123_456_789,
        4_711,
        Compression.BZIP2,
        listed[0].taken_at,
        (Item("app.db", "app.db"),),
        listed[0].taken_by,
    )
    sentence = (
        "4 of 4 validators can sign height 1,204,001: 40 of 40 voting power."
        if moves
        else "db1, db2, db3 and db4 signed up to height 1,204,551 and refuse to sign 1,204,001 again."
    )
    prediction = Prediction(
        moves,
        1_204_000,
        40 if moves else 0,
        40,
        sentence,
        () if moves else VALIDATORS,
        "" if moves else "Reset the signing state of all restored validators.",
        RemedyKind.NONE if moves else RemedyKind.RESET,
    )
    stands = Finding(FindingCode.CHAIN_STANDS, None, sentence, prediction.remedy)
    refused = refusals or (() if moves else (stands,))
    return Plan(
        PLAN_VERSION,
        "20261122-031415-ff00",
        NOW,
        "root@ops1",
        CLUSTER,
        True,
        Choices(reset_signing=reset),
        Scope.CLUSTER,
        tuple(_node_plan(name, archive, reset=reset) for name in NAMES),
        (),
        tuple(ValidatorPower(address(name), 10, name) for name in VALIDATORS),
        prediction,
        refused,
        (Finding(FindingCode.BACKUP_JOB, "db2", f"db2: a backup job is there: {_JOB}"),),
        chain=PlannedChain(
            "default",
            1_204_000,
            "AB" * 32,
            NOW - timedelta(hours=2),
            (
                "state.db in the data: chain default, block 1204000 of 2026-11-22 01:14:15 UTC, 4 validators",
                "Tendermint's genesis: state.db in the data",
                "Loom's genesis: the config backup prod/2026-11-21--230000-db1.tar.bz2",
            ),
        ),
    )


def unread_plan() -> Plan:
    """Nobody has read its data."""
    known = plan()
    contents = unread(replace(basics.backups()[0], kind=BackupKind.DATA, compression=Compression.BZIP2))
    data = unread_archive(contents)
    return replace(
        known,
        nodes=tuple(replace(node, data=data) for node in known.nodes),
        prediction=predict_unread(),
        chain=None,
        validators=(),
        unknowns=tuple(unknowns_of(contents, Scope.CLUSTER, needs_evm=True)),
    )


GIB = 1024**3
OLD = OldData(("chaindata/data/blockstore.db", "chaindata/data/state.db", "app.db"), 19 * GIB, 9_200)


def full_plan(*, may_take_delta: bool = False) -> Plan:
    """On two nodes old and new databases do not fit together."""
    short = Shortage(("/home/ubuntu/.loomtui",), RoomUnit.BYTES, 4 * GIB, 21 * GIB, "data in 4,711 files")
    command = "loomtui plan --give-up-old-data loom-prod"
    remedies = [
        RoomRemedy(RoomRemedyKind.CLEAN, 3 * GIB, False, ("loomtui clean 20261101-020000-beef",)),
        RoomRemedy(RoomRemedyKind.GIVE_UP, OLD.bytes, True, (command,)),
    ]
    if may_take_delta:
        remedies.insert(1, RoomRemedy(RoomRemedyKind.DELTA, 18 * GIB, True, ("loomtui plan --delta",)))
    room = tuple(NodeRoom(name, (short,), tuple(remedies)) for name in ("db2", "db3"))
    refusals = tuple(no_room(one) for one in room)
    return replace(plan(refusals=refusals), room=room)


def giving_up_plan() -> Plan:
    """The same with the operator's consent."""
    known = plan()
    nodes = tuple(
        replace(node, gives_up=OLD if node.name in ("db2", "db3") else None) for node in known.nodes
    )
    return replace(known, nodes=nodes, choices=replace(known.choices, give_up_old_data=True))


def _node_plan(name: str, archive: Archive, *, reset: bool) -> NodePlan:
    action = SigningAction.RESET if reset else SigningAction.KEEP
    signing = SigningChoice(
        action, address(name), 1_204_551, None, 0 if reset else 1_204_551, "the node's own state"
    )
    if name == "backup1":
        signing = SigningChoice(SigningAction.NONE, None, None, None, None, "no validator key")
    files = (
        FileChoice("genesis.json", FileAction.RESTORE, "the backup's", False),
        FileChoice(
            "loom.yml",
            FileAction.RESTORE,
            "the backup's",
            True,
            diff=unified_diff("RPCBindAddress: old\n", "RPCBindAddress: new\n", "loom.yml"),
        ),
    )
    return NodePlan(
        name,
        "/home/ubuntu",
        "/etc/systemd/system/loom.service",
        "ubuntu",
        "ubuntu",
        archive,
        None,
        files,
        signing,
        node_id(name),
        f"10.2.0.{4 + NAMES.index(name)}",
        46656,
        backup_jobs=(_JOB,) if name == "db2" else (),
        staging="/var/tmp/stage" if name == "backup1" else None,
        external_addresses=(
            ExternalAddress("loom.yml", "EventDispatcherURI", "redis://10.2.0.9:6379", True, "reached"),
        ),
    )
