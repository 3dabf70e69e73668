"""backup_jobs.sh, suspend.sh, unsuspend.sh, end_backup.sh, set_aside.sh, unset_aside.sh: backup.sh is found,
kept from starting, ended, and its staging folder put out of its way; and all of it is taken back."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.fleet.facts import read_facts
from loomtui.fleet.probes.backup_jobs import BackupJobs, JobKind, read_backup_jobs
from loomtui.fleet.scripts import InspectScript
from tests.restore.interrupting import age
from tests.restore.local import RUN, LocalNode, Tree, tree

CRON_D = """# 1 1 * * * ubuntu /home/ubuntu/backup.sh
SHELL=/bin/bash
MAILTO=""
55 * * * *  ubuntu  /home/ubuntu/backup.sh >/dev/null 2>&1
10 * * * *  ubuntu  tail /var/log/backup.sh.log
"""
SPOOL = "*/5 * * * * AWS_SECRET_ACCESS_KEY=hunter2 /opt/loom-backup.sh config\n0 0 * * * /bin/true"
SCRIPT = "#!/bin/sh\nexec su ubuntu -c '/home/ubuntu/backup.sh; true'\n"


@pytest.fixture
def scheduled(node: LocalNode) -> LocalNode:
    """Locked by the run, with backup.sh in three crontabs and in cron.daily."""
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    put(node, "etc/cron.d/loom", CRON_D)
    put(node, "etc/crontab", "17 * * * * root run-parts /etc/cron.hourly\n")
    put(node, "var/spool/cron/crontabs/ubuntu", SPOOL, 0o600)
    put(node, "etc/cron.daily/loom", SCRIPT, 0o755)
    put(node, "etc/cron.daily/other", "#!/bin/sh\ntrue\n", 0o755)
    put(node, "etc/cron.weekly/off", SCRIPT, 0o644)  # run-parts passes over what cannot be run
    for folder in ("etc/cron.d", "var", "etc/cron.daily"):
        age(node.root / folder)
    return node


def put(node: LocalNode, name: str, text: str, mode: int = 0o644) -> Path:
    path = node.root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


def look(node: LocalNode) -> BackupJobs:
    text = node.text(InspectScript("backup_jobs"))
    done = subprocess.run(
        ["/bin/sh", "-c", text, "loomtui", str(node.unit), str(node.workdir)],
        capture_output=True,
        env=node.environment(),
        timeout=60,
        check=True,
    )
    return read_backup_jobs(read_facts(done.stdout), datetime.now(UTC))


def clocks(node: LocalNode) -> Tree:
    """All that the clock starts, with owner, mode, time and content."""
    return tree(node.root / "etc", node.root / "var", without=[node.unit_folder])


def suspend(node: LocalNode) -> None:
    node.done("suspend", node.unit_folder, *arguments(look(node)))


def arguments(found: BackupJobs) -> list[str]:
    return [part for job in found.scheduled for part in (job.kind.value, job.place)]


# ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_starts_it_by_the_clock(scheduled: LocalNode) -> None:
    found = look(scheduled)
    assert {(job.kind, Path(job.place).relative_to(scheduled.root), job.text) for job in found.jobs} == {
        (
            JobKind.CRONTAB,
            Path("etc/cron.d/loom"),
            "55 * * * *  ubuntu  /home/ubuntu/backup.sh >/dev/null 2>&1",
        ),
        (
            JobKind.CRONTAB,
            Path("var/spool/cron/crontabs/ubuntu"),
            "*/5 * * * * AWS_SECRET_ACCESS_KEY=‹hidden›",
        ),
        (JobKind.SCRIPT, Path("etc/cron.daily/loom"), ""),
    }
    assert found.suspended == ()
    assert found.staging is None


def test_a_node_without_backups(node: LocalNode) -> None:
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    assert look(node) == BackupJobs()


@contextmanager
def running(*command: str, ready: bool = True) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a group of its own, as cron starts one; it has said so when it is `ready`."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        if ready:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def script(node: LocalNode, body: str, name: str = "home/ubuntu/backup.sh") -> str:
    return str(put(node, name, f"#!/bin/sh\n{body}\n", 0o755))


def test_one_that_runs(node: LocalNode) -> None:
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    path = script(node, "echo ready; read -r line")
    with running("/bin/sh", "-e", path, "--key", "x") as process:
        (job,) = look(node).jobs
        assert (job.kind, job.place.split(":")[0]) == (JobKind.PROCESS, str(process.pid))
        assert job.text == f"/bin/sh -e {path} --key x"
        assert job.since
        assert abs(datetime.now(UTC) - job.since) < timedelta(minutes=5)
        assert str(job).startswith(f"process {process.pid} since 2")
    assert look(node).jobs == ()


def test_who_only_names_it_does_not_run_it(node: LocalNode) -> None:
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    path = script(node, "echo ready; read -r line")
    wait = "echo ready; read -r line"
    with (
        running("/bin/sh", "-c", f"{wait}; : {path}"),
        running("/bin/sh", script(node, wait, "home/ubuntu/other.sh"), path),
        running(shutil.which("tail") or "tail", "-f", path, ready=False),
    ):
        assert look(node).jobs == ()


def test_another_machine_s_processes_are_not_this_one_s(node: LocalNode, tmp_path: Path) -> None:
    """Nodes in folders of one machine share its processes."""
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    elsewhere = tmp_path / "backup.sh"
    elsewhere.write_text("echo ready; read -r line\n")
    with running("/bin/sh", str(elsewhere)):
        assert look(node).jobs == ()


@pytest.mark.parametrize("holds", ["chaindata", "genesis.json"])
def test_where_it_stages(node: LocalNode, holds: str) -> None:
    put(node, f"tmp/loom-bu-stage/{holds}", "x")
    assert look(node).staging == f"{node.root}/tmp/loom-bu-stage"
    put(
        node,
        "etc/backup_config",
        "S3BUCKET=x\n  TMP_LOCATION='/mnt/stage' # bigger\nTMP_LOCATION=$(rm -r /)\n",
    )
    assert look(node).staging is None
    put(node, f"mnt/stage/{holds}", "x")
    assert look(node).staging == f"{node.root}/mnt/stage"


def test_a_folder_of_that_name_that_is_none(node: LocalNode) -> None:
    put(node, "tmp/loom-bu-stage/holiday.jpg", "x")
    assert look(node).staging is None


# ── suspended and put back ──────────────────────────────────────────────────────────────────────────────────


def test_suspended_and_put_back(scheduled: LocalNode) -> None:
    before = clocks(scheduled)
    suspend(scheduled)
    assert look(scheduled).jobs == ()
    assert len(look(scheduled).suspended) == 3
    cron = (scheduled.root / "etc/cron.d/loom").read_text()
    assert cron == CRON_D.replace("55 * * * *", f"# held by loomtui run {RUN}: 55 * * * *")
    assert oct((scheduled.root / "var/spool/cron/crontabs/ubuntu").stat().st_mode)[-3:] == "600"
    assert (scheduled.root / "etc/cron.daily/other").exists()
    suspend(scheduled)
    put_back = read_facts(scheduled.done("unsuspend")).all("back")
    assert len(put_back) == 3
    assert clocks(scheduled) == before
    assert scheduled.done("unsuspend") == b""


def test_the_lock_is_not_given_back_before_they_are(scheduled: LocalNode) -> None:
    before = clocks(scheduled)
    suspend(scheduled)
    scheduled.done("unlock")
    assert clocks(scheduled) == before


@pytest.mark.slow
def test_suspending_killed_at_every_point_and_put_back(scheduled: LocalNode, tmp_path: Path) -> None:
    """Every other time it is called again before that; a copy is half done where the script was killed."""
    built = tmp_path / "built"
    call, before = arguments(look(scheduled)), clocks(scheduled)
    scheduled.root.rename(built)
    for point in range(1, 1000):
        shutil.rmtree(scheduled.root, ignore_errors=True)
        shutil.copytree(built, scheduled.root, symlinks=True)
        scheduled.set_trap(point, torn=True)
        ended = scheduled.run("suspend", scheduled.unit_folder, *call).returncode == 0
        scheduled.set_trap(0)
        if point % 2:
            scheduled.done("suspend", scheduled.unit_folder, *call)
        scheduled.done("unlock")
        assert clocks(scheduled) == before, f"point {point}"
        if ended:
            break
    assert point > 10


def test_what_somebody_changed_meanwhile_stays(scheduled: LocalNode) -> None:
    suspend(scheduled)
    path = scheduled.root / "etc/cron.d/loom"
    path.write_text(path.read_text() + "1 2 * * * root /bin/new\n")
    (scheduled.root / "var/spool/cron/crontabs/ubuntu").unlink()
    put(scheduled, "etc/cron.daily/loom", "#!/bin/sh\nnew\n")
    scheduled.done("unsuspend")
    assert path.read_text() == CRON_D + "1 2 * * * root /bin/new\n"
    assert not (scheduled.root / "var/spool/cron/crontabs/ubuntu").exists()
    assert (scheduled.root / "etc/cron.daily/loom").read_text() == "#!/bin/sh\nnew\n"


def test_a_planted_link_is_not_followed_when_they_are_put_back(scheduled: LocalNode, tmp_path: Path) -> None:
    """A crontab may lie behind root's link in a folder of somebody else."""
    before = clocks(scheduled)
    suspend(scheduled)
    (tmp_path / "victim").write_text("untouched")
    planted = scheduled.root / "etc/cron.d/.loomtui-new"
    planted.symlink_to(tmp_path / "victim")
    scheduled.done("unsuspend")
    age(scheduled.root / "etc/cron.d")
    assert (tmp_path / "victim").read_text() == "untouched"
    assert {str(path) for path in clocks(scheduled)} == {str(path) for path in before}
    assert not (scheduled.root / "etc/cron.d/loom").is_symlink()


