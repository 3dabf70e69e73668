"""Single steps where something is not as they expect: units, config files, the start, the chain."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from loomtui.errors import GateNotMet, LoomtuiError, ScriptFailed, StepFailed
from loomtui.loom.databases import LOOM_CONFIG, UNIT, VALIDATOR
from loomtui.restore.events import EventKind, Outcome, StepName
from loomtui.restore.plan import FileAction, Plan, SigningAction
from loomtui.restore.record.run_store import Run
from loomtui.restore.running.operator import OnFailure
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from tests.restore import looks
from tests.restore.cluster import LocalCluster
from tests.restore.local import digest
from tests.restore.material import Key, node_key_of, unit_text, validator_key_of
from tests.restore.scripted import Scripted

Make = Callable[..., LocalCluster]


async def stopped(cluster: LocalCluster, run: Run, operator: Scripted | None = None) -> LoomtuiError:
    with pytest.raises(LoomtuiError) as caught:
        await cluster.runner(run, operator=operator).restore()
    return caught.value


def changed(cluster: LocalCluster, plan: Plan, **changes: Any) -> Run:
    """A run of the plan with changes to its first node."""
    first = replace(plan.nodes[0], **changes)
    return cluster.store.create(replace(plan, nodes=(first, *plan.nodes[1:])), cluster.inventory_path)


# ── service definitions ─────────────────────────────────────────────────────────────────────────────────────


def with_peers(cluster: LocalCluster, number: int, peers: str, extra: str = "") -> None:
    machine = cluster.machines[f"n{number}"]
    text = unit_text(machine, peers) + extra
    cluster.add_config_backup(number, files={"loom.service": text})
    cluster.spoil_unit(number)


def wrong_peers(cluster: LocalCluster) -> str:
    """The second node's address, with a key that it never had."""
    return f"tcp://{Key(77).node_id}@10.0.0.2:46656"


@pytest.mark.slow
async def test_a_unit_whose_last_line_has_no_end_is_the_one_that_the_plan_saw(make_cluster: Make) -> None:
    """systemctl tells it with an end, so that its bytes are others than those of the text."""
    cluster = make_cluster(2)
    with_peers(cluster, 1, cluster.peers(1))
    unit = cluster.machines["n1"].unit
    cluster.machines["n1"].write_unit(unit.read_text().rstrip("\n"))
    fleet = cluster.fleet(quick=False)
    run = await cluster.run(fleet)
    choice = next(choice for choice in run.plan.node("n1").files if choice.target == UNIT)
    assert choice.found not in {None, digest(unit.read_bytes())}
    assert await cluster.runner(run, fleet).restore() is Outcome.RESTORED


