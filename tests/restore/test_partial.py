"""A restore of one node among others whose units are right, stale, or that have moved: no right unit becomes
wrong, no wrong one passes, and what is told by the run is what `loomtui nodekeys` tells after it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from loomtui.backups.model import Item
from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.inventory.model import Inventory
from loomtui.loom.databases import ADDRBOOK, LOOM_CONFIG, NODE_KEY, UNIT
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.references import KeyReport, MismatchKind, compare
from loomtui.loom.units import read_unit
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import FileAction, Plan
from loomtui.restore.planning.identities import facts_of, gather, service_fixes, with_history
from loomtui.restore.record.run_store import Run
from tests.restore.cluster import LocalCluster, stopped_at
from tests.restore.material import LOOM_YML, NOW, Key, chain_facts, node_key_of, node_status, unit_text
from tests.restore.test_planner import INVENTORY, config, details, planned

Make = Callable[..., LocalCluster]
NUMBERS = range(1, 5)
NO_UNITS: Mapping[str, str] = {}
PATH = "/etc/systemd/system/loom.service"
AWAY = NodeUnreachable("no route to it")

RIGHT, STALE, MOVED, REBUILT = (
    "right",
    "stale",
    "moved",
    "rebuilt",
)  # rebuilt: another address and another key


@dataclass(frozen=True)
class World:
    """Four validators; the backups are of when each was at 10.0.0.n with its first key."""

    states: Mapping[int, str]
    away: frozenset[int] = frozenset()

    def host(self, number: int) -> str:
        return f"10.{7 if self.states[number] in (MOVED, REBUILT) else 0}.0.{number}"

    def key(self, number: int) -> Key:
        return Key(20 + number) if self.states[number] == REBUILT else node_key_of(number)

    @property
    def inventory(self) -> Inventory:
        nodes = tuple(
            node.model_copy(update={"address": self.host(number)})
            for number, node in enumerate(INVENTORY.nodes, 1)
        )
        return INVENTORY.model_copy(update={"nodes": nodes})

    def unit(self, number: int) -> str:
        if self.states[number] == STALE:
            return unit_of(
                {other: (Key(40 + other), f"10.9.0.{other}") for other in NUMBERS if other != number}
            )
        return unit_of({other: (self.key(other), self.host(other)) for other in NUMBERS if other != number})

    def backup_unit(self, number: int) -> str:
        return unit_of(
            {other: (node_key_of(other), f"10.0.0.{other}") for other in NUMBERS if other != number}
        )

    def look(self, number: int, unit: str | None = None) -> NodeDetails:
        name, key = f"n{number}", self.key(number)
        chain = replace(chain_facts(140), block_time=NOW - timedelta(seconds=1))
        status = node_status(
            name,
            number,
            chain=chain,
            unit=read_unit(PATH, unit or self.unit(number)),
            node_key=NodeKeyFacts(key.node_id, key.public64),
        )
        return details(number, status=status)

    def looks(self) -> dict[str, NodeDetails | LoomtuiError]:
        return {f"n{number}": AWAY if number in self.away else self.look(number) for number in NUMBERS}

    def plan(self, number: int) -> Plan:
        looks = self.looks()
        own = looks.pop(f"n{number}")
        assert isinstance(own, NodeDetails)
        items = (
            Item("config/node_key.json", NODE_KEY),
            Item("loom.yml", LOOM_CONFIG),
            Item("loom.service", UNIT),
        )
        key = self.key(number)
        saved = config(
            number,
            config_items=items,
            texts={LOOM_CONFIG: LOOM_YML, UNIT: self.backup_unit(number)},
            node_key=NodeKeyFacts(key.node_id, key.public64),
        )
        return planned(own, left_out=looks, inventory=self.inventory, configs={own.name: saved})

    def report(self, plan: Plan | None = None, units: Mapping[str, str] = NO_UNITS) -> KeyReport:
        """With a plan as step 5 has it, without one as `loomtui nodekeys` does."""
        looks = self.looks() | {name: self.look(int(name[1:]), text) for name, text in units.items()}
        history = {node.name: node for node in plan.nodes} if plan else {}
        return compare(
            [
                with_history(facts_of(self.inventory, node, looks[node.name]), history.get(node.name))
                for node in self.inventory.nodes
            ]
        )


def unit_of(peers: Mapping[int, tuple[Key, str]]) -> str:
    text = ",".join(f"tcp://{key.node_id}@{host}:46656" for key, host in peers.values())
    return f"[Service]\nExecStart=/usr/bin/loom run --persistent-peers {text}\n"


def wrong_on(report: KeyReport) -> set[tuple[str, str | None]]:
    return {(one.on, one.about) for one in report.mismatches if one.blocking}


def restored_unit(world: World, plan: Plan, number: int) -> str:
    """What the config step leaves, put right as the services step does it."""
    name = f"n{number}"
    choice = next(choice for choice in plan.node(name).files if choice.target == UNIT)
    put = world.backup_unit(number) if choice.action is FileAction.RESTORE else world.unit(number)
    (fix,) = [fix for fix in service_fixes(world.report(plan, {name: put})) if fix.node == name]
    assert fix.problem is None
    return fix.after


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("own", [RIGHT, STALE])
def test_one_node_is_restored_whatever_the_others_are(number: int, own: str) -> None:
    others = [other for other in NUMBERS if other != number]
    for states in itertools.product([RIGHT, STALE, MOVED, REBUILT], repeat=3):
        world = World({number: own, **dict(zip(others, states, strict=True))})
        plan, name = world.plan(number), f"n{number}"
        assert plan.refusals == ()
        after = restored_unit(world, plan, number)
        if own == RIGHT:
            assert after == world.unit(number), world
        stale = {f"n{other}" for other in others if world.states[other] == STALE}
        left = wrong_on(world.report(plan, {name: after}))
        assert {on for on, _ in left} == stale, world
        assert left == wrong_on(world.report(None, {name: after})), world
        for other in others:
            warnings = [
                text for text in texts_of(plan.warnings) if text.startswith(f"n{other} is not in the plan")
            ]
            assert bool(warnings) is (f"n{other}" in stale), (world, warnings)


def test_a_right_unit_stays_and_the_plan_says_so() -> None:
    plan = World({1: RIGHT, 2: MOVED, 3: RIGHT, 4: RIGHT}).plan(1)
    choice = next(choice for choice in plan.node("n1").files if choice.target == UNIT)
    assert (choice.action, choice.changes) == (FileAction.KEEP, False)
    assert choice.reason == "the node's own is right, the backup's names old peers"
    (warning,) = [text for text in texts_of(plan.warnings) if text.startswith("n1: its own unit stays")]
    assert "10.7.0.2" in warning


def test_a_right_unit_of_the_backup_takes_the_place_of_one_that_is_right() -> None:
    """The rest of it may differ, and it is what the operator asked for."""
    plan = World(dict.fromkeys(NUMBERS, RIGHT)).plan(1)
    choice = next(choice for choice in plan.node("n1").files if choice.target == UNIT)
    assert choice.action is FileAction.RESTORE


@pytest.mark.parametrize("state", [RIGHT, MOVED, REBUILT])
def test_a_node_that_cannot_be_looked_at_is_called_by_its_name(state: str) -> None:
    """Its address is the inventory's, its ID the one that the others give for it."""
    world = World({1: RIGHT, 2: state, 3: RIGHT, 4: RIGHT}, away=frozenset({2}))
    plan = world.plan(1)
    after = restored_unit(world, plan, 1)
    assert after == world.unit(1)
    report = world.report(plan, {"n1": after})
    assert report.mismatches == ()
    assert [node.name for node in report.unseen] == ["n2"]


