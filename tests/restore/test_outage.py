"""What is done before the first stop, so that it is not done after it, and the round trips of the outage."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loomtui.errors import StepFailed
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.running.operator import Approval, Preview, UnitDraft
from tests.restore.cluster import LocalCluster
from tests.restore.local import digest
from tests.restore.material import Key, node_key_of, unit_text
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]


def wrong_units(cluster: LocalCluster) -> None:
    """The units of the backups name the other node by a key that it never had."""
    for number in cluster.numbers:
        peer = f"tcp://{Key(77).node_id}@10.0.0.{3 - number}:46656"
        text = unit_text(cluster.machines[f"n{number}"], peer)
        cluster.add_config_backup(number, files={"loom.service": text})
        cluster.spoil_unit(number)


class Asked(Scripted):
    """Notes how the services stand when somebody is asked."""

    def __init__(self, cluster: LocalCluster, *, approves: bool = True) -> None:
        super().__init__(approves=approves)
        self._machines = cluster.machines
        self.then: list[set[str]] = []

    async def approve_unit(self, node: str, preview: Preview, draft: UnitDraft) -> Approval:
        self.then.append({machine.active for machine in self._machines.values()})
        return await super().approve_unit(node, preview, draft)


@pytest.mark.slow
async def test_units_are_shown_approved_and_checked_while_the_services_run(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong_units(cluster)
    before = cluster.live()
    run, fleet, operator = await cluster.run(), cluster.fleet(), Asked(cluster)
    assert await cluster.runner(run, fleet, operator).restore() is Outcome.RESTORED
    assert operator.then == [{"active"}, {"active"}]
    for name in ("n1", "n2"):
        scripts = [ran.name for ran in fleet.ran if ran.node == name]
        assert max(scripts.index("stage_file"), scripts.index("verify_unit")) < scripts.index("hold")
        assert not {"stage_file", "verify_unit"} & set(scripts[scripts.index("hold") :])
        preview = operator.previews[StepName.SERVICES][name]
        assert "as test approved it: it is not asked again" in preview.text
    assert node_key_of(2).node_id in cluster.machines["n1"].unit.read_text()
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_what_is_put_in_is_what_was_approved_and_shown(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    wrong_units(cluster)
    run, operator = await cluster.run(), Asked(cluster)
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    decided = [event.data for event in run.events() if event.data.get("asked") == "change of the unit"]
    units = {digest(machine.unit.read_bytes()) for machine in cluster.machines.values()}
    assert {data["digest"] for data in decided} == units


@pytest.mark.slow
async def test_a_change_that_keeps_nobody_apart_may_be_declined_once(make_cluster: Make) -> None:
    """A node passes over its own entry in its list: whether that stays is the operator's to say, once."""
    cluster = make_cluster(2)
    machine, own = cluster.machines["n1"], f"tcp://{node_key_of(1).node_id}@10.0.0.1:46656"
    text = unit_text(machine, f"{cluster.peers(1)},{own}")
    cluster.add_config_backup(1, files={"loom.service": text})
    machine.write_unit(text)
    run, operator = await cluster.run(), Asked(cluster, approves=False)
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    asked = [event for event in run.events() if event.data.get("asked") == "change of the unit"]
    assert [(event.node, event.data["answer"]) for event in asked] == [("n1", "no")]
    assert own in machine.unit.read_text()


async def test_a_file_that_is_not_what_the_plan_says_is_found_before_the_stop(make_cluster: Make) -> None:
    cluster = make_cluster()
    before = cluster.live()
    run, fleet = await cluster.run(), cluster.fleet()

    def after(node: str, script: str) -> None:
        if script == "details":  # of the look at what will be, after all is fetched
            staged = cluster.machines[node].run_folder(run.id) / "stage/config/loom.yml"
            if staged.exists():
                staged.write_text("not the backup's")

    fleet.faults.after = after
    fleet.faults.before = lambda node, script: after(node, "details") if script == "status" else None
    with pytest.raises(StepFailed, match=r"fetched of loom\.yml is not what the plan says") as caught:
        await cluster.runner(run, fleet).restore()
    assert caught.value.safe.startswith("No service was stopped")
    assert cluster.live() == before
    assert not cluster.machines["n1"].lock.exists()


async def test_the_outage_takes_few_round_trips(make_cluster: Make) -> None:
    """If the data is staged and nobody asked: one a step and node, and one for each gate."""
    cluster = make_cluster(2)
    run, fleet = await cluster.run(stage_first=True), cluster.fleet()
    assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED
    for name in ("n1", "n2"):
        trips = fleet.session(name).trips
        first = next(at for at, trip in enumerate(trips) if "hold" in trip)
        # But the looks at the chain, and the record, which is brought beside the steps.
        outage = [trip for trip in trips[first:] if trip not in {("status",), ("keep_record",)}]
        assert [trip[0] for trip in outage] == [
            "hold",
            "run_state",
            "swap",
            "signing",
            "identity",
            "identity",
            "unhold",
            "settle",
            "unlock",
            "room",  # what the run keeps, counted when the chain moves
        ]


async def test_a_resumed_outage_looks_before_it_does_anything(make_cluster: Make) -> None:
    """Another process knows nothing of what was seen."""
    cluster = make_cluster()
    run = await cluster.run(stage_first=True)
    first = cluster.fleet()

    class Killed(Exception):
        pass

    def before(node: str, script: str) -> None:
        if script == "signing":
            raise Killed

    first.faults.before = before
    with pytest.raises(Killed):
        await cluster.runner(run, first).restore()
    second = cluster.fleet()
    assert await cluster.runner(run, second).restore() is Outcome.RESTORED
    assert second.session("n1").trips[0] == ("run_state",)
    assert not [event for event in run.events() if event.kind is EventKind.TASK_FAILED]