def test_another_run_suspends_nothing(scheduled: LocalNode) -> None:
    before = clocks(scheduled)
    other = "20260101-120000-ffff"
    outcome = scheduled.run("suspend", scheduled.unit_folder, *arguments(look(scheduled)), run=other)
    assert outcome.returncode == 73
    assert clocks(scheduled) == before


def test_a_crontab_behind_a_link_is_edited_and_the_link_stays(scheduled: LocalNode) -> None:
    real = scheduled.root / "real"
    path = scheduled.root / "etc/cron.d/loom"
    path.rename(real)
    path.symlink_to(real)
    before = real.read_text()
    scheduled.done("suspend", scheduled.unit_folder, "crontab", path)
    assert path.is_symlink()
    assert real.read_text() != before
    scheduled.done("unsuspend")
    assert (path.is_symlink(), real.read_text()) == (True, before)


def test_a_crontab_that_is_no_file_is_left_alone(scheduled: LocalNode) -> None:
    path = scheduled.root / "etc/cron.d/loom"
    path.unlink()
    path.symlink_to("/nowhere/loom/crontab")
    outcome = scheduled.run("suspend", scheduled.unit_folder, "crontab", path)
    assert outcome.returncode == 1
    assert b"is left alone" in outcome.stderr


# ── ended ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_ended_with_all_that_it_started(scheduled: LocalNode) -> None:
    path = script(scheduled, "/bin/sleep 1000 & echo ready; wait")
    with running("/bin/sh", path) as process:
        (job,) = look(scheduled).running
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children
        scheduled.done("end_backup", "20", job.place)
        assert process.wait(20) == -15
        assert not [child for child in children if Path(f"/proc/{child}/exe").exists()]


