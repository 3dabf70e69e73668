"""A stop that is a stop: nothing of the service is left, nothing is killed that nobody decided to kill."""

from __future__ import annotations

from loomtui.fleet.fleet import WritableFleet
from loomtui.restore.running.node_run import Standing
from tests.lab.client import Lab
from tests.lab.grip import gripped, left_of
from tests.lab.watching import unit, until

_DROP_INS = "/run/systemd/system/loom.service.d"
#: The stand-in as it is, but for the signal handler.
_DEAF = "import loomtui.drill.node.live as live; live._end = lambda: None"
_LISTENING = "import loomtui.drill.node.__main__"
_UNTIL_IT_HAS_THEM = """
until [ -n "$(find /proc/[0-9]*/fd -lname '/home/ubuntu/app.db/*' 2>/dev/null)" ]; do sleep 0.2; done
"""


async def test_loom_that_does_not_mind_sigterm_is_killed_by_the_operator_alone(
    shared: Lab, fleet: WritableFleet
) -> None:
    node, setting = "val-2", "[Service]\\nTimeoutStopSec=2\\n"  # systemd would kill it then
    shared.run(
        node,
        f"sed -i 's/^{_LISTENING}/{_DEAF}\\n&/' /usr/bin/loom && mkdir -p {_DROP_INS}"
        f" && printf '{setting}' > {_DROP_INS}/50-short.conf && systemctl daemon-reload"
        f" && systemctl stop loom; systemctl start loom; {_UNTIL_IT_HAS_THEM}",
    )
    process = int(unit(shared, node)["MainPID"])
    try:
        async with gripped(fleet, node) as grip:
            await grip.hold()
            stopped = await grip.stop(seconds=10)  # longer than systemd's patience
            left = left_of(stopped)
            state = unit(shared, node)
            alive = shared.run(node, f"cat /proc/{process}/comm", check=False).stdout
            await grip.kill(left)
            again = await grip.stop()
            gone = shared.run(node, f"test -e /proc/{process}", check=False).returncode
    finally:
        heal = f"rm -r {_DROP_INS}; systemctl daemon-reload; sed -i '/live._end/d' /usr/bin/loom"
        shared.run(node, f"{heal}; systemctl kill -s KILL loom; systemctl start loom")

    assert (stopped.status, [str(one) for one in left], alive) == (75, [f"{process} (loom)"], "loom\n")
    assert left[0].standing is Standing.TOLD
    assert left[0].file.startswith("/home/ubuntu/")
    assert (state["ActiveState"], state["MainPID"]) == ("failed", "0")  # which alone is no stop
    assert (again.status, gone) == (0, 1)


async def test_second_loom_outside_the_unit_is_no_stop(shared: Lab, fleet: WritableFleet) -> None:
    """A colleague started it by hand; the unit cannot start beside it and flaps."""
    node = "val-4"
    by_hand = "--unit=by-hand -p User=ubuntu -p WorkingDirectory=/home/ubuntu /usr/bin/loom run"
    shared.run(node, f"systemctl stop loom; systemd-run --quiet {by_hand}; {_UNTIL_IT_HAS_THEM}")
    shared.run(node, "systemctl start loom")
    process = int(shared.run(node, "systemctl show by-hand -p MainPID --value").stdout)
    try:
        async with gripped(fleet, node) as grip:
            await grip.hold()
            stopped = await grip.stop(seconds=5)
            await grip.kill(left_of(stopped))
            again = await grip.stop()
    finally:
        shared.run(node, "systemctl kill -s KILL by-hand; systemctl reset-failed by-hand", check=False)

    assert (stopped.status, [str(one) for one in left_of(stopped)]) == (75, [f"{process} (loom)"])
    assert [one.standing for one in left_of(stopped)] == [Standing.OTHER]
    assert again.status == 0

    async def running() -> str:
        return unit(shared, node)["ActiveState"]

    await until(running, lambda state: state == "active")


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

    assert (stopped.status, child.name, child.standing) == (75, "sleep", Standing.UNTOLD)
    assert state in {"inactive", "failed"}  # loom ends with 0 or with 1, docs/loom.md 9
    assert again.status == 0


async def test_stop_that_ends_with_status_1_leaves_nothing_failed(shared: Lab, fleet: WritableFleet) -> None:
    """Loom's two signal handlers race (docs/loom.md 9): one of them ends it with 1."""
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
