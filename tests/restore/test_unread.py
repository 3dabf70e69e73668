"""Data that nobody has read: the plan says what is not known, and its run completes it before it stops."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loomtui.backups.model import BackupKind, Compression
from loomtui.errors import ArchiveRejected, ObjectChanged, PlanRefused
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.plan import Plan, RemedyKind, SigningAction, UnknownCode
from loomtui.restore.planning.planfile import load_plan
from loomtui.restore.record.run_store import Run
from loomtui.restore.running.operator import OnPlan
from tests.backups.making import pack
from tests.restore.cluster import BACKUP_TIME, LIVE_HEIGHT, LocalCluster, stopped_at
from tests.restore.material import app_journal
from tests.restore.scripted import Scripted
from tests.restore.serving import serve

Make = Callable[..., LocalCluster]


async def unread_run(cluster: LocalCluster, **choices: Any) -> Run:
    """A run with a plan whose data nobody has read."""
    return await cluster.run(**({"look_limit_bytes": 0} | choices))


def kinds(run: Run, *kinds: EventKind) -> list[tuple[EventKind, StepName | None]]:
    return [(event.kind, event.step) for event in run.events() if event.kind in kinds]


def looked_at(cluster: LocalCluster) -> list[str]:
    return [key for what, key in cluster.catalogue.calls if what == "look" and "data" in key]


async def test_a_large_archive_is_not_read_and_the_plan_says_so(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = await cluster.plan(look_limit_bytes=0, reset_signing=False)
    assert plan.refusals == ()
    assert looked_at(cluster) == []
    assert not plan.is_complete
    assert [unknown.code for unknown in plan.unknowns] == [
        UnknownCode.WHOLE,
        UnknownCode.CHAIN,
        UnknownCode.MOVES,
        UnknownCode.ROOM,
    ]
    assert "not known yet" in plan.prediction.sentence
    assert plan.offer is RemedyKind.NONE
    assert plan.chain is None
    archive = plan.node("n1").data
    assert archive is not None
    assert (archive.is_known, archive.items) == (False, ())
    assert archive.unpacked_bytes > archive.size_bytes


async def test_the_inventory_may_say_how_large_is_large(make_cluster: Make) -> None:
    cluster = make_cluster()
    s3 = cluster.inventory.s3.model_copy(update={"look_limit": 0})
    cluster.inventory = cluster.inventory.model_copy(update={"s3": s3})
    plan = await cluster.plan(reset_signing=False)
    assert not plan.is_complete
    assert plan.choices.look_limit_bytes is None
    assert (await cluster.plan(look_limit_bytes=10**9)).is_complete


async def test_with_look_it_is_read_as_ever(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = await cluster.plan(look_limit_bytes=0, look=True)
    assert plan.is_complete
    assert len(looked_at(cluster)) == 1
    assert (await cluster.plan()).is_complete  # small ones always are


async def test_a_run_completes_its_plan_and_restores(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run = await unread_run(cluster)
    fleet, operator = cluster.fleet(), Scripted()
    assert not run.plan.is_complete
    runner = cluster.runner(run, fleet, operator)
    assert await runner.restore() is Outcome.RESTORED
    assert looked_at(cluster) == []
    for machine in cluster.machines.values():
        assert "restored" in (machine.workdir / "app.db/LOG").read_text()
        assert not list(machine.workdir.glob(".loomtui/runs/*/raw/data/chaindata/config/*.json"))
    scripts = [ran.name for ran in fleet.ran if ran.node == "n1"]
    assert scripts.index("staged") < scripts.index("place") < scripts.index("stop")
    ((first, completed),) = operator.plans
    assert (first.is_complete, completed.is_complete) == (False, True)
    kept = cluster.store.open(run.id)
    assert kept.plan == completed == runner.plan
    assert kept.plan.prediction.height == 100
    assert kept.plan.node("n2").signing.action is SigningAction.RESET
    (event,) = [event for event in run.events() if event.kind is EventKind.PLAN_COMPLETED]
    assert event.data["unknowns"] == [unknown.sentence for unknown in first.unknowns]
    steps = [step for kind, step in kinds(run, EventKind.STEP_DONE)]
    assert steps == [StepName.PREFLIGHT, *StepName]


async def test_the_completed_plan_is_the_one_that_a_whole_read_makes(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    whole = await cluster.plan()
    run = await unread_run(cluster)
    operator = Scripted(on_plan=[OnPlan.STOP])
    assert await cluster.runner(run, operator=operator).restore() is Outcome.STOPPED
    ((_, completed),) = operator.plans
    assert alike(completed) == alike(whole)


#: The config of the archive's host is not unpacked; and it is said where it was looked at.
_OTHERWISE = ("is the identity of the node that the backup is from", "nobody read it on this machine")


def alike(plan: Plan) -> Plan:
    """Without when and how it was made."""
    warnings = [one for one in plan.warnings if not any(words in one.text for words in _OTHERWISE)]
    choices = replace(plan.choices, data_key=None, look_limit_bytes=0)
    return replace(plan, id="", made_at=BACKUP_TIME, choices=choices, warnings=tuple(warnings))


@pytest.mark.slow
async def test_nodes_that_fetch_by_themselves(make_cluster: Make) -> None:
    with serve() as store:
        cluster = make_cluster(tools=("curl", "gzip"))
        cluster.catalogue.offer_by(store)
        cluster.chain_by_curl(store)
        run = await unread_run(cluster)
        assert await cluster.runner(run, cluster.fleet(quick=False)).restore() is Outcome.RESTORED
        assert [call[0] for call in cluster.catalogue.calls].count("presign") == 2
        assert not [call for call in cluster.catalogue.calls if call[0] == "decompressed"]


# ── consents, and what is refused ───────────────────────────────────────────────────────────────────────────


async def test_without_the_consent_that_is_needed_nothing_stops(make_cluster: Make) -> None:
    cluster = make_cluster()
    before = cluster.live()
    run = await unread_run(cluster, reset_signing=False)
    error = await stopped_at(cluster, run)
    assert isinstance(error, PlanRefused)
    assert error.exit_status == 3
    assert "stand still" in error.what
    assert "--reset-signing-state lab" in error.advice
    assert "No service was stopped" in error.safe
    assert cluster.live() == before
    assert not cluster.machines["n1"].lock.exists()
    assert not cluster.store.open(run.id).plan.is_complete
    assert (cluster.machines["n1"].run_folder(run.id) / "raw/data/app.db/CURRENT").exists()
    # What the nodes told is known to the next plan, which needs no look any more.
    known = await cluster.plan(look_limit_bytes=0)
    assert known.is_complete
    assert known.refusals == ()
    assert any("was looked at on n1" in warning.text for warning in known.warnings)
    assert looked_at(cluster) == []
    again = cluster.store.create(known, cluster.inventory_path)
    assert await cluster.runner(again).restore() is Outcome.RESTORED
    assert len(relays_of_data(cluster)) == 1, "what is unpacked is taken"


def relays_of_data(cluster: LocalCluster) -> list[str]:
    return [key for what, key in cluster.catalogue.calls if what == "decompressed" and "data" in key]


@pytest.mark.slow
async def test_the_same_plan_takes_what_is_unpacked_too(make_cluster: Make) -> None:
    cluster = make_cluster()
    first = await unread_run(cluster)
    assert await cluster.runner(first, operator=Scripted(on_plan=[OnPlan.STOP])).restore() is Outcome.STOPPED
    again = cluster.store.create(first.plan, cluster.inventory_path)
    assert await cluster.runner(again).restore() is Outcome.RESTORED
    assert len(relays_of_data(cluster)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("tools", [(), ("curl", "gzip")], ids=["relayed", "fetched"])
async def test_what_was_unpacked_is_taken_by_the_next_run(make_cluster: Make, tools: tuple[str, ...]) -> None:
    with serve() as store:
        cluster = make_cluster(tools=tools)
        cluster.catalogue.offer_by(store)
        if tools:
            cluster.chain_by_curl(store)
        first = await unread_run(cluster, reset_signing=False)
        await stopped_at(cluster, first, cluster.fleet(quick=not tools))
        del cluster.catalogue.calls[:]
        second = await unread_run(cluster)
        assert second.plan.is_complete
        assert await cluster.runner(second, cluster.fleet(quick=not tools)).restore() is Outcome.RESTORED
        fetched = {key for what, key in cluster.catalogue.calls if what in {"presign", "decompressed"}}
        data = second.plan.node("n1").data
        assert data is not None
        assert data.key not in fetched
        taken = [event.message for event in second.events() if first.id in event.message]
        assert taken == [f"the same archive was unpacked by the run {first.id}: that is taken"]


@pytest.mark.slow
async def test_the_consent_can_be_given_while_the_services_run(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster, reset_signing=False)
    operator = Scripted(on_plan=[OnPlan.CONSENT, OnPlan.CONTINUE])
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert [completed.offer for _, completed in operator.plans] == [RemedyKind.RESET, RemedyKind.NONE]
    assert cluster.store.open(run.id).plan.reset_confirmed


async def test_a_refused_plan_is_not_run_whatever_the_operator_says(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster, reset_signing=False)
    with pytest.raises(PlanRefused):
        await cluster.runner(run, operator=Scripted(on_plan=[OnPlan.CONTINUE])).restore()
    assert cluster.machines["n1"].active == "active"


async def test_torn_heights_are_refused_before_the_stop(make_cluster: Make) -> None:
    cluster = make_cluster()
    ahead = {"app.db/000001.log": app_journal(LIVE_HEIGHT + 5)}
    key = cluster.add_data_backup(LIVE_HEIGHT, BACKUP_TIME, files=ahead).key
    before = cluster.live()
    run = await unread_run(cluster, data_key=key)
    error = await stopped_at(cluster, run)
    assert isinstance(error, PlanRefused)
    assert "is torn: every node would refuse to start" in error.what
    assert cluster.live() == before


def archive_of(*members: tuple[str, bytes, str], body: bytes = b"") -> bytes:
    """Databases as they belong there, and these members: name, type, link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, data in (("app.db/CURRENT", b"MANIFEST-000000\n"), ("app.db/MANIFEST-000000", b"")):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, kind, link in members:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mode = kind, link, 0o4755
            archive.addfile(info)
    return pack(out.getvalue(), Compression.GZIP)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("app.db/000005.log", tarfile.SYMTYPE, "/etc/passwd")], "leads out of the archive"),
        ([("app.db/000005.log", tarfile.SYMTYPE, "CURRENT")], "which would be restored, is a symlink"),
        ([("app.db/pipe", tarfile.FIFOTYPE, "")], "neither a file nor a folder"),
        ([("app.db/bell\x07", tarfile.REGTYPE, "")], "holds control characters"),
        ([("home/app.db/CURRENT", tarfile.REGTYPE, "")], "holds app.db more than once"),
        ([], "only half of a node's state"),
    ],
    ids=["link that leads out", "link", "pipe", "name", "twice", "half"],
)
async def test_what_a_whole_read_would_refuse_is_refused_before_the_stop(
    make_cluster: Make, members: list[tuple[str, bytes, str]], words: str
) -> None:
    cluster = make_cluster()
    blocks = [("chaindata/data/blockstore.db/CURRENT", tarfile.REGTYPE, "")] if members else []
    body = archive_of(*blocks, *members)
    # The first bytes tell nothing of it.
    backup = cluster.catalogue.add("2026-01-02--000000-n9.tar.gz", body, "n9", BACKUP_TIME)
    cluster.catalogue.guessed[backup.key] = BackupKind.DATA
    cluster.catalogue.backups = {backup.key: backup, **cluster.catalogue.backups}  # it is the newest
    before = cluster.live()
    run = await unread_run(cluster)
    error = await stopped_at(cluster, run, cluster.fleet(quick=False))
    assert isinstance(error, ArchiveRejected)
    assert words in error.what
    assert backup.key in error.what
    assert cluster.live() == before
    assert not cluster.machines["n1"].lock.exists()
    # It is passed over from now on.
    plan = await cluster.plan(look_limit_bytes=0)
    assert plan.node("n1").data is not None
    assert [one.key for one in plan.passed_over] == [backup.key]


