"""What a step would refuse with the cluster down is seen by the plan; what can be done is done, and undone.

docs/refusals.md names the test of each condition. Those that need what only root may do are skipped without.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loomtui.errors import Refused
from loomtui.fleet.probes.backup_jobs import BackupJob, BackupJobs, JobKind
from loomtui.fleet.probes.places import FileSystem, Places
from loomtui.fleet.scripts import InspectScript, script_text
from loomtui.loom.databases import ADDRBOOK, LOOM_CONFIG, NODE_KEY, TENDERMINT_CONFIG, VALIDATOR
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.events import Outcome
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import FileAction, Plan
from loomtui.restore.planning.node_plans import _room_refusals
from loomtui.restore.planning.places import _long_names, _unread_hold
from tests.restore.cluster import LocalCluster, Scripted
from tests.restore.interrupting import age
from tests.restore.local import LocalNode as Node
from tests.restore.local import Tree, stubborn, tree
from tests.restore.material import node_details, node_plan, unit_text

Make = Callable[..., LocalCluster]
Spoil = Callable[[Node], object]

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root may do that")


def replace_by(path: Path, make: Callable[[Path], object]) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket has 107 characters at most
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def link_to(target: Path | str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def everything(cluster: LocalCluster) -> Tree:
    return tree(*(machine.root for machine in cluster.machines.values()))


async def refused(cluster: LocalCluster, **choices: Any) -> list[Finding]:
    """Why a plan over the real looks is refused. It changes nothing, whatever it finds."""
    before = everything(cluster)
    fleet = cluster.fleet(quick=False)
    plan = await cluster.plan(fleet, **choices)
    assert {ran.kind for ran in fleet.ran} == {"inspect"}
    assert everything(cluster) == before
    return list(plan.refusals)


async def only_refusal(cluster: LocalCluster, **choices: Any) -> Finding:
    (found,) = await refused(cluster, **choices)
    assert found.node == "n1"
    assert found.sentence.startswith("n1: ")
    assert found.advice
    return found


ODD_KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "is a folder"),
    "a pipe": (os.mkfifo, "no regular file"),
    "a socket": (make_socket, "no regular file"),
    "a link in a circle": (lambda path: path.symlink_to(path.name), "circle"),
    "a link into a missing folder": (link_to("/nowhere/loom/file"), "/nowhere/loom/file"),
    "a link to a folder": (link_to("/"), "is a folder"),
    "a link to a device": (link_to("/dev/null"), "no regular file"),
}


@pytest.mark.parametrize("kind", ODD_KINDS)
async def test_something_else_than_a_file_in_the_place_of_a_file(make_cluster: Make, kind: str) -> None:
    make, words = ODD_KINDS[kind]
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / TENDERMINT_CONFIG
    replace_by(path, make)
    refusals = await refused(cluster)
    (found,) = (one for one in refusals if one.code is FindingCode.UNFIT_PLACE)
    assert str(path) in found.sentence
    assert words in found.sentence


@pytest.mark.parametrize("target", [LOOM_CONFIG, NODE_KEY, "chaindata/config/genesis.json", "genesis.json"])
async def test_every_file_that_is_written_is_looked_at(make_cluster: Make, target: str) -> None:
    cluster = make_cluster()
    cluster.machines["n1"].set_active("inactive")
    path = cluster.machines["n1"].workdir / target
    replace_by(path, Path.mkdir)
    found = await only_refusal(cluster)
    assert str(path) in found.sentence


async def test_a_pipe_in_the_place_of_loom_yml_is_not_read(make_cluster: Make) -> None:
    """Whoever opened it would wait for ever."""
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    replace_by(path, os.mkfifo)
    unfit = [one for one in await refused(cluster) if one.code is FindingCode.UNFIT_PLACE]
    assert [str(path) in one.sentence for one in unfit] == [True]


@pytest.mark.parametrize("shell", ["sh", "bash"])
@pytest.mark.parametrize("folder", ["work", "/nowhere/work", ""])
def test_a_look_ends_whatever_it_is_given(folder: str, shell: str) -> None:
    text = script_text(InspectScript("places"))
    wanted = [word for kind in ("file", "move", "state", "staging", "timer") for word in (kind, "x")]
    command = [shell, "-c", text, "loomtui", folder, f"{folder}/hold", "nobody", *wanted]
    subprocess.run(command, capture_output=True, check=False, timeout=20)


async def test_a_place_that_is_only_noted_may_be_odd(make_cluster: Make) -> None:
    """The address book is in no backup, and cannot be read: the restore leaves it alone, and so does undo."""
    cluster = make_cluster()
    replace_by(cluster.machines["n1"].workdir / ADDRBOOK, Path.mkdir)
    await restored_and_rolled_back(cluster)


@pytest.mark.parametrize("name", ["chaindata", "chaindata/config"])
@pytest.mark.parametrize(
    ("make", "words"), [(Path.touch, "is no folder"), (link_to("/nowhere/x"), "no folder")]
)
async def test_something_else_than_a_folder_on_the_way(
    make_cluster: Make, name: str, make: Callable[[Path], object], words: str
) -> None:
    cluster = make_cluster()
    cluster.machines["n1"].set_active("inactive")
    replace_by(cluster.machines["n1"].workdir / name, make)
    found = await refused(cluster)
    assert any(str(cluster.machines["n1"].workdir / name) in one.sentence for one in found)
    assert any(words in one.sentence for one in found)


# ── attributes, mounts, rights: what only root can make ─────────────────────────────────────────────────────


@pytest.fixture
def attribute() -> Iterator[Callable[[str, Path], None]]:
    """chattr, taken back at the end. Skips where the file system or the rights do not allow it."""
    made: list[tuple[str, Path]] = []

    def change(letter: str, path: Path) -> None:
        if subprocess.run(["chattr", f"+{letter}", path], capture_output=True, check=False).returncode:
            pytest.skip("this file system, or this user, sets no attributes")
        made.append((letter, path))

    yield change
    for letter, path in made:
        subprocess.run(["chattr", f"-{letter}", path], check=True)


def with_lsattr(cluster: LocalCluster) -> None:
    for machine in cluster.machines.values():
        machine.add_tool("lsattr")


@as_root
@pytest.mark.parametrize(
    ("letter", "name"),
    [
        ("i", "loom.yml"),
        ("i", "chaindata/config"),
        ("i", "app.db"),
        ("i", "../etc/systemd/system"),
        ("i", "."),
        ("a", "loom.yml"),
        ("a", "chaindata"),
    ],
)
async def test_what_chattr_protects(
    make_cluster: Make, attribute: Callable[[str, Path], None], letter: str, name: str
) -> None:
    cluster = make_cluster()
    with_lsattr(cluster)
    path = (cluster.machines["n1"].workdir / name).resolve()
    attribute(letter, path)
    found = await refused(cluster)
    assert {one.code for one in found} == {FindingCode.UNFIT_PLACE}
    assert all(f"chattr -{letter} {path}" in one.advice for one in found)


@as_root
async def test_what_chattr_protects_and_no_step_changes(
    make_cluster: Make, attribute: Callable[[str, Path], None]
) -> None:
    cluster = make_cluster()
    with_lsattr(cluster)
    attribute("i", cluster.machines["n1"].workdir / "genesis.json")
    attribute("i", cluster.machines["n1"].unit)
    assert await refused(cluster) == []


@pytest.fixture
def mount() -> Iterator[Callable[..., None]]:
    mounted: list[Path] = []

    def make(source: Path | str, at: Path, *options: str) -> None:
        command = ["mount", *options, str(source), str(at)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("nothing can be mounted here")
        if "remount" not in " ".join(options):
            mounted.append(at)

    yield make
    for at in reversed(mounted):
        subprocess.run(["umount", at], check=True)


@as_root
@pytest.mark.parametrize("name", ["app.db", "chaindata/data", "chaindata"])
async def test_a_database_that_is_a_mount_of_the_same_disk(
    make_cluster: Make, mount: Callable[..., None], tmp_path: Path, name: str
) -> None:
    """Its device is the same, and nothing can be renamed into it or out of it."""
    cluster = make_cluster()
    place = cluster.machines["n1"].workdir / name
    shutil.copytree(place, tmp_path / "other")
    mount(tmp_path / "other", place, "--bind")
    found = await refused(cluster)
    assert {one.code for one in found} <= {FindingCode.UNFIT_PLACE, FindingCode.SEVERAL_FILE_SYSTEMS}
    assert any(str(place) in one.sentence for one in found)


@as_root
async def test_a_database_on_another_disk(
    make_cluster: Make, mount: Callable[..., None], tmp_path: Path
) -> None:
    cluster = make_cluster()
    disk = tmp_path / "disk"
    disk.mkdir()
    mount("tmpfs", disk, "-t", "tmpfs")
    app = cluster.machines["n1"].workdir / "app.db"
    shutil.copytree(app, disk / "app.db")
    replace_by(app, link_to(disk / "app.db"))
    found = await only_refusal(cluster)
    assert found.code is FindingCode.SEVERAL_FILE_SYSTEMS
    assert str(disk / "app.db") in found.sentence


@as_root
async def test_the_run_folder_on_another_disk(make_cluster: Make, mount: Callable[..., None]) -> None:
    cluster = make_cluster()
    own = cluster.machines["n1"].workdir / ".loomtui"
    own.mkdir()
    mount("tmpfs", own, "-t", "tmpfs")
    found = await only_refusal(cluster)
    assert (found.code, str(own) in found.sentence) == (FindingCode.SEVERAL_FILE_SYSTEMS, True)


@as_root
async def test_a_config_file_that_is_mounted_over(
    make_cluster: Make, mount: Callable[..., None], tmp_path: Path
) -> None:
    cluster = make_cluster()
    (tmp_path / "given.yml").write_text("AppStore:\n  Version: 1\n")
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    mount(tmp_path / "given.yml", path, "--bind")
    found = await only_refusal(cluster)
    assert "mount point" in found.sentence


@as_root
@pytest.mark.parametrize("name", ["work/chaindata/config", "etc/systemd/system", "work"])
async def test_a_read_only_place(make_cluster: Make, mount: Callable[..., None], name: str) -> None:
    cluster = make_cluster()
    place = cluster.machines["n1"].root / name
    mount(place, place, "--bind")
    mount(place, place, "-o", "remount,ro,bind")
    found = await refused(cluster)
    assert any("read-only" in one.sentence for one in found)


# ── the run's own places ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "make"),
    [
        (".loomtui", link_to("/tmp")),
        (".loomtui", Path.touch),
        (".loomtui/runs", link_to("/tmp")),
        (".loomtui/runs", Path.touch),
        (".loomtui/lock", Path.mkdir),
    ],
)
async def test_something_else_where_the_run_keeps_its_own(
    make_cluster: Make, name: str, make: Callable[[Path], object]
) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    found = await only_refusal(cluster)
    assert (found.code, str(path) in found.sentence) == (FindingCode.UNFIT_PLACE, True)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("loom.service.d", Path.touch),
        ("loom.service.d/99-loomtui-hold.conf", Path.mkdir),
        ("loom.service.d/99-loomtui-hold.conf", link_to("/dev/null")),
        ("loom.service.d/.loomtui-new", Path.mkdir),
    ],
)
async def test_a_hold_that_could_not_be_placed(
    make_cluster: Make, name: str, make: Callable[[Path], object]
) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].unit_folder / name
    path.parent.mkdir(exist_ok=True)
    make(path)
    found = await only_refusal(cluster)
    assert (found.code, "held" in found.sentence) == (FindingCode.UNFIT_PLACE, True)


async def test_another_run_holds_the_node(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.machines["n1"].take("20250101-000000-beef")
    found = await only_refusal(cluster)
    assert (found.code, "20250101-000000-beef" in found.sentence) == (FindingCode.NODE_LOCKED, True)


async def test_a_masked_unit(make_cluster: Make) -> None:
    cluster = make_cluster()
    (cluster.machines["n1"].state / "masked").touch()
    found = await only_refusal(cluster)
    assert (found.code, "systemctl unmask" in found.advice) == (FindingCode.CANNOT_START, True)


@pytest.mark.parametrize("tool", ["tar", "mkfifo", "touch"])
async def test_a_tool_that_is_missing(make_cluster: Make, tool: str) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    (machine.bin / tool).unlink()
    found = await only_refusal(cluster)
    assert (found.code, tool in found.sentence) == (FindingCode.TOOL_MISSING, True)


async def test_another_tar_than_gnus(make_cluster: Make) -> None:
    cluster = make_cluster()
    cluster.machines["n1"].write_tool("tar", "echo unrecognized option >&2; exit 1")
    found = await only_refusal(cluster)
    assert (found.code, "tar" in found.sentence) == (FindingCode.TOOL_MISSING, True)


# ── what the unit needs ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", [None, 0o644])
async def test_a_program_that_is_not_there_or_cannot_be_started(make_cluster: Make, mode: int | None) -> None:
    cluster = make_cluster()
    program = cluster.machines["n1"].bin / "loom"
    program.unlink()
    if mode is not None:
        program.write_text("#!/bin/sh\n")
        program.chmod(mode)
    found = await only_refusal(cluster)
    assert (found.code, str(program) in found.sentence) == (FindingCode.CANNOT_START, True)


def with_unit(cluster: LocalCluster, *, backup: dict[str, str], live: dict[str, str] | None = None) -> None:
    """A backup whose unit says something else. The node's own peers are wrong, so its unit is replaced."""
    machine = cluster.machines["n1"]
    cluster.spoil_unit(1)
    for changes, write in ((backup, False), (live or {}, True)):
        text = machine.unit.read_text() if write else unit_text(machine, cluster.peers(1))
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        if write:
            machine.write_unit(text)
        else:
            cluster.add_config_backup(1, files={"loom.service": text})


