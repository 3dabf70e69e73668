"""Made-up clusters as frozen values: what the fake engine answers with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loomtui.backups.model import Backup, BackupKind, Compression, Contents, Item, Member, MemberType
from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.logs import LogLine
from loomtui.fleet.status import Active, NodeDetails, NodeStatus, ServiceState
from loomtui.inventory.model import Inventory, Node, Role, S3Settings
from loomtui.loom.health import ClusterState, Verdict
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.references import KeyReport, Mismatch, MismatchKind, NodeFacts
from loomtui.loom.rpc import ChainFacts
from loomtui.loom.units import EffectiveUnit, UnitFile
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.identities import ServiceFix
from loomtui.restore.plan import (
    PLAN_VERSION,
    Archive,
    FileAction,
    FileChoice,
    NodePlan,
    Plan,
    Prediction,
    Scope,
    SigningAction,
    SigningChoice,
    ValidatorPower,
)
from loomtui.restore.runs import RunSummary

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


@dataclass(frozen=True)
class Scene:
    """Everything that an engine may be asked for."""

    inventory: Inventory
    statuses: Mapping[str, NodeStatus]
    verdict: Verdict
    backups: tuple[Backup, ...] = ()
    contents: Contents | None = None
    report: KeyReport = field(default_factory=lambda: KeyReport(True, (), ()))
    fixes: tuple[ServiceFix, ...] = ()
    unreachable: Mapping[str, LoomtuiError] = field(default_factory=dict)
    logs: tuple[LogLine, ...] = ()
    runs: tuple[RunSummary, ...] = ()
    plan: Plan | None = None


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
    path = "/etc/systemd/system/loom.service"
    return EffectiveUnit((UnitFile(path, text),), user="ubuntu", exec_start_file=path)


def status(name: str, **changes: object) -> NodeStatus:
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
        1_204_551,
        "A1B2" * 10,
        NOW - timedelta(seconds=1),
        False,
        address(name),
        10,
        4 if name == "backup1" else 3,
        tuple(node_id(other) for other in VALIDATORS if other != name),
    )
    found = NodeStatus(
        name,
        role,
        NOW - timedelta(seconds=1),
        True,
        service=service,
        unit=unit(name),
        node_key=NodeKeyFacts(node_id(name), "AT8="),
        validator=ValidatorFacts(address(name), "AT8=", SigningState(1_204_551, 0, 3)),
        chain=chain,
        disk_free_bytes=412_316_860_416,
        disk_total_bytes=1_099_511_627_776,
        version="1.0.0+350994c",
        clock_offset_seconds=0.1,
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def stopped(name: str) -> NodeStatus:
    found = status(name)
    assert found.service is not None
    service = replace(
        found.service, active=Active.INACTIVE, sub="dead", main_pid=0, since=NOW - timedelta(minutes=12)
    )
    return replace(
        found, service=service, chain=None, chain_error="the RPC does not answer: connection refused"
    )


def unreachable(name: str) -> NodeStatus:
    role = status(name).role
    return NodeStatus(name, role, NOW - timedelta(seconds=40), False, "no answer on port 22 within 15 s")


def details(found: NodeStatus) -> NodeDetails:
    return NodeDetails(
        found.name,
        found,
        "ubuntu",
        1000,
        1000,
        "ubuntu",
        "/home/ubuntu",
        {"app.db": 8_123_456_789, "chaindata/data": 21_123_456_789, "evm.db": 1_123_456},
        {"loom.yml": "ChainID: default\n"},
        reported_node_id=node_id(found.name) if found.reachable else None,
        tools=frozenset({"curl", "bzip2"}),
        systemd_version=249,
        backup_jobs=("cron: */5 * * * * ubuntu /home/ubuntu/backup.sh",),
    )


def backup(key: str, hours: int, kind: BackupKind, size: int, source: str | None = "backup1") -> Backup:
    at = NOW - timedelta(hours=hours)
    return Backup(key, source, at, at, size, f'"{hours:032x}"', kind, Compression.BZIP2)


def backups() -> tuple[Backup, ...]:
    found = [backup("prod/2026-11-22--010000-backup1.tar.bz2", 2, BackupKind.DATA, 9_812_345_678)]
    found += [
        backup(f"prod/2026-11-21--2300{number:02d}-{name}.tar.bz2", 4, BackupKind.CONFIG, 12_345, name)
        for number, name in enumerate(VALIDATORS)
    ]
    found += [backup("prod/2026-11-21--010000-backup1.tar.bz2", 26, BackupKind.DATA, 9_712_345_678)]
    found += [backup("prod/manual", 500, BackupKind.UNKNOWN, 1_000, None)]
    return tuple(found)


def contents(found: Backup) -> Contents:
    members = (
        Member("app.db/CURRENT", MemberType.FILE, 16),
        Member("app.db/000123.ldb", MemberType.FILE, 2_097_152),
        Member("chaindata/data/blockstore.db/CURRENT", MemberType.FILE, 16),
    )
    return Contents(
        replace(found, certain=True),
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
    found = (
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
    return KeyReport(not wrong, tuple(facts(name) for name in NAMES), found if wrong else ())


DIFF = """--- /etc/systemd/system/loom.service
+++ /etc/systemd/system/loom.service
@@ -4,2 +4,2 @@
 [Service]
