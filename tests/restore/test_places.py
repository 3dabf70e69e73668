"""What stands in the place of a file or of the run's own folder is known before anything is stopped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from loomtui.fleet.scripts import InspectScript, script_text
from loomtui.loom.databases import ADDRBOOK, LOOM_CONFIG, NODE_KEY, TENDERMINT_CONFIG
from loomtui.restore.findings import FindingCode
from tests.restore.local import stubborn
from tests.restore.places import (
    Make,
    link_to,
    make_socket,
    only_refusal,
    planned,
    refused,
    replace_by,
    restored_and_rolled_back,
)
from tests.sampling import rest_slow

ODD_KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "is a folder"),
    "a pipe": (os.mkfifo, "no regular file"),
    "a socket": (make_socket, "no regular file"),
    "a link in a circle": (lambda path: path.symlink_to(path.name), "circle"),
    "a link into a missing folder": (link_to("/nowhere/loom/file"), "/nowhere/loom/file"),
    "a link to a folder": (link_to("/"), "is a folder"),
    "a link to a device": (link_to("/dev/null"), "no regular file"),
}


@pytest.mark.parametrize("kind", rest_slow(ODD_KINDS, 2))
async def test_something_else_than_a_file_in_the_place_of_a_file(make_cluster: Make, kind: str) -> None:
    make, words = ODD_KINDS[kind]
    cluster = make_cluster()
    path = cluster.machines["n1"].workdir / TENDERMINT_CONFIG
    replace_by(path, make)
    refusals = await refused(cluster)
    (found,) = (one for one in refusals if one.code is FindingCode.UNFIT_PLACE)
    assert str(path) in found.sentence
    assert words in found.sentence


@pytest.mark.parametrize(
    "target", rest_slow([LOOM_CONFIG, NODE_KEY, "chaindata/config/genesis.json", "genesis.json"])
)
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


@pytest.mark.slow
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


async def test_a_process_that_no_stop_ends_is_told(make_cluster: Make) -> None:
    """It may have ended by the time of the restore, so it is no reason to refuse."""
    cluster = make_cluster()
    with stubborn(cluster.machines["n1"]) as process:
        plan = await planned(cluster)
    assert plan.refusals == ()
    (found,) = [one for one in plan.warnings if one.code is FindingCode.OPENED_ELSEWHERE]
    assert (found.node, str(process.pid) in found.sentence) == ("n1", True)
