"""Made-up plans."""

from __future__ import annotations

from datetime import timedelta

from loomtui.backups.model import Compression, Item
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
