"""Some nodes only, other hosts, a machine that is gone: whole restores on practice clusters."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from loomtui.backups.catalogue import Catalogue
from loomtui.drill.environment import surroundings
from loomtui.drill.practice import Practice, practice
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.inventory.load import load
from loomtui.loom.nodekey import read_node_key
from loomtui.loom.validator import ValidatorFacts, read_validator
from loomtui.restore.choices import Choices
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import Plan, Scope, SigningAction
from loomtui.restore.planning.identities import gather
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import Unattended
from loomtui.restore.running.runner import Runner
from tests.drill.looking import log, until

pytestmark = pytest.mark.slow

TWICE = "Found conflicting vote from ourselves"


async def restored(cluster: Practice, inventory_path: Path | None = None, **choices: Any) -> Plan:
    """The plan that was carried out to a chain that moves."""
    return (await done(cluster, inventory_path, **choices)).plan


async def done(cluster: Practice, inventory_path: Path | None = None, **choices: Any) -> Run:
    path = inventory_path or cluster.inventory_path
    inventory = load(path)
    catalogue = Catalogue(inventory.s3)
    try:
        async with Fleet(inventory, Refuse()) as looking:
            plan = await make_plan(inventory, looking, catalogue, Choices(**choices))
        assert plan.refusals == ()
        run = RunStore().create(plan, path)
        async with WritableFleet(inventory, Refuse()) as fleet:
            outcome = await Runner(run, inventory, fleet, catalogue, Unattended("test")).restore()
    finally:
        await catalogue.close()
    assert outcome is Outcome.RESTORED
    return run


def node_id(cluster: Practice, name: str) -> str | None:
    text = (cluster.working_directory(name) / "chaindata/config/node_key.json").read_text()
    return read_node_key(text).node_id


def validator(cluster: Practice, name: str) -> ValidatorFacts:
    text = (cluster.working_directory(name) / "chaindata/config/priv_validator.json").read_text()
    return read_validator(text)


def signed(cluster: Practice, name: str) -> int:
    state = validator(cluster, name).signing
    return state.height if state else 0


@pytest.mark.usefixtures("home")
async def test_one_node_of_a_living_chain_catches_up_and_signs_nothing_twice() -> None:
    with practice("healthy", 4, block_seconds=0.3) as cluster, surroundings(cluster):
        until(lambda: signed(cluster, "val-2") > 120)
        before = signed(cluster, "val-2")
        plan = await restored(cluster, nodes=("val-2",), stage_first=True)
        assert plan.scope is Scope.NODES
        assert plan.node("val-2").signing.action is SigningAction.KEEP
        until(lambda: signed(cluster, "val-2") > before)
        assert not any(TWICE in log(cluster, name) for name in cluster.names)


@pytest.mark.usefixtures("home")
async def test_a_validator_that_is_gone_is_left_out_and_the_others_go_back_together() -> None:
    with practice("clean-restore", 4, block_seconds=0.3) as cluster, surroundings(cluster):
        cluster.shell("val-4", "systemctl stop loom")
        cluster.stop_ssh("val-4")
        plan = await restored(cluster, gone=("val-4",), reset_signing=True)
        assert (plan.scope, plan.left_out) == (Scope.CLUSTER, ("val-4",))
        assert {node.signing.action for node in plan.nodes[:3]} == {SigningAction.RESET}
        assert not any(TWICE in log(cluster, name) for name in cluster.names)


def inventory_without_hosts(cluster: Practice) -> tuple[Path, Mapping[str, str]]:
    """An inventory that says nothing of the hosts in the backups; and what it said."""
    document = yaml.safe_load(cluster.inventory_path.read_text())
    hosts = {node["name"]: node.pop("backup_host") for node in document["nodes"]}
    path = cluster.root / "no-hosts.yml"
    path.write_text(yaml.safe_dump(document))
    return path, hosts


@pytest.mark.usefixtures("home")
async def test_new_machines_with_node_keys_of_their_own_take_the_place_of_mapped_hosts() -> None:
    with practice("moved-hosts", 3, block_seconds=0.3) as cluster, surroundings(cluster):
        path, hosts = inventory_without_hosts(cluster)
        keys = {name: node_id(cluster, name) for name in cluster.names}
        plan = await restored(cluster, path, sources=hosts, keep_keys=True)
        assert {name: node_id(cluster, name) for name in cluster.names} == keys
        for node in plan.nodes:
            assert node.config is not None
            assert hosts[node.name] in node.config.key
            assert validator(cluster, node.name).address == node.signing.address
        assert any("come from backups" in text for text in texts_of(plan.warnings))


async def nodekeys(cluster: Practice) -> list[str]:
    """What `loomtui nodekeys` says that would keep peers apart."""
    inventory = load(cluster.inventory_path)
    async with Fleet(inventory, Refuse()) as fleet:
        report, errors = await gather(inventory, fleet)
    assert errors == {}
    return [mismatch.message for mismatch in report.mismatches if mismatch.blocking]


def told(run: Run, step: StepName) -> str:
    notes = (event for event in run.events() if event.kind is EventKind.NOTE and event.step is step)
    return "\n".join(event.message for event in notes)


@pytest.mark.timeout(600)  # three restores
@pytest.mark.usefixtures("home")
async def test_a_partial_restore_keeps_what_is_right_and_tells_what_nodekeys_tells() -> None:
    """Every backup is of the old addresses; a restore of all nodes has put the units right."""
    with practice("moved-hosts", 4, block_seconds=0.3) as cluster, surroundings(cluster):
        await restored(cluster, reset_signing=True)
        assert await nodekeys(cluster) == []
        units = {name: cluster.unit_path(name).read_text() for name in cluster.names}
        run = await done(cluster, nodes=("val-2",))
        assert any(text.startswith("val-2: its own unit stays") for text in texts_of(run.plan.warnings))
        assert {name: cluster.unit_path(name).read_text() for name in cluster.names} == units
        assert await nodekeys(cluster) == []

        right = f"tcp://{node_id(cluster, 'val-2')}@"
        cluster.unit_path("val-3").write_text(units["val-3"].replace(right, f"tcp://{'0' * 40}@"))
        cluster.shell("val-3", "systemctl daemon-reload")
        run = await done(cluster, nodes=("val-1",))
        (wrong,) = await nodekeys(cluster)
        assert "val-2" in wrong
        assert any(wrong in text for text in texts_of(run.plan.warnings))
        assert wrong in told(run, StepName.NODE_KEYS)
        assert wrong in told(run, StepName.VERIFY)
        assert cluster.unit_path("val-1").read_text() == units["val-1"]
