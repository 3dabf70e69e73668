"""A real node with backup.sh: cron, cron.daily and a timer start it, and one is at work, and waits.

It is found, suspended or left to its work, cannot start the node while that is held, and goes on as before.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path

import pytest

from loomtui.backups.catalogue import Catalogue
from loomtui.fleet.fleet import Fleet, Refuse, WritableFleet
from loomtui.restore.choices import BackupPolicy, Choices
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.findings import texts_of
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.record.run_store import Run, RunStore
from loomtui.restore.running.operator import Go, Preview, Unattended
from loomtui.restore.running.runner import Runner
from tests.lab.client import Lab
from tests.lab.proof import moving
from tests.lab.watching import unit, until
from tests.lab.wild import moment

NODE = "val-3"
_SCRIPT = "/home/ubuntu/backup.sh"
_CRON_D, _DAILY = "/etc/cron.d/loom-backup", "/etc/cron.daily/loom-backup"
_TIMER, _LATER, _SERVICE = "loom-backup.timer", "loom-archive.timer", "loom-backup.service"
_WANTED = "[Install]\nWantedBy=timers.target\n"
_LOG, _MARK = "/var/log/loom-backup.log", "/run/cron-was-here"
_FILES = {
    # What cron does at a boot it can be told to do at once.
    _CRON_D: f'MAILTO=""\n@reboot root {_SCRIPT} >/dev/null\n@reboot root touch {_MARK}\n',
    _DAILY: f"#!/bin/sh\nexec {_SCRIPT} config\n",
    f"/etc/systemd/system/{_SERVICE}": f"[Service]\nExecStart={_SCRIPT}\n",
    f"/etc/systemd/system/{_TIMER}": f"[Timer]\nOnCalendar=*:*:*\nAccuracySec=100ms\n{_WANTED}",
    f"/etc/systemd/system/{_LATER}": f"[Timer]\nOnCalendar=2040-02-03\nUnit={_SERVICE}\n{_WANTED}",
}
_CRONTAB = f"# mine\n17 3 * * * {_SCRIPT} config\n"
#: All of it as it is: files with owner, mode, time and content, and what cron and systemd make of them.
_CLOCKS = f"""
cd / && find etc/cron.d etc/cron.daily var/spool/cron etc/systemd/system \\
    -name loom.service.d -prune -o -printf '%p %u:%g %m %l\\n' | sort
for file in {_CRON_D} {_DAILY} /var/spool/cron/crontabs/ubuntu /etc/systemd/system/loom-*; do
    stat -c '%n %y' $file; sha256sum $file
