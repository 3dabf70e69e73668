"""A made-up cluster as frozen values: its nodes, backups, keys, logs and runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from loomtui.backups.clocks import TakenBy
from loomtui.backups.model import Backup, BackupKind, Compression, Contents, Item, Member, MemberType
from loomtui.backups.prepared.reference import PreparedState
from loomtui.fleet.probes.backup_jobs import BackupJob, BackupJobs, JobKind
from loomtui.fleet.probes.log_tail import LogLine
from loomtui.fleet.probes.node_status import Active, NodeDetails, NodeStatus, ServiceState
from loomtui.inventory.model import Inventory, Node, Role, S3Settings
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind, NodeFacts
from loomtui.loom.rpc import ChainFacts
from loomtui.loom.units import EffectiveUnit, UnitFile
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.identities import ServiceFix
from loomtui.restore.record.run_store import RunSummary

HEIGHT = 1_204_551
NOW = datetime(2026, 11, 22, 3, 14, 15, tzinfo=UTC)
PATH = Path("inventory.yml")
NAMES = ("db1", "db2", "db3", "db4", "backup1")
VALIDATORS = NAMES[:4]
CLUSTER = "loom-prod"
UNIT_TEXT = (
    "[Unit]\nDescription=Loom\n\n[Service]\nExecStart=/usr/bin/loom run --persistent-peers tcp://{peers}\n"
)

#: What a hostile node, object or file may say. Each crashed or deceived a screen once, here or elsewhere.
HOSTILE = (
    "[/]",
    "[Unit]",
    "loom[2314]: [/data] full",
    "\x1b]52;c;ZXZpbA==\x07clipboard",
    "[@click=app.bell]x[/]",
    "\x1b[2J\x1b[H[bold red]owned",
)


def node_id(name: str) -> str:
    return (f"{NAMES.index(name) + 1:x}" * 8 + "34750f98bd59fcfc946da45aaabe933be154a4b5")[:40]


def address(name: str) -> str:
    return node_id(name).upper()


def inventory(*, production: bool = True) -> Inventory:
    return Inventory(
        cluster=CLUSTER,
        production=production,
        s3=S3Settings(bucket="loom-backups", prefix="prod/"),
        nodes=tuple(
            Node(
                name=name,
                role=Role.BACKUP if name == "backup1" else Role.VALIDATOR,
                host=f"10.2.0.{4 + number}",
            )
            for number, name in enumerate(NAMES)
        ),
    )


def unit(name: str) -> EffectiveUnit:
    text = UNIT_TEXT.format(peers=f"{node_id(name)}@10.2.0.9:46656")
    return EffectiveUnit((UnitFile(UNIT_PATH, text),), user="ubuntu", exec_start_file=UNIT_PATH)


def status(name: str, **changes: Any) -> NodeStatus:
    role = Role.BACKUP if name == "backup1" else Role.VALIDATOR
    service = ServiceState(
        "loom.service",
        "loaded",
        Active.ACTIVE,
        "running",
        NOW - timedelta(days=3, hours=4),
        2314,
        0,
        77,
        False,
        None,
        "",
    )
    chain = ChainFacts(
        node_id(name),
        "default",
        "0.27.3",
        name,
        HEIGHT,
        "A1B2" * 10,
        NOW - timedelta(seconds=1),
        False,
        address(name),
        10,
        4,
        tuple(node_id(other) for other in VALIDATORS if other != name),
    )
    healthy = NodeStatus(
        name,
        role,
        NOW - timedelta(seconds=1),
        True,
        service=service,
        unit=unit(name),
        node_key=NodeKeyFacts(node_id(name), "AT8="),
        validator=ValidatorFacts(address(name), "AT8=", SigningState(HEIGHT, 0, 3)),
        chain=chain,
        disk_free_bytes=412_316_860_416,
        disk_total_bytes=1_099_511_627_776,
        version="1.0.0+350994c",
        load_average=0.42,
        clock_offset_seconds=0.1,
    )
    return replace(healthy, **changes)


def stopped(name: str) -> NodeStatus:
    running = status(name)
    assert running.service is not None
    service = replace(
        running.service, active=Active.INACTIVE, sub="dead", main_pid=0, since=NOW - timedelta(minutes=12)
    )
    return replace(
        running, service=service, chain=None, chain_error="the RPC does not answer: connection refused"
    )


def unreachable(name: str) -> NodeStatus:
    role = status(name).role
    return NodeStatus(name, role, NOW - timedelta(seconds=40), False, "no answer on port 22 within 15 s")


def details(status: NodeStatus) -> NodeDetails:
    return NodeDetails(
        status.name,
        status,
        "ubuntu",
        "ubuntu",
        "/home/ubuntu",
        {"app.db": 8_123_456_789, "chaindata/data": 21_123_456_789, "evm.db": 1_123_456},
        {"loom.yml": "ChainID: default\n"},
        digests={
            "genesis.json": "9f86d081" * 8,
            "loom.yml": ("1b4f0e98" if status.name == "db4" else "60303ae2") * 8,
            "chaindata/config/genesis.json": "fd61a03a" * 8,
            "chaindata/config/config.toml": f"{NAMES.index(status.name) + 1:x}" * 64,
            "chaindata/config/node_key.json": node_id(status.name)[:8] * 8,
        },
        reported_node_id=node_id(status.name) if status.reachable else None,
        tools=frozenset({"curl", "bzip2"}),
        backups=BackupJobs((BackupJob(JobKind.CRONTAB, "/etc/cron.d/loom", "*/5 * * * * ubuntu backup.sh"),)),
    )


def backup(key: str, hours: int, kind: BackupKind, size: int, source: str | None = "backup1") -> Backup:
    at = NOW - timedelta(hours=hours)
    etag = f'"{hours:032x}"'
    by = TakenBy.MEASURED if source else TakenBy.LAST_MODIFIED
    return Backup(
        key,
        source,
        at,
        at,
        size,
        etag,
        kind,
        Compression.BZIP2,
        taken_by=by,
        named_at=at if source else None,
        utc_offset=timedelta(0) if source else None,
    )


def backups() -> tuple[Backup, ...]:
    newest = backup("prod/2026-11-22--010000-backup1.tar.bz2", 2, BackupKind.DATA, 9_812_345_678)
    listed = [replace(newest, prepared=PreparedState.TWIN)]
    listed += [
        backup(f"prod/2026-11-21--2300{number:02d}-{name}.tar.bz2", 4, BackupKind.CONFIG, 12_345, name)
        for number, name in enumerate(VALIDATORS)
    ]
    listed += [backup("prod/2026-11-21--010000-backup1.tar.bz2", 26, BackupKind.DATA, 9_712_345_678)]
    listed += [backup("prod/manual", 500, BackupKind.UNKNOWN, 1_000, None)]
    return tuple(listed)


def contents(backup: Backup) -> Contents:
    members = (
        Member("app.db/CURRENT", MemberType.FILE, 16),
        Member("app.db/000123.ldb", MemberType.FILE, 2_097_152),
        Member("chaindata/data/blockstore.db/CURRENT", MemberType.FILE, 16),
    )
    return Contents(
        replace(backup, certain=True),
        "9f86d081" * 8,
        4_711,
        21_123_456_789,
        members,
        (Item("app.db", "app.db"), Item("chaindata/data", "chaindata/data")),
        (),
        1_204_000,
        1_204_000,
        None,
        None,
        warnings=("config/ and loom.service lie at its top: leftovers of an earlier setting, not restored",),
    )


def facts(name: str) -> NodeFacts:
    role = Role.BACKUP if name == "backup1" else Role.VALIDATOR
    return NodeFacts(
        name, role, f"10.2.0.{4 + NAMES.index(name)}", 46656, node_id(name), node_id(name), None, unit(name)
    )


def report(*, wrong: bool = False) -> KeyReport:
    mismatches = (
        Mismatch(
            MismatchKind.WRONG_ID,
            "db1",
            "db3",
            node_id("db3"),
            node_id("backup1"),
            "--persistent-peers",
            "db1 lists db3 with another ID; the restore's step 6 puts the right one there.",
            True,
        ),
        Mismatch(
            MismatchKind.MISSING,
            "db2",
            "db4",
            node_id("db4"),
            None,
            "--persistent-peers",
            "db2 does not list db4; the restore's step 6 adds it.",
            False,
        ),
    )
    return KeyReport(not wrong, tuple(facts(name) for name in NAMES), mismatches if wrong else ())


UNIT_PATH = "/etc/systemd/system/loom.service"
_HEAD = "[Unit]\nDescription=Loom\n\n[Service]\nUser=ubuntu\nExecStart=/usr/bin/loom run --persistent-peers "
_PEERS = ",".join(
    f"tcp://{node_id(name)}@10.2.0.{5 + number}:46656" for number, name in enumerate(NAMES[1:4])
)
UNIT_BEFORE = _HEAD + _PEERS.replace(node_id("db3"), node_id("backup1")) + "\nRestart=always\n"
UNIT_AFTER = _HEAD + _PEERS + "\nRestart=always\n"
DIFF = unified_diff(UNIT_BEFORE, UNIT_AFTER, UNIT_PATH)


def fixes(*, wrong: bool = False) -> tuple[ServiceFix, ...]:
    return tuple(
        ServiceFix(name, UNIT_PATH, UNIT_BEFORE, UNIT_AFTER, DIFF)
        if wrong and name == "db1"
        else ServiceFix(name, UNIT_PATH, "", "", "")
        for name in NAMES
    )


def logs() -> tuple[LogLine, ...]:
    texts = (
        "Starting the node",
        "E[2026-11-22|03:14:01.425] Error dialing peer                           module=p2p "
        f'err="auth failure: conn.ID ({node_id("db3")}) dialed ID ({node_id("backup1")}) missmatch"',
        "I[2026-11-22|03:14:02.001] Executed block                               module=state height=1204551",
    )
    return tuple(
        LogLine(name, NOW - timedelta(seconds=30 - 5 * number - place), text, f"{number}-{place}")
        for number, text in enumerate(texts)
        for place, name in enumerate(VALIDATORS)
    )


def runs(outcome: Outcome | None = Outcome.RESTORED) -> tuple[RunSummary, ...]:
    began = NOW - timedelta(days=1)
    ended = began + timedelta(minutes=17) if outcome is not None else None
    return (
        RunSummary("20261121-031415-ab12", CLUSTER, began, ended, outcome, StepName.DATA, "root@ops1"),
        RunSummary(
            "20261101-120000-cd34",
            CLUSTER,
            NOW - timedelta(days=21),
            NOW - timedelta(days=21) + timedelta(minutes=9),
            Outcome.ROLLED_BACK,
            StepName.VERIFY,
            "eve@ops1",
        ),
    )