async def planned(cluster: LocalCluster) -> Plan:
    return await cluster.plan(cluster.fleet(quick=False))


@pytest.mark.parametrize("setting", ["User=", "WorkingDirectory=", "ExecStart="])
async def test_a_backups_unit_that_does_not_fit_the_node_gives_way_to_its_own(
    make_cluster: Make, setting: str
) -> None:
    cluster = make_cluster(2)
    with_unit(cluster, backup={setting: f"{setting}/srv/other" if setting != "User=" else "User=not-"})
    plan = await planned(cluster)
    assert plan.refusals == ()
    (choice,) = [choice for choice in plan.node("n1").files if choice.target == "UNIT"]
    assert choice.action is FileAction.KEEP
    assert any(one.code is FindingCode.UNIT_STAYS and one.node == "n1" for one in plan.warnings)


async def test_a_unit_that_systemd_refuses_as_it_is(make_cluster: Make) -> None:
    """Its peers have to be corrected, and systemd would not take the corrected text either."""
    cluster = make_cluster(2)
    with_unit(cluster, backup={"User=": "User=not-"}, live={"Description=": "Description=BROKEN "})
    found = await only_refusal(cluster)
    assert (found.code, "BROKEN" in found.sentence) == (FindingCode.UNFIT_PLACE, True)