# ── kill and resume ─────────────────────────────────────────────────────────────────────────────────────────


class Killed(Exception):
    """loomtui died here."""


class Dying(Scripted):
    async def review_plan(self, first: Plan, completed: Plan) -> OnPlan:
        raise Killed


def dies_after(script: str) -> Callable[[str, str], None]:
    def after(node: str, name: str) -> None:
        if name == script:
            raise Killed

    return after


@pytest.mark.slow
@pytest.mark.parametrize("script", ["lock", "relayed", "staged", "place"])
async def test_a_run_that_was_killed_goes_on(make_cluster: Make, script: str) -> None:
    cluster = make_cluster()
    run, fleet = await unread_run(cluster), cluster.fleet()
    fleet.faults.after = dies_after(script)
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    assert cluster.machines["n1"].active == "active"
    found = cluster.store.open(run.id)
    assert found.plan.is_complete is (script == "place")
    assert await cluster.runner(found).restore() is Outcome.RESTORED
    assert len(relays_of_data(cluster)) == 1, "what was unpacked is not fetched again"


@pytest.mark.slow
async def test_a_run_that_was_killed_at_the_question_asks_again(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster)
    with pytest.raises(Killed):
        await cluster.runner(run, operator=Dying()).restore()
    operator = Scripted()
    assert await cluster.runner(cluster.store.open(run.id), operator=operator).restore() is Outcome.RESTORED
    assert len(operator.plans) == 1


