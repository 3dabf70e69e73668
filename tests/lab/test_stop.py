"""A stop that is a stop: nothing of the service is left, nothing is killed that nobody decided to kill."""

from __future__ import annotations

from loomtui.fleet.fleet import WritableFleet
from tests.lab.client import Lab
from tests.lab.grip import gripped, left_of
from tests.lab.watching import unit

_DROP_INS = "/run/systemd/system/loom.service.d"


async def test_processes_that_outlive_a_stopped_unit_are_no_stop(shared: Lab, fleet: WritableFleet) -> None:
    """KillMode=process: systemd says inactive, and what the service had started runs on."""
    node, folder = "val-3", _DROP_INS
    setting = '[Service]\\nKillMode=process\\nExecStartPre=/bin/sh -c "sleep infinity &"\\n'
    shared.run(
        node,
        f"mkdir -p {folder} && printf '{setting}' > {folder}/50-child.conf && systemctl daemon-reload"
        " && systemctl restart loom",
    )
    try:
        async with gripped(fleet, node) as grip:
            await grip.hold()
            stopped = await grip.stop(seconds=5)
            state = unit(shared, node)["ActiveState"]
            (child,) = left_of(stopped)
            shared.run(node, f"kill {child.id}")
            again = await grip.stop()
    finally:
        shared.run(node, f"rm -r {folder}; systemctl daemon-reload; systemctl restart loom")

    assert (stopped.status, state, child.name) == (75, "inactive", "sleep")
    assert again.status == 0


async def test_stop_that_ends_with_status_1_leaves_nothing_failed(shared: Lab, fleet: WritableFleet) -> None:
    """Loom's two signal handlers race (observed facts 8): one of them ends it with 1."""
    node, folder = "val-1", _DROP_INS
    setting = '[Service]\\nExecStop=/bin/sh -c "kill -USR1 $MAINPID"\\n'  # its status then is no clean one
    shared.run(
        node, f"mkdir -p {folder} && printf '{setting}' > {folder}/50-race.conf && systemctl daemon-reload"
    )
    try:
        async with gripped(fleet, node) as grip:
            await grip.hold()
            stopped = await grip.stop()
            state = unit(shared, node)["ActiveState"]
            failed = shared.run(node, "systemctl --failed --quiet").stdout
            journal = shared.run(node, "journalctl --no-pager --unit=loom --since=-30s").stdout
    finally:
        shared.run(node, f"rm -r {folder}; systemctl daemon-reload")

    assert "Failed with result" in journal
    assert (stopped.status, state, failed) == (0, "inactive", "")