def test_one_that_does_not_end_is_told(scheduled: LocalNode) -> None:
    path = script(scheduled, "trap '' TERM; echo ready; read -r line")
    with running("/bin/sh", path) as process:
        (job,) = look(scheduled).running
        assert scheduled.run("end_backup", "0", job.place).returncode == 75
        assert process.poll() is None


def test_another_process_of_that_number_is_left_alone(scheduled: LocalNode) -> None:
    path = script(scheduled, "echo ready; read -r line")
    with running("/bin/sh", path) as process:
        scheduled.done("end_backup", "0", f"{process.pid}:1")
        assert process.poll() is None


# ── the staging folder ──────────────────────────────────────────────────────────────────────────────────────


def test_staging_is_set_aside_and_put_back(scheduled: LocalNode) -> None:
    put(scheduled, "tmp/loom-bu-stage/chaindata/data/x", "old")
    before = tree(scheduled.root / "tmp")
    staging = look(scheduled).staging
    assert staging
    kept = read_facts(scheduled.done("set_aside", staging)).line("kept")
    assert kept == str(scheduled.run_folder() / "replaced/staging")
    assert (Path(kept) / "chaindata/data/x").read_text() == "old"
    assert look(scheduled).staging is None
    assert look(scheduled).aside == {RUN}
    scheduled.done("set_aside", staging)
    put(scheduled, "tmp/loom-bu-stage/chaindata/data/x", "of a backup since")
    scheduled.done("unset_aside")
    assert tree(scheduled.root / "tmp") == before
    assert (Path(f"{kept}.undone") / "chaindata/data/x").read_text() == "of a backup since"
    assert look(scheduled).aside == frozenset()


def test_on_another_file_system_it_is_renamed_and_cleaned_there(scheduled: LocalNode) -> None:
    put(scheduled, "tmp/loom-bu-stage/app.db/x", "old")
    real = shutil.which("stat")
    scheduled.write_tool("stat", f'case "$*" in *loom-bu-stage) echo 1 ;; *) exec {real} "$@" ;; esac')
    staging = scheduled.root / "tmp/loom-bu-stage"
    kept = Path(read_facts(scheduled.done("set_aside", staging)).line("kept"))
    assert kept == Path(f"{staging}.loomtui-{RUN}")
    assert (kept / "app.db/x").exists()
    scheduled.done("unlock")
    scheduled.done("clean")
    assert not kept.exists()


@pytest.mark.parametrize(
    "folder", ["/", "/tmp", "{work}", "{root}", "{work}/chaindata", "{work}/../work", "rel"]
)
def test_folders_that_are_not_to_be_moved(scheduled: LocalNode, folder: str) -> None:
    named = folder.format(work=scheduled.workdir, root=scheduled.root)
    before = tree(scheduled.root)
    assert scheduled.run("set_aside", named).returncode == 1
    assert tree(scheduled.root).keys() - before.keys() <= {str(scheduled.run_folder() / "busy")}


def test_a_rollback_where_nothing_was_set_aside(scheduled: LocalNode) -> None:
    scheduled.done("set_aside", scheduled.root / "tmp/loom-bu-stage")
    scheduled.done("unset_aside")
    assert list((scheduled.run_folder() / "replaced").iterdir()) == []