@pytest.mark.slow
async def test_the_completed_plan_is_written_before_its_event(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster)
    keep = Run.with_plan

    def die(self: Run, completed: Plan) -> Run:
        keep(self, completed)
        raise Killed

    monkeypatch.setattr(Run, "with_plan", die)
    with pytest.raises(Killed):
        await cluster.runner(run).restore()
    found = cluster.store.open(run.id)
    assert found.plan.is_complete
    assert load_plan(found.first_plan_path) == run.plan
    operator = Scripted()
    assert await cluster.runner(found, operator=operator).restore() is Outcome.RESTORED
    assert operator.plans == []
    assert await cluster.runner(found).rollback() is Outcome.ROLLED_BACK


async def test_a_stopped_run_is_cleaned(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster, reset_signing=False)
    await stopped_at(cluster, run)
    assert await cluster.runner(cluster.store.open(run.id)).clean() > 0
    assert not (cluster.machines["n1"].workdir / ".loomtui").exists()


# ── which archives are read all the same ────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_nodes_that_hold_something_else_stop_the_run(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run, fleet = await unread_run(cluster), cluster.fleet(quick=False)

    def after(node: str, name: str) -> None:
        if (node, name) == ("n2", "relayed"):
            (cluster.machines["n2"].run_folder(run.id) / "raw/data/app.db/more").touch()

    fleet.faults.after = after
    error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, ObjectChanged)
    assert "n2 has unpacked something else" in error.what
    assert cluster.machines["n1"].active == "active"


