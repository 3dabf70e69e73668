"""hold.sh, unhold.sh, stop.sh, start.sh, reload.sh, verify_unit.sh: what decides whether a service runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from loomtui.fleet.facts import read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.restore.running.node_run import Process, Standing, read_processes
from tests.restore.interrupting import Call, Interruptions, state
from tests.restore.local import RUN, LocalNode, stubborn

UNIT = "loom.service"


def hold_of(root: Path) -> str:
    return str(root / "etc/systemd/system/loom.service.d/99-loomtui-hold.conf")


def hold(root: Path) -> Call:
    return Call("hold", (UNIT, hold_of(root)))


def unhold(root: Path) -> Call:
    return Call("unhold", (UNIT, hold_of(root)))


def do(machine: LocalNode, call: Call) -> bytes:
    return machine.done(call.script, *call.args)


def running(machine: LocalNode) -> None:
    """Locked by the run, neither held nor stopped."""
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.set_active("active")
    machine.run_folder().mkdir(parents=True)
    machine.lock.write_text(f'{{"run": "{RUN}"}}\n')


def running_with_drop_ins(machine: LocalNode) -> None:
    running(machine)
    machine.hold.parent.mkdir(mode=0o750)
    (machine.hold.parent / "10-limits.conf").write_text("[Service]\nLimitNOFILE=1000\n")
    machine.reload()


def test_a_hold_that_cannot_be_written_is_told_at_once(node: LocalNode) -> None:
    """Also where no folder is on the way to it."""
    running(node)
    outcome = node.run("hold", UNIT, "-x/hold.conf")
    assert outcome.returncode == 1
    assert b"cannot write" in outcome.stderr


def units_of(machine: LocalNode) -> dict[str, tuple[object, ...]]:
    """What systemd has, on the disk and in its memory."""
    return {path: what for path, what in state(machine).items() if "/work" not in path}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "n1"


@pytest.mark.parametrize("build", [running, running_with_drop_ins])
def test_hold_killed_at_every_point_and_repeated(root: Path, build: object) -> None:
    assert callable(build)
    Interruptions(root, build, hold(root)).check_repeated()


@pytest.mark.parametrize("build", [running, running_with_drop_ins])
def test_hold_killed_at_every_point_and_lifted(root: Path, build: object) -> None:
    assert callable(build)
    interruptions = Interruptions(root, build, hold(root))
    before = units_of(interruptions.node())
    for killed in interruptions.each():
        do(killed.node, unhold(root))
        assert units_of(killed.node) == before, f"point {killed.point}"


def test_unhold_killed_at_every_point_and_repeated(root: Path) -> None:
    def build(machine: LocalNode) -> None:
        running(machine)
        do(machine, hold(root))

    Interruptions(root, build, unhold(root)).check_repeated(copies=True)


def test_a_held_service_cannot_be_started(node: LocalNode) -> None:
    running(node)
    do(node, hold(node.root))
    do(node, Call("stop", (UNIT, "0")))
    outcome = node.run("start", UNIT)
    assert outcome.returncode == 1
    assert b"systemctl start loom.service failed" in outcome.stderr
    assert node.active == "inactive"
    do(node, unhold(node.root))
    node.done("start", UNIT)
    assert node.active == "active"


@pytest.mark.parametrize("active", ["active", "activating", "inactive", "failed"])
def test_the_first_hold_notes_how_the_service_was(node: LocalNode, active: str) -> None:
    running(node)
    node.set_active(active)
    do(node, hold(node.root))
    node.set_active("inactive")
    do(node, hold(node.root))
    assert (node.run_folder() / "was").read_text() == f"active={active}\nfolder=absent\n"


def test_a_hold_that_another_run_placed_is_not_lifted(node: LocalNode) -> None:
    running(node)
    node.hold.parent.mkdir()
    node.hold.write_text("# held by loomtui run 20260101-120000-ffff: a restore is not finished\n")
    outcome = node.run("unhold", UNIT, node.hold)
    assert outcome.returncode == 1
    assert node.hold.exists()


def test_a_folder_that_holds_more_by_now_stays(node: LocalNode) -> None:
    running(node)
    do(node, hold(node.root))
    (node.hold.parent / "50-new.conf").write_text("[Service]\n")
    do(node, unhold(node.root))
    assert (node.hold.parent / "50-new.conf").exists()
    assert not node.hold.exists()


@pytest.mark.parametrize(
    ("script", "verb"), [("hold", "show"), ("hold", "daemon-reload"), ("unhold", "daemon-reload")]
)
def test_what_systemd_does_not_do_is_told(node: LocalNode, script: str, verb: str) -> None:
    running(node)
    (node.state / f"fails-{verb}").touch()
    outcome = node.run(script, UNIT, node.hold)
    assert outcome.returncode == 1
    assert f"systemctl {verb}".encode() in outcome.stderr.splitlines()[-1]
    if verb == "show":
        assert not (node.run_folder() / "was").exists()


def test_what_cannot_be_noted_stops_the_hold(node: LocalNode) -> None:
    running(node)
    (node.run_folder() / "was.new").mkdir()
    outcome = node.run("hold", UNIT, node.hold)
    assert outcome.returncode == 1
    assert not node.hold.exists()


# ── stop, start ─────────────────────────────────────────────────────────────────────────────────────────────


def test_stop_waits_until_it_is_a_stop(node: LocalNode) -> None:
    running(node)
    node.done("stop", UNIT, "5")
    assert node.active == "inactive"
    node.done("stop", UNIT, "0")


def test_a_service_that_does_not_stop_is_told_with_its_state(node: LocalNode) -> None:
    running(node)
    (node.state / "stuck").touch()
    outcome = node.run("stop", UNIT, "0")
    assert outcome.returncode == 75
    facts = read_facts(outcome.stdout)
    assert facts.line("state").startswith("deactivating")
    assert "left" not in facts


def test_a_process_that_holds_a_database_is_no_stop(node: LocalNode) -> None:
    """Loom's plugin processes can outlive it (docs/loom.md 9)."""
    running(node)
    (node.workdir / "app.db").mkdir()
    (node.workdir / "app.db/LOCK").touch()
    with (node.workdir / "app.db/LOCK").open():
        outcome = node.run("stop", UNIT, "1")
    assert outcome.returncode == 75
    assert os.getpid() in [process.id for process in left(outcome.stdout)]
    node.done("stop", UNIT, "0")