def test_an_address_that_nobody_has_may_be_that_of_a_node_that_was_not_seen() -> None:
    world = World({1: STALE, 2: RIGHT, 3: RIGHT, 4: RIGHT}, away=frozenset({2}))
    messages = [one.message for one in world.report().mismatches if one.kind is MismatchKind.UNKNOWN_PEER]
    assert len(messages) == 3
    assert all("may be n2, which could not be looked at" in text for text in messages)
    assert [one.on for one in world.report().mismatches if one.about == "n2" and one.blocking] == []


def test_the_address_book_may_name_a_node_that_could_not_be_looked_at() -> None:
    world = World(dict.fromkeys(NUMBERS, RIGHT), away=frozenset({2}))
    own = replace(world.look(1), addrbook=((node_key_of(2).node_id, "10.0.0.2:46656"),))
    left_out = {name: look for name, look in world.looks().items() if name != "n1"}
    plan = planned(own, left_out=left_out, inventory=world.inventory)
    assert [one.action for one in plan.node("n1").files if one.target == ADDRBOOK] == [FileAction.KEEP]


# ── over the real scripts ───────────────────────────────────────────────────────────────────────────────────


def move(cluster: LocalCluster, number: int) -> None:
    """To another address, with the units of the others corrected by hand; the backups are of before."""
    nodes = tuple(
        node.model_copy(update={"address": f"10.7.0.{number}"}) if node.name == f"n{number}" else node
        for node in cluster.inventory.nodes
    )
    cluster.inventory = cluster.inventory.model_copy(update={"nodes": nodes})
    for other in cluster.numbers:
        machine = cluster.machines[f"n{other}"]
        peers = cluster.peers(other).replace(f"@10.0.0.{number}:", f"@10.7.0.{number}:")
        machine.write_unit(unit_text(machine, peers))