async def test_an_archive_that_changed_meanwhile_stops_the_run(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster)
    (key,) = {node.data.key for node in run.plan.nodes if node.data is not None}

    def after(node: str, name: str) -> None:
        if name == "relayed":
            cluster.catalogue.backups[key] = replace(cluster.catalogue.backups[key], etag='"other"')

    fleet = cluster.fleet()
    fleet.faults.after = after
    error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, ObjectChanged)


async def test_a_node_that_lost_its_keys_has_the_archive_of_its_host_read(make_cluster: Make) -> None:
    """Its config folder is what is left of them, and no node unpacks that."""
    cluster = make_cluster()
    cluster.catalogue.backups = {
        key: backup for key, backup in cluster.catalogue.backups.items() if "data" in key
    }
    kept = await cluster.plan(look_limit_bytes=0)
    assert not kept.is_complete
    assert kept.node("n1").config is None
    cluster.machines["n1"].set_active("inactive")
    (cluster.machines["n1"].config / "node_key.json").unlink()
    lost = await cluster.plan(look_limit_bytes=0)
    assert lost.is_complete
    assert lost.node("n1").config is not None


@pytest.mark.slow
async def test_a_newer_backup_than_the_first_plan_is_not_taken_by_the_completed_one(
    make_cluster: Make,
) -> None:
    cluster = make_cluster()
    run = await unread_run(cluster)
    later = run.plan.made_at + timedelta(seconds=5)
    newer = cluster.add_config_backup(1, later, files={"loom.yml": "ChainID: other\n"})
    cluster.catalogue.backups = {newer.key: newer, **cluster.catalogue.backups}
    operator = Scripted()
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    ((_, completed),) = operator.plans
    config = completed.node("n1").config
    assert config is not None
    assert config.key != newer.key
