"""That the quick looks say what the real scripts say, as far as a restore asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from loomtui.fleet.probes.backup_jobs import BackupJobs
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.probe import identity_details, node_details
from loomtui.restore.events import StepName
from loomtui.restore.planning.identities import facts_of
from loomtui.restore.running.node_run import NodeRun
from loomtui.restore.running.operator import Go
from tests.restore.cluster import LocalCluster
from tests.restore.material import NOW
from tests.restore.scripted import Scripted
from tests.sampling import rest_slow

Make = Callable[..., LocalCluster]


def as_a_restore_sees(details: NodeDetails) -> NodeDetails:
    """Without what is of the moment, and what no step of a restore looks at."""
    status = details.status
    assert status.service is not None
    assert status.chain is not None
    service = replace(status.service, since=None, held_since=None)
    chain = replace(status.chain, height=0, app_hash="", block_time=None)
    status = replace(
        status,
        at=NOW,
        service=service,
        chain=chain,
        clock_offset_seconds=None,
        version=None,
        disk_free_bytes=None,
        disk_total_bytes=None,
        load_average=None,
    )
    return replace(
        details,
        status=status,
        databases=dict.fromkeys(sorted(details.databases), 0),
        tools=frozenset(),
        backups=BackupJobs(),
        texts=dict(sorted(details.texts.items())),
        digests=dict(sorted(details.digests.items())),
        modified={},
    )


@pytest.mark.parametrize(
    "step", rest_slow([StepName.PREFLIGHT, StepName.STOP, StepName.CONFIG, StepName.VERIFY])
)
async def test_quick_and_real_states_of_a_run_agree(make_cluster: Make, step: StepName) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({step: Go.STOP})).restore()
    machine = cluster.machines["n1"]
    files = [str(machine.workdir / "loom.yml"), str(machine.unit), "/nowhere"]
    found = []
    for quick in (True, False):
        node_run = NodeRun(cluster.fleet(quick=quick).session("n1"), run.plan.node("n1"), run.id)
        state = await node_run.state(*files)
        found.append(
            replace(
                state,
                work_space=None,  # of the disk of this machine
                unit_space=None,
                staged_bytes={},
                exec_start=state.exec_start.split(" ;")[1],
            )
        )
    assert found[0] == found[1]


@pytest.mark.parametrize("held", [False, True])
async def test_quick_and_real_looks_agree(make_cluster: Make, held: bool) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    (machine.config / "addrbook.json").write_text(
        '{"key":"00","addrs":[{"addr":{"id":"a","ip":"10.0.0.2","port":1}}]}'
    )
    if held:
        machine.take()
    found = []
    for quick in (True, False):
        fleet = cluster.fleet(quick=quick)
        look = (await node_details(fleet, ["n1"]))["n1"]
        assert isinstance(look, NodeDetails), look
        found.append(as_a_restore_sees(look))
    assert found[0] == found[1]


async def test_quick_and_real_looks_at_a_stopped_node_agree(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    (machine.config / "addrbook.json").write_text(
        '{"key":"00","addrs":[{"addr":{"id":"a","ip":"10.0.0.2","port":1}}]}'
    )
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.DATA: Go.STOP})).restore()
    found = []
    for quick in (True, False):
        details = (await identity_details(cluster.fleet(quick=quick), ("n1",), stopped=("n1",)))["n1"]
        assert isinstance(details, NodeDetails)
        status = details.status
        assert status.service is not None
        service = replace(status.service, since=None)
        found.append(replace(details, status=replace(status, at=NOW, service=service)))
    assert found[0] == found[1]


async def test_a_look_at_a_stopped_node_tells_of_it_what_the_whole_look_tells(make_cluster: Make) -> None:
    cluster = make_cluster()
    run = await cluster.run()
    await cluster.runner(run, operator=Scripted({StepName.DATA: Go.STOP})).restore()
    fleet, node = cluster.fleet(quick=False), cluster.inventory.nodes[0]
    whole, lean = [
        (await identity_details(fleet, ("n1",), stopped=stopped))["n1"] for stopped in ((), ("n1",))
    ]
    assert isinstance(whole, NodeDetails)
    assert isinstance(lean, NodeDetails)
    assert facts_of(cluster.inventory, node, lean) == facts_of(cluster.inventory, node, whole)
    assert (lean.status.validator, lean.status.node_key) == (whole.status.validator, whole.status.node_key)