def test_a_stop_by_request_leaves_no_failed_unit(node: LocalNode) -> None:
    """Told to end, Loom ends with 0 or 1 (docs/loom.md 9): nobody is to take that for an error."""
    running(node)
    do(node, hold(node.root))
    (node.state / "stops-failed").touch()
    node.done("stop", UNIT, "5")
    assert node.active == "inactive"


def test_a_unit_that_had_failed_before_the_run_stays_failed(node: LocalNode) -> None:
    running(node)
    node.set_active("failed")
    do(node, hold(node.root))
    (node.state / "stops-failed").touch()
    node.done("stop", UNIT, "5")
    assert node.active == "failed"


# ── kill ────────────────────────────────────────────────────────────────────────────────────────────────────


def left(stdout: bytes) -> tuple[Process, ...]:
    return read_processes(read_facts(stdout).all("left"))


def looked(node: LocalNode) -> tuple[Process, ...]:
    command = ["/bin/sh", "-c", node.text(InspectScript("processes")), "loomtui", str(node.workdir), UNIT]
    done = subprocess.run(command, capture_output=True, env=node.environment(), timeout=60, check=True)
    return left(done.stdout)


def test_what_a_stop_left_is_killed_and_the_stop_is_one(node: LocalNode) -> None:
    running(node)
    do(node, hold(node.root))
    with stubborn(node) as process:
        found = left(node.run("stop", UNIT, "0").stdout)
        lock = str(node.workdir / "app.db/LOCK")
        expected = (process.pid, "sleep", Standing.OTHER, lock)
        assert [(one.id, one.name, one.standing, one.file) for one in found] == [expected]
        assert looked(node) == found
        node.done("kill", UNIT, node.hold, found[0].mark)
        assert process.wait(20) == -signal.SIGKILL
        assert looked(node) == ()
        node.done("stop", UNIT, "0")


@pytest.mark.parametrize(
    ("mode", "main", "standing"),
    [
        ("control-group", False, Standing.TOLD),
        ("process", True, Standing.TOLD),
        ("process", False, Standing.UNTOLD),
        ("mixed", True, Standing.TOLD),
        ("mixed", False, Standing.UNTOLD),
        ("none", True, Standing.UNTOLD),
    ],
)
def test_whom_a_stop_tells_to_end_is_by_the_units_kill_mode(
    node: LocalNode, mode: str, main: bool, standing: Standing
) -> None:
    running(node)
    process, other = os.getpid(), os.getppid()
    told = f"KillMode={mode}\nExecMainPID={process if main else other}\nControlGroup=/\nSlice=system.slice\n"
    node.write_tool("systemctl", f"printf '%s' '{told}'")
    node.write_tool("find", f"case $* in *cgroup.procs*) echo {process} ;; esac")  # the group of a service
    assert {(one.id, one.standing, one.file) for one in looked(node)} == {(process, standing, "")}


