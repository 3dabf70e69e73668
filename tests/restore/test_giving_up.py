"""Runs on nodes that have no room for old and new databases: the old ones are given up, and only there."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from loomtui.errors import DataGivenUp, ObjectChanged, StepFailed
from loomtui.fleet.probes.places import FileSystem
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import RemedyKind
from loomtui.restore.planning.space import LEFT_OVER, uses_of
from loomtui.restore.record.given_up import GIVEN_UP, given_up_in
from loomtui.restore.record.run_store import Run, summarize
from loomtui.restore.report import render
from loomtui.restore.room import RoomRemedyKind
from loomtui.restore.running.fetching import limit_of
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.operator import Go, OnFailure
from tests.restore.cluster import BACKUP_TIME, LocalCluster, stopped_at
from tests.restore.interrupting import age
from tests.restore.local import LocalNode, tree
from tests.restore.local_fleet import LocalFleet, fail_always, fail_once
from tests.restore.looks import used
from tests.restore.scripted import Scripted
from tests.restore.serving import Store
from tests.restore.test_interruptions import Walk
from tests.restore.test_manifest_truth import prepare
from tests.sampling import rest_slow

Make = Callable[..., LocalCluster]
MISSING = 500_000
NAMES = ("chaindata/data/blockstore.db", "chaindata/data/state.db", "app.db")


async def fill_disk(cluster: LocalCluster, *names: str, missing: int = MISSING) -> None:
    """So much is missing on these nodes for old and new together. A table of their app.db has more."""
    plan = await cluster.plan()
    for name in names:
        machine, node = cluster.machines[name], plan.node(name)
        (machine.workdir / "app.db/000009.ldb").write_bytes(os.urandom(4 * MISSING))
        age(machine.workdir)
        archives = {"data": node.data, "config": node.config}
        wanted = {set_name: archive for set_name, archive in archives.items() if archive is not None}
        *uses, _ = uses_of(wanted, node.working_directory, node.unit_path, {})
        need = sum(use.bytes for use in uses)
        machine.disk_bytes = used(machine.workdir) + need + LEFT_OVER - missing


async def full_cluster(make_cluster: Make, count: int = 2, *full: str) -> LocalCluster:
    """Its newest data backup is large, as tests go, and shrinks as loomtui estimates it."""
    cluster = make_cluster(count)
    large = {"app.db/000009.ldb": os.urandom(2 * MISSING).hex().encode()}
    newest = cluster.add_data_backup(at=BACKUP_TIME + timedelta(hours=1), files=large)
    cluster.catalogue.backups = {newest.key: newest, **cluster.catalogue.backups}
    await fill_disk(cluster, *(full or ("n2",)))
    return cluster


def mark(machine: LocalNode, run: Run) -> Path:
    return machine.run_folder(run.id) / "data.given_up"


def has(machine: LocalNode, words: str) -> bool:
    log = machine.workdir / "app.db/LOG"
    return log.is_file() and words in log.read_text()


# ── the plan ────────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_plan_refuses_and_says_what_can_be_done(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    before = cluster.live()
    fleet = cluster.fleet()
    plan = await cluster.plan(fleet)
    assert [refusal.code for refusal in plan.refusals] == [FindingCode.NO_ROOM]
    (room,) = plan.room
    assert (room.node, [remedy.kind for remedy in room.remedies]) == ("n2", [RoomRemedyKind.GIVE_UP])
    assert plan.offer is RemedyKind.GIVE_UP
    assert [ran.node for ran in fleet.ran if ran.name == "room"] == ["n2"], "only where room is short"
    assert cluster.live() == before
    given = await cluster.plan(give_up_old_data=True)
    assert given.refusals == ()
    assert given.gives_up == ("n2",)
    old = given.node("n2").gives_up
    assert old is not None
    assert old.names == NAMES


async def test_what_an_earlier_run_kept_can_be_cleaned_instead(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    await fill_disk(cluster, "n1", missing=20_000)
    plan = await cluster.plan()
    (room,) = plan.room
    clean = room.remedy(RoomRemedyKind.CLEAN)
    assert clean is not None
    assert clean.is_enough
    assert clean.commands == (f"loomtui clean {run.id}",)
    await cluster.runner(run).clean()
    assert (await cluster.plan()).room == ()


# ── the run ─────────────────────────────────────────────────────────────────────────────────────────────────


async def test_only_the_node_without_room_gives_up_and_only_after_all_are_stopped(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run, fleet, operator = await cluster.run(give_up_old_data=True), cluster.fleet(), Scripted()
    active: dict[str, str] = {}

    def before(node: str, script: str) -> None:
        if script == "give_up":
            active.update({name: machine.active for name, machine in cluster.machines.items()})

    fleet.faults.before = before
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert active == {"n1": "inactive", "n2": "inactive"}
    scripts = [ran.name for ran in fleet.ran if ran.node == "n2" and ran.kind == "change"]
    order = [scripts.index(name) for name in ("stop", "hold", "give_up", "relay", "swap")]
    assert order.index(max(order[:3])) == 2
    assert order[2] < scripts.index("place", order[2]) < order[4]
    assert "give_up" not in [ran.name for ran in fleet.ran if ran.node == "n1"]
    first, second = cluster.machines.values()
    assert (first.run_folder(run.id) / "replaced/data/app.db/LOG").is_file()
    assert not (second.run_folder(run.id) / "replaced/data/app.db").exists()
    assert (second.run_folder(run.id) / "replaced/data/evm.db/LOG").is_file(), "it is not in the backup"
    assert has(second, "restored")
    said = operator.previews[StepName.DATA]
    assert said["n1"].lost == ""
    assert "app.db" in said["n2"].lost
    assert "deleted for good" in said["n2"].text


@pytest.mark.slow
async def test_the_journal_and_the_report_say_it(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run = await cluster.run(give_up_old_data=True)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    told = [event for event in run.events() if event.data.get(GIVEN_UP) and event.kind is EventKind.NOTE]
    (event,) = told
    assert (event.step, event.node) == (StepName.DATA, "n2")
    assert event.data[GIVEN_UP] == list(NAMES)
    (done,) = [
        event
        for event in run.events()
        if (event.kind, event.step, event.node) == (EventKind.TASK_DONE, StepName.DATA, "n2")
    ]
    assert done.data[GIVEN_UP] == list(NAMES)
    for form in ("md", "html", "json"):
        page = render(run, form)
        assert "give up the old databases of n2" in page
        assert "nothing brings them back" in page
    assert "Given up: the old databases of n2" in render(run, "md")


@pytest.mark.slow
async def test_if_there_is_room_by_then_nothing_is_given_up(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    cluster.machines["n2"].disk_bytes = None
    assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED
    assert "give_up" not in {ran.name for ran in fleet.ran}
    assert any("there is room by now" in event.message for event in run.events())
    assert await cluster.runner(run, cluster.fleet(), Scripted()).rollback() is Outcome.ROLLED_BACK


async def test_an_archive_that_is_not_there_any_more_costs_no_old_data(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    data = run.plan.node("n2").data
    assert data is not None

    def after(node: str, script: str) -> None:
        if script == "hold":
            cluster.catalogue.add(data.key, b"another", "n1", data.taken_at)

    fleet.faults.after = after
    error = await stopped_at(cluster, run, fleet)
    assert isinstance(error, ObjectChanged)
    assert error.safe == "Its old databases are all there, and it is held."
    assert has(cluster.machines["n2"], "live")
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK


@pytest.mark.slow
async def test_data_that_comes_not_is_told_truly_and_resume_goes_on(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    fail_always(fleet, "relay", "n2")
    before = fleet.faults.before

    def only_data(node: str, script: str) -> None:
        if mark(cluster.machines["n2"], run).exists():
            before(node, script)

    fleet.faults.before = only_data
    error = await stopped_at(cluster, run, fleet)
    assert "relay went wrong" in error.what
    assert error.safe.startswith("The node's old databases were given up.")
    assert f"loomtui resume {run.id}" in error.advice
    assert not has(cluster.machines["n2"], "live")
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_what_is_missing_even_then_is_refused_before_the_stop(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster)
    run = await cluster.run(give_up_old_data=True)
    machine = cluster.machines["n2"]
    assert machine.disk_bytes is not None
    machine.disk_bytes -= 5 * MISSING
    before = cluster.live()
    error = await stopped_at(cluster, run)
    assert isinstance(error, StepFailed)
    assert "not enough room" in error.what
    assert cluster.live() == before


@pytest.mark.slow
async def test_all_nodes_give_up_where_the_archive_is_prepared(make_cluster: Make, store: Store) -> None:
    cluster = await full_cluster(make_cluster, 2, "n1", "n2")
    prepare(cluster, store, lambda manifest: manifest)
    run = await cluster.run(give_up_old_data=True, look_limit_bytes=0)
    assert run.plan.gives_up == ("n1", "n2")
    data = run.plan.node("n1").data
    assert data is not None
    assert data.manifest is not None
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    with pytest.raises(DataGivenUp) as caught:
        await cluster.runner(run).rollback()
    assert "loomtui plan" in caught.value.advice
    assert "--nodes" not in caught.value.advice


# ── data that nobody has read ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_what_nobody_has_read_is_judged_on_the_node_with_room(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 2, "n1")
    machine = cluster.machines["n1"]
    run, fleet = await cluster.run(give_up_old_data=True, look_limit_bytes=0), cluster.fleet()
    assert not run.plan.is_complete
    assert run.plan.gives_up == ("n1",)
    operator = Scripted()
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    staged = [ran for ran in fleet.ran if ran.name == "staged"]
    assert {ran.node for ran in staged} == {"n2"}
    names = [ran.name for ran in fleet.ran]
    assert names.index("staged") < names.index("stop") < names.index("give_up")
    ((_, completed),) = operator.plans
    assert completed.gives_up == ("n1",)
    assert has(machine, "restored")


async def test_without_a_node_with_room_it_is_refused(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 2, "n1", "n2")
    plan = await cluster.plan(give_up_old_data=True, look_limit_bytes=0)
    assert FindingCode.GIVE_UP_UNJUDGED in {refusal.code for refusal in plan.refusals}
    assert plan.gives_up == ()


# ── killed, resumed, rolled back ────────────────────────────────────────────────────────────────────────────


class Killed(Exception):
    """loomtui died here."""


@pytest.mark.slow
@pytest.mark.parametrize("at", ["before the first file", "after the last one", "unpacked", "swapped"])
async def test_a_run_that_was_killed_goes_on_to_the_same_end(make_cluster: Make, at: str) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    dies(fleet, at)
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    assert list(given_up_in(run.events())) == ["n1"], "it is in the journal before the first file goes"
    assert await cluster.runner(cluster.store.open(run.id)).restore() is Outcome.RESTORED
    assert has(cluster.machines["n1"], "restored")
    assert not (cluster.machines["n1"].run_folder(run.id) / "replaced/data/app.db").exists()


def dies(fleet: LocalFleet, at: str) -> None:
    scripts = {"after the last one": "give_up", "unpacked": "place", "swapped": "swap"}

    def before(node: str, script: str) -> None:
        if script == "give_up" and at == "before the first file":
            raise Killed

    def after(node: str, script: str) -> None:
        gave_up = {ran.node for ran in fleet.ran if ran.name == "give_up"}
        if script == scripts.get(at) and node in gave_up:
            raise Killed

    fleet.faults.before, fleet.faults.after = before, after


async def test_killed_before_the_first_file_all_is_put_back(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    before = cluster.live()
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    dies(fleet, "before the first file")
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    assert await cluster.runner(cluster.store.open(run.id)).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.parametrize("at", rest_slow(["after the last one", "unpacked", "swapped", ""]))
async def test_a_rollback_puts_back_everything_but_what_was_given_up(make_cluster: Make, at: str) -> None:
    cluster = await full_cluster(make_cluster)
    first, second = cluster.machines.values()
    cluster.spoil_unit(2)
    cluster.add_config_backup(2)
    before = {"n1": live_of(first), "n2": config_of(second)}
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    dies(fleet, at)
    if at:
        with pytest.raises(Killed):
            await cluster.runner(run, fleet).restore()
    else:
        assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED
    with pytest.raises(DataGivenUp) as caught:
        await cluster.runner(cluster.store.open(run.id)).rollback()
    error = caught.value
    assert error.node == "n2"
    assert error.what.startswith("the old data of n2 was given up at 20")
    assert "What can be rolled back is its config and units" in error.what
    assert ("the restored data stays" if at in ("swapped", "") else "it has no data now") in error.what
    assert "--nodes n2" in error.advice
    assert live_of(first) == before["n1"]
    assert config_of(second) == before["n2"]
    assert (first.active, second.active) == ("active", "inactive")
    assert second.hold.is_file()
    assert not second.lock.exists()
    assert summarize(cluster.store.open(run.id)).outcome is Outcome.ROLLED_BACK
    assert "was given up" in run.events()[-1].message


def live_of(machine: LocalNode) -> Mapping[str, object]:
    return tree(machine.workdir, machine.unit_folder, without=[machine.workdir / ".loomtui"])


def config_of(machine: LocalNode) -> Mapping[str, object]:
    files = tree(machine.config, machine.unit, times=True)
    return files | tree(machine.workdir / "loom.yml", machine.workdir / "genesis.json")


@pytest.mark.slow
async def test_after_that_the_node_can_be_restored_anew_and_the_run_cleaned(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    dies(fleet, "after the last one")
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    with pytest.raises(DataGivenUp):
        await cluster.runner(cluster.store.open(run.id)).rollback()
    again = await cluster.run(give_up_old_data=True)
    assert again.plan.refusals == ()
    assert again.plan.gives_up == (), "there is room by now"
    assert await cluster.runner(again).restore() is Outcome.RESTORED
    assert await cluster.runner(run).clean() > 0


async def test_a_rollback_in_the_middle_of_the_run_answers_the_same(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    fail_once(fleet, "swap")
    operator = Scripted(on_failure=[(OnFailure.ROLL_BACK, None)])
    with pytest.raises(DataGivenUp):
        await cluster.runner(run, fleet, operator).restore()
    ((_, failures, _),) = operator.failures
    assert "the old databases of n1, which the plan gives up" in failures["n1"].safe


async def test_stopped_before_the_data_nothing_is_lost(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    before = cluster.live()
    run = await cluster.run(give_up_old_data=True)
    runner = cluster.runner(run, operator=Scripted({StepName.DATA: Go.ROLL_BACK}))
    assert await runner.restore() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_killed_before_every_script_it_goes_on_and_back(make_cluster: Make) -> None:
    """On to the same end; and back to what was there, or to the answer that the old data is gone."""
    cluster = await full_cluster(make_cluster, 1, "n1")
    walk, machine, before = Walk(cluster), cluster.machines["n1"], cluster.live()
    config = config_of(machine)
    run = await cluster.run(give_up_old_data=True)
    start = walk.save()
    scripts = await walk.kill(run, 0)
    expected = cluster.end_state()
    for at in range(scripts.index("hold") + 1, len(scripts) + 1):
        walk.put_back(start)
        await walk.kill(run, at)
        middle = walk.save()
        await walk.resumes(run, expected)
        walk.put_back(middle)
        if not mark(machine, run).exists():
            await walk.rolls_back(run, before)
            continue
        with pytest.raises(DataGivenUp):
            await cluster.runner(run).rollback()
        assert config_of(machine) == config
        assert (machine.active, machine.hold.is_file(), machine.lock.exists()) == ("inactive", True, False)
    assert "give_up" in scripts


async def test_an_error_of_the_deletion_names_its_node(make_cluster: Make) -> None:
    cluster = await full_cluster(make_cluster, 1, "n1")
    run, fleet = await cluster.run(give_up_old_data=True), cluster.fleet()
    fail_once(fleet, "give_up")
    error = await stopped_at(cluster, run, fleet)
    assert error.node == "n1"
    assert "the old databases of n1, which the plan gives up" in error.safe


# ── an archive that nobody has read ─────────────────────────────────────────────────────────────────────────


async def test_an_archive_that_nobody_has_read_has_a_limit(make_cluster: Make) -> None:
    """As much as is free when it begins, and what lies there of it already."""
    cluster = make_cluster()
    run = await cluster.run()
    data = run.plan.node("n1").data
    assert data is not None
    state = await NodeRun(cluster.fleet().session("n1"), run.plan.node("n1"), run.id).state()
    free = FileSystem("1", 10**9, None)
    seen = replace(state, work_space=free, staged_bytes={"data": 5000})
    assert limit_of(data, seen, "data") == 0
    unread = replace(data, sha256="", items=())
    assert limit_of(unread, seen, "data") == 10**9 + 5000 - LEFT_OVER
    assert limit_of(unread, replace(seen, work_space=replace(free, free_bytes=5)), "data") == 1
    assert limit_of(unread, replace(seen, work_space=None), "data") == 0
