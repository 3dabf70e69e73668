"""A run of another machine, as its nodes tell it, and taken over: by real scripts, from a second home."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.errors import CallError, LoomtuiError, NodeUnreachable, Refused, RunTakenOver
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.takeover.acquisition import TakenRun, find_run, see_that_it_may_be, take_run
from loomtui.restore.takeover.records import differences, disagreement, read_records
from loomtui.restore.takeover.seen import NodeRuns, RunOnNode, look_at_runs, seen_runs
from tests.restore.cluster import LocalCluster

Make = Callable[..., LocalCluster]


class Killed(Exception):
    """No error of ours: the process is gone."""


@pytest.fixture
def second_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunStore:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "second"))
    return RunStore()


async def killed_at(cluster: LocalCluster, script: str) -> Run:
    """A restore whose loomtui is gone at the first script of this name: it says nothing more."""
    run = await cluster.run(stage_first=True)
    fleet = cluster.fleet()
    gone = False

    def before(node: str, name: str) -> None:
        nonlocal gone
        gone = gone or name == script
        if gone:
            raise Killed

    fleet.faults.before = before
    with pytest.raises(Killed):
        await cluster.runner(run, fleet).restore()
    return run


async def take(cluster: LocalCluster, run: str | None = None, *, living: bool = True) -> TakenRun:
    fleet = cluster.fleet()
    found = await find_run(fleet, cluster.inventory, run)
    assert found.disagreement is None
    record = see_that_it_may_be(found, although_at_work=living)
    return await take_run(fleet, b"cluster: lab\n", found, record, "bob@second")


@pytest.mark.usefixtures("second_home")
async def test_from_a_second_home_it_ends_as_an_undisturbed_run(make_cluster: Make) -> None:
    undisturbed = make_cluster()
    assert await undisturbed.runner(await undisturbed.run(stage_first=True)).restore() is Outcome.RESTORED
    cluster = make_cluster()
    run = await killed_at(cluster, "swap")
    taken = await take(cluster)
    assert (taken.run.id, taken.nodes, taken.missing) == (run.id, ("n1",), {})
    assert taken.run.folder != run.folder
    with pytest.raises(RunTakenOver) as caught:
        await cluster.runner(run).restore()
    assert "runs --on-nodes" in caught.value.advice
    assert await cluster.runner(taken.run).restore() is Outcome.RESTORED
    root, other = str(cluster.root), str(undisturbed.root)
    ended = {path.replace(root, other) for path in cluster.end_state()}
    assert ended == set(undisturbed.end_state())
    assert not cluster.machines["n1"].lock.exists()
    with pytest.raises(LoomtuiError):
        await cluster.runner(run).rollback()


@pytest.mark.usefixtures("second_home")
@pytest.mark.parametrize("script", ["place", "settle"])
async def test_rolled_back_from_a_second_home_it_is_as_before(make_cluster: Make, script: str) -> None:
    cluster = make_cluster()
    before = cluster.live()
    await killed_at(cluster, script)
    taken = await take(cluster)
    assert await cluster.runner(taken.run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before
    assert await cluster.runner(RunStore().open(taken.run.id)).clean() > 0


async def test_while_there_are_signs_of_life_it_is_refused(make_cluster: Make, second_home: RunStore) -> None:
    cluster = make_cluster()
    await killed_at(cluster, "swap")
    with pytest.raises(Refused, match="works on run") as caught:
        await take(cluster, living=False)
    assert "--although-at-work" in caught.value.advice
    assert second_home.list() == ()
    (seen,) = seen_runs((await look_at_runs(cluster.fleet()))[0])
    assert (seen.held, seen.is_alive, seen.stopped) == (("n1",), True, ("n1",))
    assert seen.step in {StepName.STOP, StepName.DATA}


async def test_of_two_that_take_over_at_once_one_has_it(make_cluster: Make, second_home: RunStore) -> None:
    cluster = make_cluster(2)
    await killed_at(cluster, "swap")
    fleet = cluster.fleet()
    found = await find_run(fleet, cluster.inventory, None)
    record = see_that_it_may_be(found, although_at_work=True)
    first = await take_run(fleet, b"cluster: lab\n", found, record, "bob@second")
    first.run.folder.rename(second_home.root / "of-bob")  # the other one has a home of its own
    with pytest.raises(RunTakenOver, match="was taken over by"):
        await take_run(fleet, b"cluster: lab\n", found, record, "eve@third")
    assert second_home.list() == ()


@pytest.mark.usefixtures("second_home")
async def test_a_node_that_is_away_is_told_and_taken_when_it_is_back(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    await killed_at(cluster, "swap")
    fleet = cluster.fleet()
    fleet.faults.unreachable.add("n2")
    found = await find_run(fleet, cluster.inventory, None)
    assert any(remark.startswith("n2 cannot be asked") for remark in found.remarks)
    record = see_that_it_may_be(found, although_at_work=True)
    taken = await take_run(fleet, b"", found, record, "bob@second")
    assert taken.nodes == ("n1",)
    assert await cluster.runner(taken.run).rollback() is Outcome.ROLLED_BACK
    fleet.faults.unreachable.add("n1")
    with pytest.raises(NodeUnreachable):
        await find_run(fleet, cluster.inventory, None)


@pytest.mark.usefixtures("second_home")
async def test_nodes_that_no_run_holds(make_cluster: Make) -> None:
    cluster = make_cluster()
    for run in (None, "20260101-120000-abcd"):
        with pytest.raises(CallError, match=r"no run holds|no node knows"):
            await find_run(cluster.fleet(), cluster.inventory, run)


# ── records that differ, are damaged or forged ──────────────────────────────────────────────────────────────


async def parts_of(cluster: LocalCluster) -> tuple[Run, Mapping[str, NodeRuns]]:
    run = await killed_at(cluster, "swap")
    nodes, _ = await look_at_runs(cluster.fleet(), run.id)
    return run, nodes


def changed(node: NodeRuns, run: str, **parts: bytes | None) -> NodeRuns:
    told = node.runs[run]
    kept = {name: data for name, data in told.parts.items() if name.partition(".")[0] not in parts}
    names = {"plan": "plan.yml", "journal": "journal.jsonl"}
    kept |= {names[name]: data for name, data in parts.items() if data is not None}
    return replace(node, runs={run: replace(told, parts=kept)})


@pytest.mark.slow
async def test_damaged_and_forged_records_are_told_and_passed_over(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run, nodes = await parts_of(cluster)
    whole = nodes["n1"].runs[run.id].parts
    plan, journal = whole["plan.yml"], whole["journal.jsonl"]
    lines = journal.splitlines(keepends=True)
    other_run = journal.replace(run.id.encode(), b"20200101-000000-beef")
    workdir = str(cluster.machines["n2"].workdir).encode()
    for parts in (
        {"plan": None},
        {"plan": b"- rubbish"},
        {"plan": plan.replace(b"cluster: lab", b"cluster: other")},
        {"plan": plan.replace(b"address: 10.0.0.2", b"address: 10.6.6.6")},
        {"plan": plan.replace(b"working_directory: " + workdir, b"working_directory: /etc")},
        {"plan": plan.replace(b"name: n2", b"name: n3")},
        {"journal": b""},
        {"journal": b"".join([lines[0], *lines[2:]])},
        {"journal": other_run},
        {"journal": b"\x00\xff\n"},
    ):
        forged = {"n1": nodes["n1"], "n2": changed(nodes["n2"], run.id, **parts)}
        records, faults = read_records(run.id, forged, cluster.inventory)
        assert [record.node for record in records] == ["n1"], parts
        assert len(faults) == 1, parts
        assert "the record on n2 is passed over" in faults[0]


async def test_the_longest_record_counts_and_another_history_is_told(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    run, nodes = await parts_of(cluster)
    journal = nodes["n1"].runs[run.id].parts["journal.jsonl"]
    lines = journal.splitlines(keepends=True)
    shorter = {
        "n1": changed(nodes["n1"], run.id, journal=b"".join(lines[:-2]) + b'{"torn'),
        "n2": nodes["n2"],
    }
    records, faults = read_records(run.id, shorter, cluster.inventory)
    assert ([record.node for record in records], faults, differences(records)) == (["n2", "n1"], (), ())
    last = json.loads(lines[-3]) | {"message": "somebody else's"}
    other = b"".join(lines[:-3]) + json.dumps(last).encode() + b"\n"
    forked = {"n1": changed(nodes["n1"], run.id, journal=other), "n2": nodes["n2"]}
    records, _ = read_records(run.id, forked, cluster.inventory)
    assert len(differences(records)) == 1


async def test_what_another_user_made_counts_for_nothing(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await killed_at(cluster, "swap")
    record = cluster.machines["n1"].run_folder(run.id) / "record"
    (record / "plan.yml").rename(record / "mine")
    (record / "plan.yml").symlink_to("mine")
    found = await find_run(cluster.fleet(), cluster.inventory, run.id)
    assert found.record is None
    assert any("was made by somebody else" in remark for remark in found.remarks)
    with pytest.raises(Refused, match="no node has a record") as caught:
        see_that_it_may_be(found, although_at_work=True)
    assert "It stopped n1" in caught.value.safe
    assert "docs/guide.md" in caught.value.advice


async def test_a_record_that_the_nodes_contradict_is_not_gone_on_with(make_cluster: Make) -> None:
    """The run was rolled back in part, or nodes were started, and the record does not know of it."""
    cluster = make_cluster()
    run = await killed_at(cluster, "unhold")
    found = await find_run(cluster.fleet(), cluster.inventory, run.id)
    record = found.record
    assert record is not None
    assert found.disagreement is None
    mark = cluster.machines["n1"].run_folder(run.id) / "data.swapped"
    mark.rename(mark.with_name("gone"))
    found = await find_run(cluster.fleet(), cluster.inventory, run.id)
    assert "n1 shows otherwise" in (found.disagreement or "")
    mark.with_name("gone").rename(mark)
    cluster.machines["n1"].hold.unlink()
    node = NodeRun(cluster.fleet().session("n1"), record.plan.node("n1"), run.id)
    states = {"n1": await node.state()}
    before = [event for event in record.events if event.step is not StepName.START]
    assert "hold of n1 was lifted" in (disagreement(record.plan, before, states) or "")


def test_a_run_that_nobody_has_a_record_of_is_seen_by_its_lock() -> None:
    told = RunOnNode("20260101-120000-abcd", None, 1, False, False, None, (), None)
    (seen,) = seen_runs({"n1": NodeRuns("/w", None, None, False, {told.run: told})})
    assert (seen.has_record, seen.outcome, seen.held, seen.nodes) == (False, None, (), ("n1",))