def test_a_process_of_another_form_is_passed_over() -> None:
    values = (b"7 8 other a b\t/w/app.db/LOCK (deleted)", b"7 8 sleep", b"7 8 new x\t", b"x 8 told x\t", b"")
    assert read_processes(values) == (Process(7, 8, "a b", Standing.OTHER, "/w/app.db/LOCK (deleted)"),)


def test_only_what_was_named_is_killed(node: LocalNode) -> None:
    running(node)
    do(node, hold(node.root))
    with stubborn(node) as named, stubborn(node) as other:
        found = {one.id: one for one in looked(node)}
        later = f"{other.pid}:{found[other.pid].start + 1}"  # another process, which has the number by now
        elsewhere = os.getpid()  # one that keeps nothing from stopping
        node.done("kill", UNIT, node.hold, later, f"{elsewhere}:1", found[named.pid].mark)
        assert named.wait(20) == -signal.SIGKILL
        assert other.poll() is None


def test_nothing_is_killed_that_systemd_would_start_again(node: LocalNode) -> None:
    running(node)
    with stubborn(node) as process:
        outcome = node.run("kill", UNIT, node.hold, looked(node)[0].mark)
        assert outcome.returncode == 74
        assert process.poll() is None


def test_who_has_a_database_open_that_is_no_more_is_seen(node: LocalNode) -> None:
    running(node)
    database = node.workdir / "app.db"
    database.mkdir()
    with (database / "LOG").open("w"):
        shutil.rmtree(node.workdir)
        assert os.getpid() in [one.id for one in looked(node)]


def test_files_are_not_moved_while_such_a_process_is_there(node: LocalNode) -> None:
    running(node)
    do(node, hold(node.root))
    node.done("stop", UNIT, "0")
    with stubborn(node) as process:
        outcome = node.run("swap", UNIT, node.hold, "", "", "app.db")
        assert outcome.returncode == 74
        assert f"{process.pid} sleep {node.workdir}/app.db/LOCK" in outcome.stderr.decode()


def test_a_database_folder_with_shell_signs_in_its_path_is_watched_too(tmp_path: Path) -> None:
    machine = LocalNode(tmp_path / "odd [a-z]*? node")
    running(machine)
    (machine.workdir / "evm.db").mkdir()
    (machine.workdir / "evm.db/LOCK").touch()
    with (machine.workdir / "evm.db/LOCK").open():
        assert machine.run("stop", UNIT, "0").returncode == 75


@pytest.mark.parametrize(
    ("script", "verb"), [("stop", "stop"), ("start", "start"), ("reload", "daemon-reload")]
)
def test_a_refusal_of_systemd_is_an_error(node: LocalNode, script: str, verb: str) -> None:
    running(node)
    (node.state / f"fails-{verb}").touch()
    outcome = node.run(script, *((UNIT, "0") if script != "reload" else ()))
    assert outcome.returncode == 1
    assert f"systemctl {verb}".encode() in outcome.stderr


@pytest.mark.parametrize("script", ["hold", "unhold", "stop", "kill", "start", "reload", "verify_unit"])
def test_without_the_runs_lock_nothing_is_done(node: LocalNode, script: str) -> None:
    running(node)
    node.lock.unlink()
    before = state(node)
    outcome = node.run(script, UNIT, str(node.hold))
    assert outcome.returncode == 73
    assert state(node) == before


def test_reload_makes_systemd_read_the_unit_again(node: LocalNode) -> None:
    running(node)
    node.unit.write_text("[Service]\nExecStart=/bin/false\n")
    node.done("reload")
    assert "/bin/false" in (node.state / "loaded").read_text()


# ── verify_unit ─────────────────────────────────────────────────────────────────────────────────────────────


def staged_unit(node: LocalNode, text: str) -> None:
    running(node)
    (node.run_folder() / "stage/services").mkdir(parents=True)
    (node.run_folder() / "stage/services/loom.service").write_text(text)


def test_a_unit_that_systemd_likes_passes(node: LocalNode) -> None:
    staged_unit(node, "[Service]\n")
    node.done("verify_unit", "stage/services/loom.service", UNIT)


def test_a_unit_that_systemd_refuses_is_told_in_its_words(node: LocalNode) -> None:
    staged_unit(node, "[Service]\nBROKEN=1\n")
    outcome = node.run("verify_unit", "stage/services/loom.service", UNIT)
    assert outcome.returncode == 76
    assert read_facts(outcome.stdout).line("said") == "BROKEN=1"


def test_without_the_checker_the_unit_passes(node: LocalNode) -> None:
    staged_unit(node, "BROKEN")
    (node.bin / "systemd-analyze").unlink()
    node.done("verify_unit", "stage/services/loom.service", UNIT)


def test_a_unit_that_is_not_staged_is_an_error(node: LocalNode) -> None:
    running(node)
    assert node.run("verify_unit", "stage/services/loom.service", UNIT).returncode == 1
