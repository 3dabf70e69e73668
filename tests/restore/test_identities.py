"""Every node's identity against every reference to it, over the real scripts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loomtui.errors import NodeUnreachable
from loomtui.loom.references import MismatchKind
from loomtui.loom.units import read_cat, read_unit
from loomtui.restore.planning.identities import gather, service_fixes
from tests.restore.cluster import LocalCluster
from tests.restore.material import make_plan_of, node_key_of, node_plan, unit_text

Make = Callable[..., LocalCluster]


async def test_a_healthy_cluster_has_no_mismatch(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    report, errors = await gather(cluster.inventory, cluster.fleet(quick=False))
    assert report.ok
    assert errors == {}
    assert [node.reported for node in report.nodes] == [node_key_of(1).node_id, node_key_of(2).node_id]
    assert not any(fix.needed for fix in service_fixes(report))


async def test_a_wrong_id_is_found_and_put_right_by_identity(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    machine.write_unit(unit_text(machine, f"tcp://{node_key_of(7).node_id}@10.0.0.2:46656"))
    report, _ = await gather(cluster.inventory, cluster.fleet())
    assert [(found.kind, found.on, found.about) for found in report.mismatches] == [
        (MismatchKind.WRONG_ID, "n1", "n2")
    ]
    first, second = service_fixes(report)
    assert first.needed
    assert not second.needed
    assert first.path == str(machine.unit)
    assert f"tcp://{node_key_of(2).node_id}@10.0.0.2:46656" in first.after
    assert first.diff.startswith(f"--- {machine.unit} (now)")


async def test_with_a_plan_former_identities_are_known(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    machine = cluster.machines["n1"]
    machine.write_unit(unit_text(machine, f"tcp://{node_key_of(7).node_id}@10.9.9.9:46656"))
    fleet = cluster.fleet()
    without, _ = await gather(cluster.inventory, fleet)
    assert MismatchKind.UNKNOWN_PEER in {found.kind for found in without.mismatches}
    plan = make_plan_of(node_plan("n2", former_ids=(node_key_of(7).node_id,), former_addresses=("10.9.9.9",)))
    report, _ = await gather(cluster.inventory, fleet, plan=plan)
    assert {found.kind for found in report.mismatches} == {MismatchKind.WRONG_ID, MismatchKind.WRONG_ADDRESS}
    fixed = service_fixes(report)[0].after
    assert f"--persistent-peers tcp://{node_key_of(2).node_id}@10.0.0.2:46656\n" in fixed


async def test_a_node_that_is_not_reached_does_not_hide_the_others(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    fleet = cluster.fleet()
    fleet.faults.unreachable = {"n2"}
    report, errors = await gather(cluster.inventory, fleet)
    assert [node.name for node in report.nodes] == ["n1"]
    assert isinstance(errors["n2"], NodeUnreachable)


async def test_a_unit_that_cannot_be_changed_says_why(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    report, _ = await gather(cluster.inventory, cluster.fleet())
    shell = read_unit("/x/loom.service", "[Service]\nExecStart=/bin/sh -c 'loom run --peers tcp://'x\n")
    bare = replace(report.nodes[0], unit=None)
    (fix,) = service_fixes(
        replace(report, nodes=(replace(report.nodes[0], unit=shell), replace(report.nodes[1], unit=None)))
    )
    assert fix.needed
    assert fix.problem
    assert fix.after == fix.before
    assert service_fixes(replace(report, nodes=(bare,))) == ()


@pytest.mark.slow
async def test_the_file_that_holds_the_command_in_force_is_the_one_to_change(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    report, _ = await gather(cluster.inventory, cluster.fleet())
    drop_in = "/etc/systemd/system/loom.service.d/10-peers.conf"
    unit = read_cat(
        "# /etc/systemd/system/loom.service\n[Service]\nExecStart=/usr/bin/loom run\n\n"
        f"# {drop_in}\n[Service]\nExecStart=\nExecStart=/usr/bin/loom run --peers x\n"
    )
    (fix,) = service_fixes(
        replace(report, nodes=(replace(report.nodes[0], unit=unit), replace(report.nodes[1], unit=None)))
    )
    assert fix.path == drop_in
    assert fix.after.startswith("[Service]\nExecStart=\n")
