"""A held node does not start, whoever tries: by hand, by Restart=, at boot. And a stop is a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.probes.probe import look, look_at
from tests.lab.client import Lab
from tests.lab.grip import HOLD_FILE, RUN, gripped, left_of
from tests.lab.watching import healthy, heights, unit, until

_STARTED = "ExecMainStartTimestampMonotonic"


@contextmanager
def slow_to_stop(lab: Lab, node: str) -> Iterator[Callable[[], object]]:
    """The service takes until the call that is yielded to stop."""
    folder, sign = "/run/systemd/system/loom.service.d", "/run/let-go"
    wait = f"while [ ! -e {sign} ]; do sleep 0.1; done"
    setting = f'[Service]\nExecStop=/bin/sh -c "{wait}"\n'
    lab.run(
        node, f"mkdir -p {folder} && printf '%s' '{setting}' > {folder}/slow.conf && systemctl daemon-reload"
    )
    try:
        yield lambda: lab.run(node, f"touch {sign}")
    finally:
        lab.run(node, f"touch {sign}; rm -r {folder}; systemctl daemon-reload; rm {sign}")


async def test_held_node_is_not_started_by_hand(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-1") as grip:
        await grip.hold()
        await grip.stop()
        before = unit(shared, "val-1")
        for command in ("start", "restart", "try-restart", "reload-or-restart"):
            shared.run("val-1", f"systemctl {command} loom", check=False)
        refused = shared.run("val-1", "systemctl start loom", check=False)
        status = await look_at(fleet.session("val-1"), None)
        after = unit(shared, "val-1")

    assert before["MainPID"] == "0"
    assert after == before
    assert refused.returncode != 0
    assert "Assertion failed" in refused.stderr
    assert status.service is not None
    assert status.service.held_by == RUN


async def test_held_node_is_not_restarted_by_systemd(shared: Lab, fleet: WritableFleet) -> None:
    """Restart=always and StartLimitInterval=0: without the hold it would be up again after two seconds."""
    async with gripped(fleet, "val-2") as grip:
        await grip.hold()
        running = unit(shared, "val-2")
        shared.run("val-2", f"kill -9 {running['MainPID']}")

        async def state() -> dict[str, str]:
            return unit(shared, "val-2")

        ended = await until(state, lambda seen: seen["ActiveState"] in ("inactive", "failed"))
        journal = shared.run("val-2", "journalctl --no-pager -u loom").stdout

    assert (ended["MainPID"], ended[_STARTED]) == ("0", running[_STARTED])
    assert "Scheduled restart job" in journal
    assert "asserts failed" in journal


@pytest.mark.parametrize("end", ["reboot", "power"])
async def test_held_node_comes_back_without_loom(shared: Lab, fleet: WritableFleet, end: str) -> None:
    assert shared.run("val-3", "systemctl is-enabled loom").stdout == "enabled\n"
    async with gripped(fleet, "val-3") as grip:
        await grip.hold()
        if end == "reboot":
            shared.reboot("val-3")
        else:
            shared.power_off("val-3")
            shared.power_on("val-3")
        after = unit(shared, "val-3")
        boot = shared.run("val-3", "journalctl --no-pager --boot -u loom").stdout

    assert (after["ActiveState"], after["MainPID"], after[_STARTED]) == ("inactive", "0", "0")
    assert "asserts failed" in boot


async def test_node_starts_and_follows_once_the_hold_is_lifted(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-4") as grip:
        await grip.hold()
        await grip.stop()
        others = heights(await look(fleet))
        await grip.unhold()
        assert unit(shared, "val-4")["ActiveState"] == "inactive"  # lifting is not starting
        assert shared.run("val-4", f"test -e {HOLD_FILE}", check=False).returncode == 1
        shared.run("val-4", "systemctl start loom")
        _, status = await healthy(fleet)

    assert heights(status)["val-4"] > max(others.values())


async def test_stop_leaves_no_process_and_no_open_database(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-1") as grip:
        await grip.hold()
        output = await grip.stop()
        after = unit(shared, "val-1")
        left = shared.run("val-1", "pgrep -u ubuntu", check=False).stdout

    assert output.status == 0
    assert (after["ActiveState"] in ("inactive", "failed"), after["MainPID"], left) == (True, "0", "")


async def test_stop_says_who_still_has_a_database_open(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-2") as grip:
        await grip.hold()
        holder = "sh -c 'exec 3< /home/ubuntu/app.db/CURRENT; exec sleep infinity'"
        shared.run("val-2", f"systemd-run --quiet --unit=holder {holder}")
        held = await grip.stop(seconds=2)
        process = shared.run("val-2", "systemctl show holder -p MainPID --value").stdout.strip()
        shared.run("val-2", "systemctl stop holder")
        free = await grip.stop()

    assert (held.status, free.status) == (75, 0)
    assert [str(one) for one in left_of(held)] == [f"{process} (sleep)"]


async def test_stop_that_is_not_over_in_time_is_told(shared: Lab, fleet: WritableFleet) -> None:
    async with gripped(fleet, "val-3") as grip:
        await grip.hold()
        process = unit(shared, "val-3")["MainPID"]
        with slow_to_stop(shared, "val-3") as let_go:
            stuck = await grip.stop(seconds=2)
            let_go()
            done = await grip.stop()

    assert (stuck.status, done.status) == (75, 0)
    assert process in [str(one.id) for one in left_of(stuck)]
