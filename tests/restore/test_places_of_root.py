"""Attributes, mounts and read-only places, which only root can make, are known before anything is stopped."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from loomtui.loom.databases import LOOM_CONFIG
from loomtui.restore.findings import FindingCode
from tests.restore.cluster import LocalCluster
from tests.restore.places import (
    Make,
    as_root,
    link_to,
    only_refusal,
    refused,
    replace_by,
)


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
