"""A unit that a late step could not correct: the plan is refused, and nothing is stopped."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from loomtui.loom.databases import UNIT
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.planning.identities import gather, service_fixes
from loomtui.restore.planning.unit_choices import restored_unit
from tests.restore.cluster import LocalCluster
from tests.restore.local import LocalNode
from tests.restore.material import Key, contents, node_details, node_status, unit_text

Make = Callable[..., LocalCluster]


def started_by_a_script(cluster: LocalCluster, peers: str) -> LocalNode:
    """n1 starts loom by a script, and so does the unit in its backup."""
    machine = cluster.machines["n1"]
    script = machine.bin / "start-loom.sh"
    script.write_text(f'#!/bin/sh\nPEERS="{peers}"\nexec {machine.bin}/loom run --persistent-peers $PEERS\n')
    script.chmod(0o755)
    _use(cluster, machine, str(script))
    return machine


def _use(cluster: LocalCluster, machine: LocalNode, command: str, more: str = "") -> None:
    lines = unit_text(machine, "").split("\n")
    at = next(number for number, line in enumerate(lines) if line.startswith("ExecStart="))
    lines[at] = f"{more}ExecStart={command}"
    machine.write_unit("\n".join(lines))
    cluster.add_config_backup(1, files={"loom.service": "\n".join(lines)})


def of_units(findings: tuple[Finding, ...]) -> list[Finding]:
    codes = {FindingCode.UNIT_BY_HAND, FindingCode.UNIT_FILE_MISSING, FindingCode.PEERS_UNKNOWN}
    return [finding for finding in findings if finding.code in codes]


async def test_right_peers_in_a_start_script_need_no_change(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    started_by_a_script(cluster, cluster.peers(1))
    plan = await cluster.plan()
    assert of_units(plan.refusals) == []
    assert of_units(plan.warnings) == []
    report, _ = await gather(cluster.inventory, cluster.fleet(), plan=plan)
    assert report.ok
    assert not any(fix.needed for fix in service_fixes(report))


async def test_wrong_peers_in_a_start_script_refuse_the_plan_with_the_line(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = started_by_a_script(cluster, cluster.peers(1, lambda other: Key(77 + other)))
    before = cluster.live()
    (refusal,) = of_units((await cluster.plan()).refusals)
    assert (refusal.code, refusal.node) == (FindingCode.UNIT_BY_HAND, "n1")
    wrong, right = cluster.peers(1, lambda other: Key(77 + other)), cluster.peers(1)
    assert f"{machine.bin}/start-loom.sh:2" in refusal.sentence
    assert f'Now: PEERS="{wrong}" Has to be: PEERS="{right}"' in refusal.sentence
    assert cluster.live() == before


async def test_wrong_peers_in_an_environment_file_refuse_the_plan(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    env = machine.unit_folder / "loom.env"
    env.write_text(f"PEERS={cluster.peers(1, lambda other: Key(77 + other))}\n")
    _use(cluster, machine, f"{machine.bin}/loom run --persistent-peers $PEERS", f"EnvironmentFile={env}\n")
    (refusal,) = of_units((await cluster.plan()).refusals)
    assert f"Has to be: PEERS={cluster.peers(1)}" in refusal.sentence


async def test_an_environment_file_that_the_backups_unit_needs_and_the_node_lacks(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    cluster.spoil_unit(1)
    lines = unit_text(machine, cluster.peers(1)).replace(
        "ExecStart=", "EnvironmentFile=/no/such/file\nExecStart="
    )
    cluster.add_config_backup(1, files={"loom.service": lines})
    (refusal,) = of_units((await cluster.plan()).refusals)
    assert (refusal.code, refusal.node) == (FindingCode.UNIT_FILE_MISSING, "n1")
    assert "/no/such/file" in refusal.sentence


@pytest.mark.parametrize("how", ["Environment", "shell"])
async def test_what_stands_in_the_unit_itself_is_corrected(make_cluster: Make, how: str) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    wrong = cluster.peers(1, lambda other: Key(77 + other))
    if how == "shell":
        _use(cluster, machine, f'/bin/sh -c "exec {machine.bin}/loom run --persistent-peers {wrong}"')
    else:
        _use(
            cluster,
            machine,
            f"{machine.bin}/loom run --persistent-peers $PEERS",
            f"Environment=PEERS={wrong}\n",
        )
    plan = await cluster.plan()
    assert of_units(plan.refusals) == []
    report, _ = await gather(cluster.inventory, cluster.fleet(), plan=plan)
    fix = service_fixes(report)[0]
    assert fix.problem is None
    assert fix.after == fix.before.replace(wrong, cluster.peers(1))


async def test_peers_that_cannot_be_read_are_a_warning_and_stop_nothing(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = started_by_a_script(cluster, "$(hostname)")
    plan = await cluster.plan()
    assert of_units(plan.refusals) == []
    (warning,) = of_units(plan.warnings)
    assert (warning.code, warning.node) == (FindingCode.PEERS_UNKNOWN, "n1")
    assert "n1's list of peers is not known" in warning.sentence
    report, _ = await gather(cluster.inventory, cluster.fleet(), plan=plan)
    assert (report.ok, report.unknown) == (True, ("n1",))
    assert machine.unit.read_text() == service_fixes(report)[0].after


@pytest.mark.slow
async def test_a_restore_goes_through_past_peers_that_cannot_be_read_and_names_them(
    make_cluster: Make,
) -> None:
    """Steps 5 and 6 say so, and nothing is stopped for it while the cluster is down."""
    cluster = make_cluster(2)
    machine = started_by_a_script(cluster, "$(hostname)")
    run = await cluster.run()
    before = machine.unit.read_text()
    assert await cluster.runner(run).restore() is Outcome.RESTORED
    told = [event for event in run.events() if "n1's list of peers is not known" in event.message]
    assert {event.step for event in told} == {StepName.NODE_KEYS, StepName.SERVICES}
    assert machine.unit.read_text() == before


def test_a_unit_that_the_node_lacks_is_judged_where_it_will_lie() -> None:
    """The file to correct, and the place that is looked at, are told from its path."""
    seen = node_details("n1", 1, status=node_status("n1", 1, unit=None))
    config = contents(texts={UNIT: "[Service]\nExecStart=/usr/bin/loom run --persistent-peers x\n"})
    unit = restored_unit(seen, config, "/etc/systemd/system/loom.service")
    assert unit
    assert unit.exec_start_file == "/etc/systemd/system/loom.service"
    assert [value.file for value in unit.peer_values] == ["/etc/systemd/system/loom.service"]


async def test_a_variable_of_the_backups_unit_that_moves_files_refuses_the_plan(make_cluster: Make) -> None:
    """The node's own unit sets none, so that no look at the node tells of it."""
    cluster = make_cluster(2)
    cluster.spoil_unit(1)
    machine = cluster.machines["n1"]
    text = unit_text(machine, cluster.peers(1))
    for line, moves in (("GOGC=50", False), ("TM_DB_DIR=/big", True)):
        unit = text.replace("ExecStart=", f"Environment={line}\nExecStart=")
        cluster.add_config_backup(1, files={"loom.service": unit})
        refusals = (await cluster.plan()).refusals
        assert [(one.code, one.node) for one in refusals] == [(FindingCode.FILES_MOVED, "n1")] * moves
