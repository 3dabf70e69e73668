"""What units, backup.sh and the signing state need is known before anything is stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.errors import Refused
from loomtui.fleet.probes.backup_jobs import BackupJob, BackupJobs, JobKind
from loomtui.fleet.probes.places import Places
from loomtui.loom.databases import VALIDATOR
from loomtui.restore.choices import BackupPolicy
from loomtui.restore.findings import FindingCode
from loomtui.restore.plan import FileAction
from loomtui.restore.planning.places import _long_names, _unread_hold
from tests.restore import looks
from tests.restore.local import LocalNode as Node
from tests.restore.material import node_details
from tests.restore.places import (
    Make,
    as_root,
    only_refusal,
    planned,
    refused,
    restored_and_rolled_back,
    with_unit,
)


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


async def test_an_instance_of_a_template_unit(make_cluster: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """`systemctl cat loom@n1.service` tells the template's file; no service has its name."""
    cluster = make_cluster()
    cat = looks._cat
    monkeypatch.setattr(looks, "_cat", lambda node: cat(node).replace("/loom.service\n", "/loom@.service\n"))
    (found,) = (await cluster.plan()).refusals
    assert (found.code, "/loom@.service" in found.sentence) == (FindingCode.UNFIT_PLACE, True)


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


@pytest.mark.slow
async def test_a_staging_folder_below_the_working_directory_is_set_aside(make_cluster: Make) -> None:
    cluster = make_cluster()
    machine = cluster.machines["n1"]
    (machine.workdir / "bu-stage/chaindata").mkdir(parents=True)
    (machine.root / "etc/cron.d").mkdir(parents=True)
    (machine.workdir / "backup.sh").write_text(f"TMP_LOCATION={machine.workdir}/bu-stage\n")
    await restored_and_rolled_back(cluster)


async def test_a_signing_state_of_an_unknown_form(make_cluster: Make) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / VALIDATOR
    twice = '"x": {"last_height": 1}, "last_height": "130"'
    path.write_text(path.read_text().replace('"last_height": "130"', twice))
    found = await only_refusal(cluster)
    assert (found.code, str(path) in found.sentence) == (FindingCode.SIGNING_STATE_ODD, True)


@pytest.mark.slow
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