async def test_a_unit_beside_which_systemd_reads_no_drop_ins(make_cluster: Make) -> None:
    cluster = make_cluster()
    plan = await cluster.plan()
    elsewhere = replace(plan.node("n1"), unit_path="/opt/loom/loom.service")
    (found,) = _unread_hold(elsewhere)
    assert (found.code, "/opt/loom" in found.sentence) == (FindingCode.UNFIT_PLACE, True)
    assert not list(_unread_hold(plan.node("n1")))


async def test_a_working_directory_that_is_not_there(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    machine.set_active("inactive")
    shutil.rmtree(machine.workdir)
    with pytest.raises(Refused, match="working directory") as caught:
        await cluster.plan(cluster.fleet(quick=False))
    assert caught.value.node == "n1"


async def test_a_group_that_the_node_does_not_know(make_cluster: Make) -> None:
    cluster = make_cluster(2)
    with_unit(cluster, backup={"Group=": "Group=not-"})
    found = await only_refusal(cluster)
    assert (found.code, "group not-" in found.sentence) == (FindingCode.CANNOT_START, True)


@as_root
@pytest.mark.parametrize("fault", ["immutable", "a folder in the way"])
async def test_a_unit_that_has_to_be_rewritten_and_cannot_be(
    make_cluster: Make, attribute: Callable[[str, Path], None], fault: str
) -> None:
    cluster = make_cluster(2)
    with_unit(cluster, backup={"User=": "User=not-"})  # so that the node's own stays, with its wrong peers
    machine = cluster.machines["n1"]
    if fault == "immutable":
        attribute("i", machine.unit)
    else:
        (machine.unit_folder / ".loomtui-new").mkdir()
    found = await only_refusal(cluster)
    assert (found.code, str(machine.unit) in found.sentence) == (FindingCode.UNFIT_PLACE, True)


# ── backup.sh ───────────────────────────────────────────────────────────────────────────────────────────────


def crontab(machine: Node) -> Path:
    path = machine.root / "etc/cron.d/loom"
    path.parent.mkdir(parents=True)
    path.write_text("0 3 * * * ubuntu /home/ubuntu/backup.sh\n")
    return path


@as_root
async def test_a_crontab_that_cannot_be_edited(
    make_cluster: Make, attribute: Callable[[str, Path], None]
) -> None:
    cluster = make_cluster()
    attribute("i", crontab(cluster.machines["n1"]))
    found = await only_refusal(cluster)
    assert "--backup-jobs leave" in found.advice
    assert await refused(cluster, backup_policy=BackupPolicy.LEAVE) == []


async def test_a_script_whose_name_is_too_long_to_be_suspended(make_cluster: Make) -> None:
    plan = (await make_cluster().plan()).node("n1")
    job = BackupJob(JobKind.SCRIPT, f"/etc/cron.daily/{'x' * 220}-backup.sh", "")
    details = node_details(backups=BackupJobs((job,)))
    (found,) = _long_names(plan, details, Places(name_limit=255))
    assert (found.code, job.place in found.sentence) == (FindingCode.UNFIT_PLACE, True)
    assert not list(_long_names(plan, details, Places(name_limit=300)))


@pytest.mark.parametrize(
    ("place", "words"), [("work/chaindata/stage", "own folders"), ("work", "node itself")]
)
async def test_a_staging_folder_that_cannot_be_set_aside(make_cluster: Make, place: str, words: str) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    folder = (machine.root / place).resolve()
    folder.mkdir(exist_ok=True)
    (folder / "loom.yml").write_text("old")
    (machine.root / "etc/cron.d").mkdir(parents=True)
    (machine.workdir / "backup.sh").write_text(f"TMP_LOCATION={folder}\n")
    found = await only_refusal(cluster)
    assert (found.code, words in found.sentence) == (FindingCode.UNFIT_PLACE, True)


async def test_a_staging_folder_below_the_working_directory_is_set_aside(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    (machine.workdir / "bu-stage/chaindata").mkdir(parents=True)
    (machine.root / "etc/cron.d").mkdir(parents=True)
    (machine.workdir / "backup.sh").write_text(f"TMP_LOCATION={machine.workdir}/bu-stage\n")
    await restored_and_rolled_back(cluster)


# ── the signing state ───────────────────────────────────────────────────────────────────────────────────────


async def test_a_signing_state_of_an_unknown_form(make_cluster: Make) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / VALIDATOR
    twice = '"x": {"last_height": 1}, "last_height": "130"'
    path.write_text(path.read_text().replace('"last_height": "130"', twice))
    found = await only_refusal(cluster)
    assert (found.code, str(path) in found.sentence) == (FindingCode.SIGNING_STATE_ODD, True)


async def test_a_signing_state_without_its_numbers_is_set(make_cluster: Make) -> None:
    """Go takes a number that is not there for 0."""
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / VALIDATOR
    text = path.read_text()
    for part in ('"last_round": "0", ', '"last_step": 3, '):
        assert part in text
        text = text.replace(part, "")
    path.write_text(text)
    await restored_and_rolled_back(cluster)


# ── what can be done is done, and undone byte for byte ──────────────────────────────────────────────────────


async def restored_and_rolled_back(cluster: LocalCluster, *also: Path) -> None:
    """The plan is not refused, the restore succeeds, and a rollback leaves nothing behind."""
    for machine in cluster.machines.values():
        age(machine.workdir)
        age(machine.unit_folder)

    def there() -> Tree:
        return cluster.live() | tree(*also)

    before = there()
    run, fleet = await cluster.run(cluster.fleet(quick=False)), cluster.fleet()
    assert run.plan.refusals == ()
    assert await cluster.runner(run, fleet, Scripted()).restore() is Outcome.RESTORED
    assert there() != before
    assert await cluster.runner(run, fleet, Scripted()).rollback() is Outcome.ROLLED_BACK
    assert there() == before


def relative_to(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder)


@pytest.mark.parametrize(
    ("target", "relative"), [(LOOM_CONFIG, True), (TENDERMINT_CONFIG, False), (VALIDATOR, False)]
)
async def test_a_config_file_behind_a_link(
    make_cluster: Make, tmp_path: Path, target: str, relative: bool
) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / target
    kept = tmp_path / "kept"
    kept.mkdir()
    path.rename(kept / "file")
    path.symlink_to(relative_to(path.parent, kept / "file") if relative else kept / "file")
    age(kept)
    await restored_and_rolled_back(cluster, kept)
    assert path.is_symlink()


async def test_config_files_behind_a_link_to_their_folder(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    config, kept = cluster.machines["n1"].config, tmp_path / "kept"
    config.rename(kept)
    config.symlink_to(kept)
    age(kept)
    await restored_and_rolled_back(cluster, kept)


async def test_a_link_to_a_file_that_is_not_there_yet(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    kept = tmp_path / "kept"
    kept.mkdir()
    replace_by(path, link_to(kept / "loom.yml"))
    await restored_and_rolled_back(cluster, kept)


async def test_a_unit_that_is_linked_into_its_place(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster(2)
    cluster.spoil_unit(1)
    machine = cluster.machines["n1"]
    kept = tmp_path / "kept"
    kept.mkdir()
    machine.unit.rename(kept / "loom.service")
    machine.unit.symlink_to(kept / "loom.service")
    age(kept)
    await restored_and_rolled_back(cluster, kept)


@pytest.mark.parametrize("name", ["app.db", "chaindata/data", "chaindata"])
async def test_a_database_behind_a_link_on_the_same_disk(
    make_cluster: Make, tmp_path: Path, name: str
) -> None:
    cluster = make_cluster()
    path, kept = cluster.machines["n1"].workdir / name, tmp_path / "kept"
    path.rename(kept)
    path.symlink_to(kept)
    age(kept)
    await restored_and_rolled_back(cluster, kept)


async def test_a_database_that_is_no_folder(make_cluster: Make) -> None:
    cluster = make_cluster()
    replace_by(cluster.machines["n1"].workdir / "receipts_db", Path.touch)
    await restored_and_rolled_back(cluster)


async def test_a_database_whose_disk_is_not_mounted(make_cluster: Make) -> None:
    cluster = make_cluster()
    replace_by(cluster.machines["n1"].workdir / "evm.db", link_to("/mnt/not-there/evm.db"))
    found = await only_refusal(cluster)
    assert (found.code, "/mnt/not-there/evm.db" in found.sentence) == (FindingCode.UNFIT_PLACE, True)


async def test_a_process_that_no_stop_ends_is_told(make_cluster: Make) -> None:
    """It may have ended by the time of the restore, so it is no reason to refuse."""
    cluster = make_cluster()
    with stubborn(cluster.machines["n1"]) as process:
        plan = await planned(cluster)
    assert plan.refusals == ()
    (found,) = [one for one in plan.warnings if one.code is FindingCode.OPENED_ELSEWHERE]
    assert (found.node, str(process.pid) in found.sentence) == ("n1", True)


@pytest.mark.parametrize(
    ("work", "unit"),
    [
        (FileSystem("1", 1000, None), FileSystem("2", 10**9, 1000)),
        (FileSystem("1", 10**12, 3), FileSystem("2", 10**9, 1000)),
        (FileSystem("1", 10**12, None), FileSystem("2", 1000, 1000)),
        (FileSystem("1", 10**12, None), FileSystem("2", 10**9, 3)),
    ],
    ids=["no room for data", "no inodes for data", "no room for the hold", "no inodes for the hold"],
)
def test_no_room_or_no_inodes(work: FileSystem, unit: FileSystem) -> None:
    plan, details = node_plan(), node_details()
    (found,) = _room_refusals(plan, details, Places(work_space=work, unit_space=unit))
    assert (found.code, found.node) == (FindingCode.NO_ROOM, "n1")
    enough = Places(work_space=FileSystem("1", 10**12, None), unit_space=FileSystem("2", 10**9, 1000))
    assert _room_refusals(plan, details, enough) == []


async def test_a_file_with_other_names_is_told(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    os.link(path, tmp_path / "another name")
    plan = await planned(cluster)
    assert plan.refusals == ()
    assert any(one.code is FindingCode.LINKED_FILE and str(path) in one.sentence for one in plan.warnings)
    await restored_and_rolled_back(cluster, tmp_path / "another name")


@as_root
async def test_files_of_an_owner_who_does_not_exist(make_cluster: Make) -> None:
    cluster = make_cluster()
    for path in (cluster.machines["n1"].workdir / LOOM_CONFIG, cluster.machines["n1"].unit):
        os.chown(path, 54321, 54322)
    await restored_and_rolled_back(cluster)


# ── a link that the service's user made ─────────────────────────────────────────────────────────────────────


@as_root
async def test_a_link_of_the_services_user_to_what_is_not_his(make_cluster: Make, tmp_path: Path) -> None:
    """Root writes nothing for him where he may not write himself: the plan says so, and the script."""
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    path, secret = machine.workdir / LOOM_CONFIG, tmp_path / "secret"
    os.chown(tmp_path, 54321, 54321)  # nobody's of the cluster
    secret.write_text("not his")
    replace_by(path, link_to(secret))
    os.lchown(path, 65534, 65534)
    found = await only_refusal(cluster)
    assert "symbolic link that root did not make" in found.sentence

    machine.set_active("inactive")
    machine.take()
    (machine.run_folder() / "stage/new").write_text("new")
    outcome = machine.run("replace", *machine.held(), "loom-config", "stage/new", path, "644", "root", "root")
    assert outcome.returncode == 1
    assert b"untrusted" in outcome.stderr
    assert secret.read_text() == "not his"


async def test_a_planted_link_is_not_followed(node: Node, tmp_path: Path) -> None:
    """Whoever owns the folder of a file could put a link where the new one is written first."""
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    (node.run_folder() / "stage/new").write_text("new")
    (tmp_path / "victim").write_text("untouched")
    (node.workdir / ".loomtui-new").symlink_to(tmp_path / "victim")
    node.done("replace", *node.held(), "loom-config", "stage/new", node.workdir / "loom.yml", "644", "", "")
    assert (node.workdir / "loom.yml").read_text() == "new"
    assert (tmp_path / "victim").read_text() == "untouched"