def told_by(run: Run, step: StepName) -> str:
    notes = (event for event in run.events() if event.kind is EventKind.NOTE and event.step is step)
    return "\n".join(event.message for event in notes)


@pytest.mark.slow
@pytest.mark.parametrize("restored", ["n1", "n2", "n3"])
@pytest.mark.parametrize("third", [RIGHT, STALE])
async def test_the_run_tells_what_nodekeys_tells_right_after(
    make_cluster: Make, restored: str, third: str
) -> None:
    """n2 has moved; n3's unit is right, or of before. Whichever is restored, what is right stays right."""
    cluster = make_cluster(3)
    cluster.chain.live_at(130)
    move(cluster, 2)
    if third == STALE:
        cluster.machines["n3"].write_unit(unit_text(cluster.machines["n3"], cluster.peers(3)))
    before = {name: machine.unit.read_text() for name, machine in cluster.machines.items()}
    run = await cluster.run(nodes=(restored,), reset_signing=False)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    report, _ = await gather(cluster.inventory, cluster.fleet())
    wrong = third == STALE and restored != "n3"
    assert [one.message for one in report.mismatches if one.blocking] == [
        one.message for one in report.mismatches if one.on == "n3"
    ]
    assert report.ok is not wrong
    for step in (StepName.NODE_KEYS, StepName.VERIFY):
        text = told_by(run, step)
        assert ("has n2 at 10.0.0.2, but peers dial it at 10.7.0.2" in text) is (
            wrong or (step is StepName.NODE_KEYS and third == STALE)
        )
    for name, machine in cluster.machines.items():
        if name != "n3" or third == RIGHT:
            assert machine.unit.read_text() == before[name]


async def test_a_key_that_a_node_outside_the_run_has_too_stops_the_run_before_the_stop(
    make_cluster: Make,
) -> None:
    """Whoever copied the key did so after the plan was made."""
    cluster = make_cluster(2)
    cluster.chain.live_at(130)
    run = await cluster.run(nodes=("n1",), reset_signing=False)
    (cluster.machines["n2"].config / "node_key.json").write_text(node_key_of(1).node_key_json)
    error = await stopped_at(cluster, run)
    assert "same node key" in error.what
    assert cluster.machines["n1"].active == "active"
    assert not any(
        event.step is StepName.STOP and event.kind is EventKind.TASK_STARTED for event in run.events()
    )