async def test_a_unit_that_somebody_changed_since_is_not_written_over(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    with_peers(cluster, 1, cluster.peers(1))
    run = await cluster.run()
    machine = cluster.machines["n1"]
    machine.write_unit(machine.unit.read_text() + "# somebody's\n")
    before = cluster.live()
    error = await stopped(cluster, run)
    assert (error.node, error.safe) == ("n1", NOTHING_STOPPED)
    assert "somebody has changed its unit file since the plan was made" in error.what
    assert cluster.live() == before


@pytest.mark.slow
async def test_a_change_that_is_declined_stops_the_run_before_anything_is_stopped(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    with_peers(cluster, 1, wrong_peers(cluster))
    before = cluster.live()
    run = await cluster.run()
    error = await stopped(cluster, run, Scripted(approves=False))
    assert isinstance(error, GateNotMet)
    assert node_key_of(2).node_id in error.what
    assert cluster.live() == before
    assert any("was declined" in event.message for event in run.events())
    again = await stopped(cluster, run)  # what somebody declined is approved by a person alone
    assert "nobody is there to approve this" in again.what
    assert await cluster.runner(run, operator=Scripted()).restore() is Outcome.RESTORED
    assert node_key_of(2).node_id in cluster.machines["n1"].unit.read_text()


async def test_a_unit_that_systemd_refuses_stops_no_service(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    with_peers(cluster, 1, wrong_peers(cluster), "# BROKEN\n")
    before = cluster.live()
    error = await stopped(cluster, await cluster.run())
    assert isinstance(error, StepFailed)
    assert "systemd refuses the new unit" in error.what
    assert error.safe.startswith("No service was stopped")
    assert cluster.live() == before


async def test_a_unit_that_cannot_be_changed_is_told_before_anything_is_done(make_cluster: Make) -> None:
    """The plan is refused for such a unit; here it became so after the plan was made."""
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    run = await cluster.run()
    text = unit_text(machine, "x").replace("--persistent-peers x", '--persistent-peers "$PEERS"')
    machine.write_unit(text)
    error = await stopped(cluster, run)
    assert "cannot be changed" in error.what
    assert error.advice.startswith("Change the unit by hand")
    assert machine.active == "active"


async def test_a_unit_that_can_no_longer_be_changed_after_the_stop(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    run, fleet, operator = await cluster.run(), cluster.fleet(), Scripted()

    def before(node: str, script: str) -> None:
        if script == "swap":
            text = unit_text(machine, "x").replace("--persistent-peers x", '--persistent-peers "$PEERS"')
            machine.write_unit(text)

    fleet.faults.before = before
    with pytest.raises(StepFailed, match="cannot be changed"):
        await cluster.runner(run, fleet, operator).restore()
    assert operator.previews[StepName.SERVICES]["n1"].text


@pytest.mark.slow
async def test_peers_in_a_drop_in_are_changed_there_and_put_back(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    machine.hold.parent.mkdir()
    drop_in = machine.hold.parent / "10-peers.conf"
    drop_in.write_text(
        f"[Service]\nExecStart=\nExecStart={machine.bin}/loom run --peers {wrong_peers(cluster)}\n"
    )
    machine.reload()
    before = cluster.live()
    run = await cluster.run()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert f"--peers tcp://{node_key_of(2).node_id}@10.0.0.2:46656" in drop_in.read_text()
    assert "--peers" not in machine.unit.read_text().replace("--persistent-peers", "")
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


@pytest.mark.slow
async def test_a_unit_that_systemd_did_not_read_again_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    with_peers(cluster, 1, wrong_peers(cluster))
    run, fleet = await cluster.run(), cluster.fleet()
    seen: list[tuple[str, str]] = []

    def after(node: str, script: str) -> None:
        seen.append((node, script))
        if (node, script) == ("n1", "reload") and seen.count(("n1", "reload")) == 2:  # of the services step
            with cluster.machines["n1"].unit.open("a") as file:
                file.write("# edited by somebody\n")

    fleet.faults.after = after
    with pytest.raises(StepFailed, match="still holds the old unit"):
        await cluster.runner(run, fleet).restore()
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_one_identity_on_two_nodes_is_never_started(make_cluster: Make) -> None:
    """Whoever copied the key did so after the plan was made."""
    cluster = make_cluster(2)
    run = await cluster.run()
    fleet = cluster.fleet()
    scripts: list[str] = []

    def before(node: str, script: str) -> None:
        scripts.append(script)
        if scripts.count("identity") == 3:  # the first two are of the config step
            key = cluster.machines["n2"].config / "node_key.json"
            key.write_text(node_key_of(1).node_key_json)

    fleet.faults.before = before
    operator = Scripted(on_failure=[(OnFailure.RETRY, None)])
    with pytest.raises(StepFailed, match="same node key"):
        await cluster.runner(run, fleet, operator).restore()
    assert cluster.machines["n1"].active == cluster.machines["n2"].active == "inactive"


@pytest.mark.slow
async def test_a_program_that_cannot_be_asked_for_its_id_stops_nothing(make_cluster: Make) -> None:
    """The ID is derived from the key; `loom nodekey` only confirms it."""
    cluster = make_cluster()
    run = await cluster.run()
    (cluster.machines["n1"].bin / "loom").unlink()
    assert await cluster.runner(run, cluster.fleet(quick=False)).restore() is Outcome.RESTORED
    compared = [event for event in run.events() if event.kind is EventKind.TASK_DONE]
    (mismatches,) = [event for event in compared if event.step is StepName.NODE_KEYS]
    assert "there is no program" in str(mismatches.data["mismatches"])


async def test_the_gate_before_the_start_looks_once_more(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()
    looks: list[str] = []

    def before(node: str, script: str) -> None:
        looks.append(script)
        if looks.count("nodekey") == 2:  # of the step before; the first is before the stop
            (cluster.machines["n1"].config / "node_key.json").unlink(missing_ok=True)

    fleet.faults.before = before
    with pytest.raises(GateNotMet, match=r"no usable node_key\.json"):
        await cluster.runner(run, fleet).restore()


async def test_a_node_that_cannot_be_looked_at_stops_the_comparison(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def before(node: str, script: str) -> None:
        if script == "details":
            raise ScriptFailed("no", node=node)

    fleet.faults.before = before
    with pytest.raises(ScriptFailed):
        await cluster.runner(run, fleet).restore()
    assert run.events()[-1].data["outcome"] == "stopped"


# ── config files ────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_file_that_the_plan_leaves_alone_and_somebody_edits_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def before(node: str, script: str) -> None:
        if script == "swap":
            (cluster.machines[node].workdir / "genesis.json").write_text('{"contracts": []}')

    fleet.faults.before = before
    with pytest.raises(StepFailed, match=r"its config is not what the plan says: \S+ holds other bytes"):
        await cluster.runner(run, fleet).restore()


async def test_an_identity_that_is_not_the_plans_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = changed(cluster, await cluster.plan(), node_id="f" * 40)
    assert "the plan says" in (await stopped(cluster, run)).what


async def test_a_validator_key_that_is_not_the_plans_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = await cluster.plan()
    signing = replace(plan.nodes[0].signing, address="F" * 40)
    run = changed(cluster, replace(plan, validators=()), signing=signing)
    run = cluster.store.create(
        replace(run.plan, validators=(replace(plan.validators[0], address="F" * 40),)), cluster.inventory_path
    )
    assert "its validator key is" in (await stopped(cluster, run)).what


async def test_a_state_that_grew_since_the_plan_is_not_lowered(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    cluster.chain.live_at(140)
    validator = cluster.machines["n1"].config / "priv_validator.json"
    own = validator.read_text()
    validator.unlink()
    run = await cluster.run(nodes=("n1",))
    assert run.plan.node("n1").signing.action is SigningAction.RAISE
    validator.write_text(own.replace('"130"', '"900"'))
    assert "never lowered" in (await stopped(cluster, run)).what
    assert '"900"' in validator.read_text()


async def test_a_state_that_is_not_seen_is_not_lowered(
    make_cluster: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The node is short of memory or processes, and tells no more than that the file is there."""
    cluster = make_cluster(2)
    cluster.chain.live_at(140)
    validator = cluster.machines["n1"].config / "priv_validator.json"
    own = validator.read_text()
    validator.unlink()
    run = await cluster.run(nodes=("n1",))
    validator.write_text(own)
    monkeypatch.setattr(looks, "_validator", lambda _: iter([("validator.state", "good")]))
    assert "could not be seen" in (await stopped(cluster, run)).what
    assert validator.read_text() == own


@pytest.mark.parametrize(
    "text",
    [None, "{}", Key(5).validator_json(900), validator_key_of(1).validator_json(100)],
    ids=["none", "unreadable", "another key", "older"],
)
async def test_another_file_or_an_older_state_gives_way(make_cluster: Make, text: str | None) -> None:
    cluster = make_cluster(2)
    cluster.chain.live_at(140)
    validator = cluster.machines["n1"].config / "priv_validator.json"
    validator.unlink()
    run = await cluster.run(nodes=("n1",))
    if text is not None:
        validator.write_text(text)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    assert json.loads(validator.read_text())["address"] == validator_key_of(1).address


@pytest.mark.slow
async def test_an_address_book_is_set_aside_and_put_back(make_cluster: Make) -> None:
    cluster = make_cluster()
    book = cluster.machines["n1"].config / "addrbook.json"
    stale = json.dumps({"key": "00", "addrs": [{"addr": {"id": "a" * 40, "ip": "192.0.2.1", "port": 46656}}]})
    book.write_text(stale)
    before = cluster.live()
    run, operator = await cluster.run(), Scripted()
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert (
        "addrbook.json: set aside, nothing takes its place (" in operator.previews[StepName.CONFIG]["n1"].text
    )
    assert "192.0.2.1" not in book.read_text()  # the node made a new one
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK
    assert cluster.live() == before


async def test_the_plan_may_leave_every_file_alone(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = await cluster.plan()
    files = tuple(
        replace(file, action=FileAction.KEEP, changes=False)
        for file in plan.nodes[0].files
        if file.target not in (LOOM_CONFIG, UNIT)
    )
    run = changed(cluster, plan, files=files, config=None)
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    loom_yml = (cluster.machines["n1"].workdir / "loom.yml").read_text()
    assert "from the backup" not in loom_yml
    assert any(file.target == VALIDATOR for file in files)


async def test_a_node_may_keep_its_data(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = changed(cluster, await cluster.plan(), data=None)
    operator = Scripted()
    assert await cluster.runner(run, operator=operator).restore() is Outcome.RESTORED
    assert "live" in (cluster.machines["n1"].workdir / "app.db/LOG").read_text()
    assert operator.previews[StepName.DATA]["n1"].already
    assert await cluster.runner(run).rollback() is Outcome.ROLLED_BACK


async def test_a_swap_that_nobody_noted_is_noticed(make_cluster: Make) -> None:
    cluster = make_cluster()
    run, fleet = await cluster.run(), cluster.fleet()

    def after(node: str, script: str) -> None:
        if script == "swap":
            (cluster.machines[node].run_folder(run.id) / "data.swapped").unlink()

    fleet.faults.after = after
    with pytest.raises(StepFailed, match="were not swapped"):
        await cluster.runner(run, fleet).restore()


# ── the chain ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
async def test_a_chain_that_stands_still_ends_in_a_diagnosis(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    cluster.chain.moves = False
    plan = replace(await cluster.plan(), verify_deadline_seconds=1)
    log_line = 'E[2026-01-01|12:00:00.000] Error signing vote module=consensus err="Height regression"'
    entry = {"__REALTIME_TIMESTAMP": "4102444800000000", "__CURSOR": "c", "MESSAGE": log_line}
    (machine.root / "journal").write_text(json.dumps(entry) + "\n")
    run = cluster.store.create(plan, cluster.inventory_path)
    error = await stopped(cluster, run)
    assert isinstance(error, StepFailed)
    assert error.advice
    live = [event for event in run.events() if event.data.get("live")]
    assert live == []  # shown, not kept
    cluster.chain.moves = True
    assert await cluster.runner(run).restore() is Outcome.RESTORED


@pytest.mark.slow
async def test_a_node_that_gives_no_height_is_not_verified(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = replace(await cluster.plan(), verify_deadline_seconds=1)
    run, fleet = cluster.store.create(plan, cluster.inventory_path), cluster.fleet()

    def before(node: str, script: str) -> None:
        if script == "start":
            fleet.faults.before = lambda name, found: gone(name) if found == "status" else None

    def gone(name: str) -> None:
        raise ScriptFailed("no answer", node=name)

    fleet.faults.before = before
    with pytest.raises(StepFailed):
        await cluster.runner(run, fleet).restore()


@pytest.mark.slow
async def test_a_service_that_flaps_is_no_start(make_cluster: Make) -> None:
    cluster = make_cluster()
    (cluster.machines["n1"].state / "flaps").touch()
    run = await cluster.run()
    error = await stopped(cluster, run)
    assert "does not stay up" in error.what
    assert "loomtui logs --node n1" in error.advice
    (cluster.machines["n1"].state / "flaps").unlink()
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_a_standstill_that_grew_since_the_plan_closes_the_first_gate(make_cluster: Make) -> None:
    """The states are looked at again before and after the stop: the plan is of another moment."""
    cluster = make_cluster()
    validator = cluster.machines["n1"].config / "priv_validator.json"
    validator.write_text(validator_key_of(1).validator_json(100))
    run = await cluster.run()
    assert run.plan.node("n1").signing.action is SigningAction.KEEP
    validator.write_text(validator_key_of(1).validator_json(500))
    error = await stopped(cluster, run)
    assert isinstance(error, GateNotMet)
    assert "stand still" in error.what
    assert cluster.machines["n1"].active == "active"
    validator.write_text(Key(9).validator_json(0))
    assert "stand still" in (await stopped(cluster, run)).what
    validator.write_text(validator_key_of(1).validator_json(100))
    assert await cluster.runner(run).restore() is Outcome.RESTORED


async def test_a_gate_that_cannot_look_is_closed(make_cluster: Make) -> None:
    cluster = make_cluster()
    (cluster.machines["n1"].config / "priv_validator.json").write_text(
        validator_key_of(1).validator_json(100)
    )
    run, fleet = await cluster.run(), cluster.fleet()
    scripts: list[str] = []

    def before(node: str, script: str) -> None:
        scripts.append(script)
        if scripts.count("status") == 3 and script == "status":
            raise ScriptFailed("the node did not run inspect/status", node=node)

    fleet.faults.before = before
    with pytest.raises(GateNotMet, match="n1: the node did not run inspect/status"):
        await cluster.runner(run, fleet).restore()
    assert any(event.kind is EventKind.GATE_REFUSED for event in run.events())


@pytest.mark.slow
async def test_the_operator_may_give_up_at_any_choice(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.chain.moves = False
    before = cluster.live()
    plan = replace(await cluster.plan(), verify_deadline_seconds=1)
    run = cluster.store.create(plan, cluster.inventory_path)
    operator = Scripted(on_failure=[(OnFailure.ROLL_BACK, None)])
    assert await cluster.runner(run, operator=operator).restore() is Outcome.ROLLED_BACK
    assert operator.failures[0][2] == (OnFailure.RETRY, OnFailure.STOP, OnFailure.ROLL_BACK)
    assert cluster.live() == before