-ExecStart=/usr/bin/loom run --persistent-peers tcp://aaaa@10.2.0.9:46656
+ExecStart=/usr/bin/loom run --persistent-peers tcp://bbbb@10.2.0.6:46656
"""


def fixes(*, wrong: bool = False) -> tuple[ServiceFix, ...]:
    path = "/etc/systemd/system/loom.service"
    return tuple(
        ServiceFix(name, path, "old", "new", DIFF)
        if wrong and name == "db1"
        else ServiceFix(name, path, "", "", "")
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


def plan(*, moves: bool = True, reset: bool = False, refusals: tuple[str, ...] = ()) -> Plan:
    found = backups()
    archive = Archive(
        found[0].key,
        found[0].etag,
        "9f86d081" * 8,
        found[0].size_bytes,
        21_123_456_789,
        4_711,
        Compression.BZIP2,
        found[0].taken_at,
        (Item("app.db", "app.db"),),
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
        "" if moves else "Reset",
    )
    refused = refusals or (
        () if moves else (f"{sentence} Reset the signing state of all restored validators.",)
    )
    return Plan(
        PLAN_VERSION,
        "20261122-031415-ff00",
        NOW,
        "root@ops1",
        CLUSTER,
        True,
        Scope.CLUSTER,
        False,
        tuple(_node_plan(name, archive, reset=reset) for name in NAMES),
        (),
        tuple(ValidatorPower(address(name), 10, name) for name in VALIDATORS),
        prediction,
        reset,
        refused,
        ("db2: a backup job is there and may start the service: cron: */5 * * * * backup.sh",),
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
            diff="-RPCBindAddress: old\n+RPCBindAddress: new\n",
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
    )


def healthy(*, production: bool = True) -> Scene:
    found = backups()
    return Scene(
        inventory(production=production),
        {name: status(name) for name in NAMES},
        Verdict(
            ClusterState.HEALTHY,
            "All 4 validators grow, with equal app hashes and all peers there.",
            (),
            True,
        ),
        found,
        contents(found[0]),
        report(),
        fixes(),
        logs=logs(),
        runs=runs(),
        plan=plan(),
    )


def degraded() -> Scene:
    statuses = {name: status(name) for name in NAMES}
    statuses["db2"] = stopped("db2")
    statuses["db3"] = unreachable("db3")
    reasons = ("db2 is stopped.", "db3 cannot be reached: no answer on port 22 within 15 s.")
    error = NodeUnreachable("no answer on port 22 within 15 s", node="db3")
    return replace(
        healthy(),
        statuses=statuses,
        verdict=Verdict(
            ClusterState.HALTED, "The chain stands still at 1,204,551: 2 of 4 can sign.", reasons
        ),
        report=report(wrong=True),
        fixes=fixes(wrong=True),
        unreachable={"db3": error},
        plan=plan(moves=False),
    )


def empty() -> Scene:
    scene = healthy(production=False)
    return replace(
        scene,
        backups=(),
        contents=None,
        report=KeyReport(True, (), ()),
        fixes=(),
        logs=(),
        runs=(),
        plan=None,
    )


def hostile(text: str) -> Scene:
    """The text wherever it can come from elsewhere."""
    scene = degraded()
    found = {
        name: replace(one, error=text, version=text, lock=text, chain_error=text)
        for name, one in scene.statuses.items()
    }
    chain = replace(status("db1").chain, moniker=text, network=text, version=text, app_hash=text)  # type: ignore[type-var]
    odd = EffectiveUnit((UnitFile(text, text),), problems=(text,))
    found["db1"] = replace(found["db1"], chain=chain, unit=odd, node_key=NodeKeyFacts(None, None, text))
    bad = Mismatch(MismatchKind.BAD_ENTRY, "db1", "db2", text, text, text, text, True)
    taken = tuple(
        replace(one, key=f"{number}{text}", source=text) for number, one in enumerate(scene.backups)
    )
    look = replace(
        contents(taken[0]),
        members=(Member(text, MemberType.SYMLINK, 1, text),),
        data_items=(Item(text, text),),
        config_items=(Item(text, text),),
        sha256=text,
        warnings=(text,),
    )
    facts1 = replace(facts("db1"), unit=odd, reported=None, reported_problem=text)
    return replace(
        scene,
        statuses=found,
        verdict=Verdict(ClusterState.DEGRADED, text, (text, text)),
        backups=taken,
        contents=look,
        report=KeyReport(False, (facts1, facts("db2")), (bad,)),
        fixes=(ServiceFix("db1", text, "a", "b", text, text),),
        unreachable={"db3": NodeUnreachable(text, node="db3", safe=text, advice=text)},
        logs=tuple(LogLine(name, NOW, text, name) for name in NAMES),
        runs=(RunSummary("20261121-031415-ab12", CLUSTER, NOW, None, None, StepName.DATA, text),),
        plan=_hostile_plan(text),
    )


def _hostile_plan(text: str) -> Plan:
    made = plan()
    node = made.nodes[0]
    files = tuple(replace(choice, reason=text, diff=text, changes=True) for choice in node.files)
    signing = replace(node.signing, reason=text)
    odd = replace(node, files=files, signing=signing, warnings=(text,), node_id=text, address=text)
    return replace(
        made,
        nodes=(odd, *made.nodes[1:]),
        warnings=(text,),
        prediction=replace(made.prediction, sentence=text),
    )