done
run-parts --test /etc/cron.daily
systemctl is-enabled {_TIMER} {_LATER}; systemctl is-active {_TIMER} {_LATER}
systemctl show {_LATER} -p NextElapseUSecRealtime
"""


@pytest.fixture
def clocks(shared: Lab) -> Iterator[str]:
    """NODE with all of it, and backup.sh at work; how it is."""
    files = {_SCRIPT: (Path(__file__).parent / "backup.sh").read_text(), **_FILES}
    for path, text in files.items():
        mode = "755" if text.startswith("#!") else "644"
        shared.run(NODE, f"printf %s {shlex.quote(text)} > {path} && chmod {mode} {path}")
    shared.run(NODE, f"printf %s {shlex.quote(_CRONTAB)} | crontab -u ubuntu -; rm -f {_LOG}")
    shared.run(NODE, f"systemctl daemon-reload && systemctl enable --quiet --now {_TIMER} {_LATER}")
    try:
        yield shared.run(NODE, _CLOCKS).stdout
    finally:
        shared.run(
            NODE,
            f"systemctl disable --quiet --now {_TIMER} {_LATER}; systemctl stop {_SERVICE};"
            f" crontab -u ubuntu -r; rm -rf {' '.join(files)} /tmp/loom-b*; pkill -f {_SCRIPT};"
            " systemctl daemon-reload",
            check=False,
        )


def _log(lab: Lab) -> str:
    return lab.run(NODE, f"cat {_LOG}", check=False).stdout


async def _logged(lab: Lab, text: str, times: int = 1) -> None:
    async def log() -> str:
        return await asyncio.to_thread(_log, lab)

    await until(log, lambda said: said.count(text) >= times)


def _at_work(lab: Lab) -> str:
    return lab.run(NODE, f"pgrep -f '^/bin/bash {_SCRIPT}'", check=False).stdout


async def _as_at_a_boot(lab: Lab) -> str:
    """What cron started, by its own log."""
    since = moment(lab, NODE)
    lab.run(NODE, f"rm -f /run/crond.reboot {_MARK}; systemctl restart cron")
    show = f"journalctl --sync; journalctl --no-pager -o cat -t CRON --after-cursor={shlex.quote(since)}"

    async def journal() -> str:
        return lab.run(NODE, show).stdout

    return await until(journal, lambda said: f"CMD (touch {_MARK})" in said)


class Looks(Unattended):
    """Looks at the node before a step, and may change his mind then."""

    def __init__(self, step: StepName, look: Callable[[], Awaitable[None]], go: Go = Go.CONTINUE) -> None:
        super().__init__("test")
        self._step, self._look, self._go = step, look, go
        self.looked = False

    async def before_step(self, step: StepName, previews: Mapping[str, Preview]) -> Go:
        if step is not self._step:
            return Go.CONTINUE
        await self._look()
        self.looked = True
        return self._go


async def _run(lab: Lab, policy: BackupPolicy, folder: Path) -> Run:
    catalogue = Catalogue(lab.inventory().s3)
    try:
        async with Fleet(lab.inventory(), Refuse()) as fleet:
            plan = await make_plan(
                lab.inventory(), fleet, catalogue, Choices(nodes=(NODE,), backup_policy=policy)
            )
    finally:
        await catalogue.close()
    assert plan.refusals == ()
    return RunStore(folder).create(plan, lab.inventory_path)


async def _restore(lab: Lab, run: Run, operator: Looks) -> Outcome:
    inventory = lab.inventory()
    catalogue = Catalogue(inventory.s3)
    try:
        async with WritableFleet(inventory, Refuse()) as fleet:
            outcome = await Runner(run, inventory, fleet, catalogue, operator).restore()
    finally:
        await catalogue.close()
    assert operator.looked
    return outcome


def _told(run: Run) -> str:
    return "\n".join(event.message for event in run.events())


async def _nothing_starts(lab: Lab) -> None:
    """Neither cron nor the timer nor anybody who starts the timer brings backup.sh."""
    begun = _log(lab).count("begun")
    started = await _as_at_a_boot(lab)
    assert _SCRIPT not in started
    for timer in (_TIMER, _LATER):
        refused = lab.run(NODE, f"systemctl start {timer}", check=False)
        assert f"Assertion failed on job for {timer}" in refused.stderr
        assert lab.run(NODE, f"systemctl is-active {timer}", check=False).stdout != "active\n"
    assert _DAILY not in lab.run(NODE, "run-parts --test /etc/cron.daily").stdout
    assert (_at_work(lab), _log(lab).count("begun")) == ("", begun)


async def _as_before(lab: Lab, clocks: str) -> None:
    """Byte for byte, and at work again: by the timer and by cron."""
    assert lab.run(NODE, _CLOCKS).stdout.splitlines() == clocks.splitlines()
    await _logged(lab, "begun by systemd", 2)
    await _as_at_a_boot(lab)
    await _logged(lab, "begun by sh")


async def test_suspended_and_ended_until_the_node_is_started(
    shared: Lab, clocks: str, tmp_path: Path
) -> None:
    await _logged(shared, "begun by systemd")
    run = await _run(shared, BackupPolicy.STOP, tmp_path)
    operator = Looks(StepName.CONFIG, lambda: _nothing_starts(shared))
    assert await _restore(shared, run, operator) is Outcome.RESTORED

    await _as_before(shared, clocks)
    await moving(shared)
    warned = "\n".join(texts_of(run.plan.warnings))
    for place in (_CRON_D, _DAILY, "/var/spool/cron/crontabs/ubuntu", _TIMER, _LATER, "process"):
        assert f"{NODE}: a backup job is there: {place}" in warned
    assert "end (SIGTERM; the backup that it makes is lost): process" in _told(run)
    assert "woke up" not in _log(shared)


async def test_waited_for_and_as_it_was_after_a_rollback(shared: Lab, clocks: str, tmp_path: Path) -> None:
    """It would wait as long as the chain moves: a colleague ends it."""
    await _logged(shared, "begun by systemd")
    run = await _run(shared, BackupPolicy.WAIT, tmp_path)
    operator = Looks(StepName.START, lambda: _nothing_starts(shared), Go.ROLL_BACK)
    restoring = asyncio.create_task(_restore(shared, run, operator))

    async def told() -> str:
        return _told(run)

    await until(told, lambda said: "waits at most 300 s for process" in said)
    shared.run(NODE, f"systemctl stop {_SERVICE}")
    assert await restoring is Outcome.ROLLED_BACK

    await _as_before(shared, clocks)
    await moving(shared)
    assert "woke up" not in _log(shared)


async def test_left_to_its_work_it_wakes_up_and_cannot_start_the_node(
    shared: Lab, clocks: str, tmp_path: Path
) -> None:
    before = unit(shared, NODE)
    await _logged(shared, "begun by systemd")
    run = await _run(shared, BackupPolicy.LEAVE, tmp_path)

    async def it_tries() -> None:
        await _logged(shared, "Assertion failed on job for loom.service", 2)
        state = unit(shared, NODE)
        assert state["MainPID"] == "0"
        assert state[_STARTED] == before[_STARTED]
        assert shared.run(NODE, _CLOCKS).stdout == clocks

    assert await _restore(shared, run, Looks(StepName.DATA, it_tries)) is Outcome.RESTORED
    await _logged(shared, "ended")
    await moving(shared)

    assert "leave alone (the hold keeps it from starting the service): process" in _told(run)
    assert "is set aside" in _told(run)  # the next backup is not of these old files


_STARTED = "ExecMainStartTimestampMonotonic"
