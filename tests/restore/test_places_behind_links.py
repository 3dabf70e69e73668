"""What lies behind links can be restored and put back byte for byte; what a user planted is refused."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG, VALIDATOR
from loomtui.restore.findings import FindingCode
from tests.restore.interrupting import age
from tests.restore.local import LocalNode as Node
from tests.restore.places import (
    Make,
    as_root,
    link_to,
    only_refusal,
    planned,
    refused,
    replace_by,
    restored_and_rolled_back,
)


def relative_to(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("target", "relative"),
    [(LOOM_CONFIG, True), (TENDERMINT_CONFIG, False), (VALIDATOR, False)],
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


@pytest.mark.slow
async def test_config_files_behind_a_link_to_their_folder(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    config, kept = cluster.machines["n1"].config, tmp_path / "kept"
    config.rename(kept)
    config.symlink_to(kept)
    age(kept)
    await restored_and_rolled_back(cluster, kept)


@pytest.mark.slow
async def test_a_link_to_a_file_that_is_not_there_yet(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    kept = tmp_path / "kept"
    kept.mkdir()
    replace_by(path, link_to(kept / "loom.yml"))
    await restored_and_rolled_back(cluster, kept)


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
async def test_a_database_that_is_no_folder(make_cluster: Make) -> None:
    cluster = make_cluster()
    replace_by(cluster.machines["n1"].workdir / "receipts_db", Path.touch)
    await restored_and_rolled_back(cluster)


async def test_a_database_whose_disk_is_not_mounted(make_cluster: Make) -> None:
    cluster = make_cluster()
    replace_by(cluster.machines["n1"].workdir / "evm.db", link_to("/mnt/not-there/evm.db"))
    found = await only_refusal(cluster)
    assert (found.code, "/mnt/not-there/evm.db" in found.sentence) == (FindingCode.UNFIT_PLACE, True)


@pytest.mark.slow
async def test_a_file_with_other_names_is_told(make_cluster: Make, tmp_path: Path) -> None:
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / LOOM_CONFIG
    os.link(path, tmp_path / "another name")
    plan = await planned(cluster)
    assert plan.refusals == ()
    assert any(one.code is FindingCode.LINKED_FILE and str(path) in one.sentence for one in plan.warnings)
    await restored_and_rolled_back(cluster, tmp_path / "another name")


@pytest.mark.slow
@as_root
async def test_files_of_an_owner_who_does_not_exist(make_cluster: Make) -> None:
    cluster = make_cluster()
    for path in (cluster.machines["n1"].workdir / LOOM_CONFIG, cluster.machines["n1"].unit):
        os.chown(path, 54321, 54322)
    await restored_and_rolled_back(cluster)


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


@as_root
async def test_a_link_of_the_services_user_behind_one_of_roots(make_cluster: Make, tmp_path: Path) -> None:
    """Root moved the folder to where the service's user may put a link in its place."""
    cluster = make_cluster()
    folder = cluster.machines["n1"].workdir / "chaindata/config"
    his, other = tmp_path / "his", tmp_path / "other"
    his.mkdir()
    shutil.move(folder, other)
    folder.symlink_to(his / "config")
    (his / "config").symlink_to(other)
    os.lchown(his / "config", 65534, 65534)
    os.chown(other, 54321, 54321)  # nobody's of the cluster
    found = await refused(cluster)
    assert found
    assert all("symbolic link that root did not make" in one.sentence for one in found)


async def test_a_planted_link_is_not_followed(node: Node, tmp_path: Path) -> None:
    """Whoever owns the folder of a file could put a link where the new one is written first."""
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    (node.run_folder() / "stage/new").write_text("new")
    (tmp_path / "victim").write_text("untouched")
    (node.workdir / ".loomtui-new-config").symlink_to(tmp_path / "victim")
    node.done("replace", *node.held(), "loom-config", "stage/new", node.workdir / "loom.yml", "644", "", "")
    assert (node.workdir / "loom.yml").read_text() == "new"
    assert (tmp_path / "victim").read_text() == "untouched"
