"""Whole restores over the real scripts: what is done, in which order, and what is left behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loomtui.errors import StepFailed
from loomtui.loom.databases import ADDRBOOK
from loomtui.restore.events import Event, EventKind, Outcome, StepName
from loomtui.restore.plan import SigningAction
from loomtui.restore.record.marks import KEPT
from loomtui.restore.running.operator import Go
from loomtui.restore.running.steps import STEPS
from tests.restore.cluster import LocalCluster
from tests.restore.local import LocalNode, digests
from tests.restore.material import node_key_of, unit_text, validator_key_of
from tests.restore.scripted import Scripted
from tests.restore.serving import serve

Make = Callable[..., LocalCluster]
_VERIFIED = (EventKind.TASK_DONE, StepName.VERIFY)


def moved_hosts(cluster: LocalCluster) -> None:
    """The units in the backups are of another time: the nodes had other addresses."""
    for number in cluster.numbers:
        machine = cluster.machines[f"n{number}"]
        peers = cluster.peers(number).replace("10.0.0.", "10.7.7.")
        cluster.add_config_backup(number, files={"loom.service": unit_text(machine, peers)})
        cluster.spoil_unit(number)


async def collect(stream: Any) -> list[Event]:
    return [event async for event in stream]


async def test_a_cluster_of_moved_hosts_is_restored(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    moved_hosts(cluster)
    (cluster.machines["n1"].workdir / ADDRBOOK).write_text('{"key":"00","addrs":[]}')
    before = {name: files_of(machine) for name, machine in cluster.machines.items()}
    fleet = cluster.fleet(quick=False)
    run = await cluster.run(fleet, stage_first=True)
    assert run.plan.refusals == ()
    fleet.ran.clear()
    operator = Scripted()
    runner = cluster.runner(run, fleet, operator)
    watcher = asyncio.create_task(collect(runner.events()))
    await asyncio.sleep(0)
    assert await runner.restore() is Outcome.RESTORED
    assert fleet.dialled_before == [0]  # whether others are off is known before the stop, not after it

    watched, kept = await asyncio.wait_for(watcher, 5), list(run.events())
    assert [event for event in watched if event in kept] == kept
    assert {event.kind for event in watched} >= {EventKind.TASK_PROGRESS, EventKind.NOTE}
    check_events(kept)
    check_previews(operator)
    for name, machine in cluster.machines.items():
        check_node(machine, int(name[1:]))
        assert not before[name] - files_of(machine), "something is lost"
        assert validator_key_of(int(name[1:])).stored not in run.journal_path.read_text()
    changes = [ran.name for ran in fleet.ran if ran.node == "n1" and ran.kind == "change"]
    scripts = [name for name in changes if name != "keep_record"]  # which goes beside the steps
    # Staged while the service runs; what lets it start comes last.
    assert scripts.index("place") < scripts.index("stop") < scripts.index("swap")
    assert scripts[-4:] == ["unhold", "start", "unsuspend", "unlock"]


def files_of(machine: LocalNode) -> set[str]:
    return digests(machine.workdir) | digests(machine.unit_folder)


def check_events(events: list[Event]) -> None:
    assert (events[0].kind, events[-1].kind) == (EventKind.RUN_STARTED, EventKind.RUN_FINISHED)
    for kind in (EventKind.STEP_STARTED, EventKind.GATE_OPENED, EventKind.STEP_DONE):
        assert [event.step for event in events if event.kind is kind] == list(StepName)
    for step in StepName:
        done = [event for event in events if event.kind is EventKind.TASK_DONE and event.step is step]
        assert sorted(str(event.node) for event in done) == ["n1", "n2"]
    decided = [event.data for event in events if event.kind is EventKind.DECISION]
    assert {data["by"] for data in decided} == {"test"}
    assert {type(data["waited"]) for data in decided} == {float}
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    kept = events[-1].data[KEPT]
    assert isinstance(kept, dict)
    assert sorted(kept) == ["n1", "n2"]
    assert all(isinstance(count, int) and count > 0 for count in kept.values())


def check_previews(operator: Scripted) -> None:
    assert list(operator.previews) == list(StepName)
    assert "lock the node" in operator.previews[StepName.PREFLIGHT]["n1"].text
    assert "hold loom.service" in operator.previews[StepName.STOP]["n1"].text
    assert "already unpacked and checked" in operator.previews[StepName.DATA]["n1"].text
    assert "+# from the backup" in operator.previews[StepName.CONFIG]["n1"].diff
    assert node_key_of(2).node_id in operator.previews[StepName.NODE_KEYS]["n2"].text
    services = operator.previews[StepName.SERVICES]["n1"]
    assert "+ExecStart=" in services.diff
    assert node_key_of(2).node_id in services.diff
    assert "lift the hold" in operator.previews[StepName.START]["n1"].text
    assert "changes nothing" in operator.previews[StepName.VERIFY]["n1"].text


def check_node(machine: LocalNode, number: int) -> None:
    """Restored data and config, its own identity, right peers; nothing of the run but its folder."""
    assert "restored" in (machine.workdir / "app.db/LOG").read_text()
    assert not (machine.workdir / "evm.db").exists()
    assert "from the backup" in (machine.workdir / "loom.yml").read_text()
    assert (machine.config / "node_key.json").read_text() == node_key_of(number).node_key_json
    validator = json.loads((machine.config / "priv_validator.json").read_text())
    assert validator["address"] == validator_key_of(number).address
    assert validator["last_height"] == "101"  # signed since: it was 0
    assert "10.7.7" not in machine.unit.read_text()
    assert f"{node_key_of(3 - number).node_id}@10.0.0.{3 - number}:46656" in machine.unit.read_text()
    assert machine.unit.read_text() == (machine.state / "loaded").read_text()
    assert machine.active == "active"
    assert not machine.hold.parent.exists()
    assert not machine.lock.exists()
    assert len(list((machine.workdir / ".loomtui/runs").iterdir())) == 1


@pytest.mark.slow
async def test_nodes_that_can_fetch_by_themselves(make_cluster: Make) -> None:
    with serve() as store:
        cluster = make_cluster(tools=("curl", "gzip"))
        cluster.catalogue.offer_by(store)
        cluster.chain_by_curl(store)
        assert (
            await cluster.runner(await cluster.run(), cluster.fleet(quick=False)).restore()
            is Outcome.RESTORED
        )
        assert not [call for call in cluster.catalogue.calls if call[0] == "decompressed"]
        assert [call[0] for call in cluster.catalogue.calls].count("presign") == 2


async def test_one_node_of_a_living_cluster(make_cluster: Make) -> None:
    """The others go on; the node keeps its newer signing state, which nothing lowers."""
    cluster = make_cluster(2)
    cluster.chain.height = 140
    before = cluster.machines["n2"]
    untouched = digests(before.root)
    run = await cluster.run(nodes=("n1",), reset_signing=False)
    assert run.plan.node("n1").signing.action is SigningAction.KEEP
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    validator = json.loads((cluster.machines["n1"].config / "priv_validator.json").read_text())
    assert validator["last_height"] == "130"
    assert digests(before.root) == untouched
    verified = [event.node for event in run.events() if (event.kind, event.step) == _VERIFIED]
    assert verified == ["n1"]


@pytest.mark.slow
async def test_a_lost_signing_state_is_raised_to_the_living_chain(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    cluster.chain.live_at(140)
    (cluster.machines["n1"].config / "priv_validator.json").unlink()
    run = await cluster.run(nodes=("n1",))
    planned = run.plan.node("n1").signing
    assert planned.action is SigningAction.RAISE
    operator = Scripted()
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert "priv_validator.json: raised (" in operator.previews[StepName.CONFIG]["n1"].text
    validator = json.loads((cluster.machines["n1"].config / "priv_validator.json").read_text())
    assert validator["address"] == validator_key_of(1).address
    assert int(validator["last_height"]) == planned.result_height
    assert int(validator["last_height"]) >= 140


async def test_the_reset_of_a_signing_state_is_called_so_where_it_is_asked_for(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    assert run.plan.node("n1").signing.action is SigningAction.RESET
    operator = Scripted({StepName.CONFIG: Go.STOP})
    assert await cluster.runner(run, operator=operator).restore() is Outcome.STOPPED
    for preview in operator.previews[StepName.CONFIG].values():
        assert "priv_validator.json: reset (the whole cluster goes back" in preview.text
        assert "priv_validator.json: restore" not in preview.text


async def test_a_lost_signing_state_comes_from_the_backup_when_all_go_back(make_cluster: Make) -> None:
    cluster = make_cluster()
    (cluster.machines["n1"].config / "priv_validator.json").unlink()
    before = cluster.live()
    run = await cluster.run()
    assert run.plan.node("n1").signing.action is SigningAction.RESTORE
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    validator = json.loads((cluster.machines["n1"].config / "priv_validator.json").read_text())
    assert validator["last_height"] == "100"
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_cleaning_frees_what_a_finished_run_kept(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run).restore()
    restored = cluster.live()
    freed = await cluster.runner(run).clean()
    assert freed > 0
    assert cluster.live() == restored
    assert not (cluster.machines["n1"].workdir / ".loomtui").exists()
    assert await cluster.runner(run).clean() == 0


def test_the_steps_are_those_that_the_operator_sees() -> None:
    assert [step.name for step in STEPS] == list(StepName)
    for step in STEPS:
        assert step.title
        assert step.sentence.endswith(".")
        assert step.undo_sentence.endswith(".")


async def test_without_room_on_one_node_nothing_is_begun_on_any(make_cluster: Make) -> None:
    """That the data does not fit must not be found after the stop."""
    cluster = make_cluster(2)
    fleet = cluster.fleet()
    plan = await cluster.plan(fleet)
    first, second = plan.nodes
    assert second.data is not None
    large = replace(second, data=replace(second.data, unpacked_bytes=10**18))
    run = cluster.store.create(replace(plan, nodes=(first, large)), cluster.inventory_path)
    before = {name: files_of(machine) for name, machine in cluster.machines.items()}
    with pytest.raises(StepFailed, match=r"not enough room in .*n2.*PiB needed") as caught:
        await cluster.runner(run, fleet).restore()
    assert caught.value.node == "n2"
    assert "loomtui clean" in caught.value.advice
    assert {name: files_of(machine) for name, machine in cluster.machines.items()} == before
    assert not [ran for ran in fleet.ran if ran.kind == "change"]
