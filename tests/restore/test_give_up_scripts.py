"""room.sh and give_up.sh: what old databases are, and how they are deleted, killed at every point."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.fleet.probes.room import Room, look_at_room
from loomtui.loom.databases import OLD_DATABASES, STATE_NAMES
from loomtui.restore.record.given_up import read_given_up
from tests.restore.interrupting import Call, Interruptions, live, state
from tests.restore.local import RUN, LocalNode, Tree, digest, digests
from tests.restore.local_fleet import session_on
from tests.restore.material import write_node, write_state

NAMES = ("app.db", "chaindata/data/blockstore.db", "chaindata/data/state.db")
MINE = b"not LevelDB's"


def give_up(machine_root: Path, *names: str) -> Call:
    hold = str(machine_root / "etc/systemd/system/loom.service.d/99-loomtui-hold.conf")
    return Call("give_up", ("loom.service", hold, *(names or NAMES)))


def prepare(machine: LocalNode) -> None:
    """A held node. Beside its databases lies what is nobody's to delete."""
    write_node(machine, 1)
    data = machine.workdir / "chaindata/data"
    (data / "cs.wal").mkdir()
    (data / "cs.wal/wal").write_bytes(b"journal of the consensus")
    (data / "priv_validator_state.json").write_text("signing state of a later Tendermint")
    (machine.workdir / "app.db/node_key.json").write_bytes(MINE)
    (machine.workdir / "app.db/000005.ldb").write_bytes(b"table" * 2000)
    machine.take()


def do(machine: LocalNode, call: Call) -> None:
    machine.done(call.script, *call.args)


def kept_files(machine: LocalNode) -> set[str]:
    """Below the working directory, without the run's own."""
    paths = (path.relative_to(machine.workdir) for path in machine.workdir.rglob("*") if path.is_file())
    return {str(path) for path in paths if path.parts[0] != ".loomtui"}


def test_it_deletes_the_databases_that_are_named_and_nothing_else(node: LocalNode) -> None:
    prepare(node)
    before = kept_files(node)
    do(node, give_up(node.root))
    gone = before - kept_files(node)
    assert gone == {
        *(f"{name}/{file}" for name in NAMES for file in ("CURRENT", "MANIFEST-000000", "000001.log", "LOG")),
        "app.db/000005.ldb",
    }
    assert not (node.workdir / "chaindata/data/state.db").exists()
    assert (node.workdir / "app.db/node_key.json").read_bytes() == MINE
    for name in ("evm.db/CURRENT", "receipts_db/CURRENT", "old_app_17.db/CURRENT"):
        assert (node.workdir / name).exists(), "the plan does not name it"
    given_up = read_given_up((node.run_folder() / "data.given_up").read_text())
    assert given_up is not None
    assert given_up.names == NAMES
    assert given_up.at is not None


@pytest.mark.slow
def test_killed_at_every_point_it_is_repeated_and_never_leaves_half_a_database(tmp_path: Path) -> None:
    root = tmp_path / "n1"
    interruptions = Interruptions(root, prepare, give_up(root))
    expected = without_its_time(interruptions.undisturbed(), root)
    deleted = {one for name in NAMES for one in digests(interruptions.node().workdir / name)} - {digest(MINE)}
    for killed in interruptions.each(may_lose=deleted):
        folders = [killed.node.workdir / name for name in NAMES]
        if not all((folder / "MANIFEST-000000").exists() for folder in folders):
            assert not any((folder / "CURRENT").exists() for folder in folders), f"point {killed.point}"
        if live(killed.node) != killed.before:
            assert (killed.node.run_folder() / "data.given_up").exists(), f"point {killed.point}"
        interruptions.again(killed.node)
        assert without_its_time(state(killed.node), root) == expected, f"point {killed.point}"


def without_its_time(found: Tree, root: Path) -> Tree:
    mark = str(LocalNode.found(root).run_folder() / "data.given_up")
    return {path: what for path, what in found.items() if path != mark}


def test_the_time_of_the_first_deletion_stays(node: LocalNode) -> None:
    prepare(node)
    do(node, give_up(node.root))
    mark = node.run_folder() / "data.given_up"
    mark.write_text(mark.read_text().replace("20", "19", 1))
    before = mark.read_text()
    do(node, give_up(node.root))
    assert mark.read_text() == before


@pytest.mark.parametrize(
    "name",
    [
        "chaindata/config",
        "chaindata/data",
        "contracts",
        "../n1/app.db",
        "/app.db",
        ".db",
        "chaindata/data/x/y.db",
        "loom.yml",
        "a b.db",
    ],
)
def test_what_is_no_database_by_its_name_is_refused(node: LocalNode, name: str) -> None:
    prepare(node)
    before = state(node)
    call = give_up(node.root, "app.db", name)
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"is no database of this node's own" in outcome.stderr
    assert state(node) == before


@pytest.mark.parametrize("linked", ["app.db", "chaindata", "chaindata/data"])
def test_what_lies_elsewhere_is_not_meant(node: LocalNode, linked: str) -> None:
    prepare(node)
    place, elsewhere = node.workdir / linked, node.root / "elsewhere"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    before = digests(node.root)
    call = give_up(node.root)
    assert node.run(call.script, *call.args).returncode == 1
    assert digests(node.root) == before


def test_a_database_that_is_a_file_is_refused(node: LocalNode) -> None:
    prepare(node)
    shutil.rmtree(node.workdir / "app.db")
    (node.workdir / "app.db").write_text("a file")
    call = give_up(node.root)
    assert node.run(call.script, *call.args).returncode == 1
    assert (node.workdir / "app.db").read_text() == "a file"


def test_a_database_that_went_meanwhile_is_given_up_already(node: LocalNode) -> None:
    prepare(node)
    shutil.rmtree(node.workdir / "app.db")
    do(node, give_up(node.root))
    assert not (node.workdir / "chaindata/data/state.db").exists()


def test_it_refuses_while_the_service_runs_and_without_the_runs_hold(node: LocalNode) -> None:
    prepare(node)
    call = give_up(node.root)
    node.set_active("active")
    assert node.run(call.script, *call.args).returncode == 74
    node.set_active("inactive")
    with (node.workdir / "app.db/LOG").open():
        assert node.run(call.script, *call.args).returncode == 74
    node.hold.unlink()
    assert node.run(call.script, *call.args).returncode == 74
    assert not (node.run_folder() / "data.given_up").exists()
    assert (node.workdir / "app.db/CURRENT").exists()


def test_it_refuses_without_the_runs_lock(node: LocalNode) -> None:
    prepare(node)
    node.lock.write_text(node.lock.read_text().replace(RUN, "20260101-120000-ffff"))
    call = give_up(node.root)
    assert node.run(call.script, *call.args).returncode == 73
    assert (node.workdir / "app.db/CURRENT").exists()


@pytest.mark.parametrize("mark", ["data.staged", "data.names"])
def test_what_is_in_place_by_now_is_not_the_old_state(node: LocalNode, mark: str) -> None:
    prepare(node)
    (node.run_folder() / mark).touch()
    before = live(node)
    call = give_up(node.root)
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"unpacked already" in outcome.stderr
    assert live(node) == before


def test_it_needs_a_name(node: LocalNode) -> None:
    prepare(node)
    assert node.run("give_up", "loom.service", str(node.hold)).returncode == 1


def test_a_mark_that_cannot_be_written_deletes_nothing(node: LocalNode) -> None:
    prepare(node)
    (node.run_folder() / "data.given_up.new").mkdir()
    before = live(node)
    call = give_up(node.root)
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"cannot write" in outcome.stderr
    assert live(node) == before


# ── the look ────────────────────────────────────────────────────────────────────────────────────────────────


async def room_of(machine: LocalNode, state_names: tuple[str, ...] | None = None) -> Room:
    return await look_at_room(session_on(machine), str(machine.workdir), OLD_DATABASES, state_names)


def blocks(folder: Path) -> int:
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


async def test_the_look_counts_what_deleting_would_free(node: LocalNode) -> None:
    prepare(node)
    before = state(node)
    room = await room_of(node)
    assert state(node) == before
    found = {one.name: one for one in room.old}
    expected = {*NAMES, "evm.db", "receipts_db", "old_app_17.db"}
    assert set(found) == expected
    assert found["evm.db"].bytes == blocks(node.workdir / "evm.db")
    assert found["evm.db"].files == 4
    assert found["app.db"].files == 5, "a file that is not LevelDB's stays"
    assert (room.kept, room.live) == ((), None)


async def test_files_with_another_name_free_nothing(node: LocalNode) -> None:
    prepare(node)
    os.link(node.workdir / "app.db/000005.ldb", node.root / "snapshot")
    room = await room_of(node)
    (app,) = [one for one in room.old if one.name == "app.db"]
    assert app.files == 4


async def test_what_other_runs_kept_is_counted_but_not_of_the_one_at_work(node: LocalNode) -> None:
    prepare(node)
    other = node.run_folder("20250101-120000-ffff")
    write_state(other / "replaced/data", 90, "of an earlier run")
    write_state(node.run_folder() / "replaced/data", 90, "of this one")
    room = await room_of(node)
    (kept,) = room.kept
    assert (kept.run, kept.bytes, kept.files) == (other.name, blocks(other), 12)


async def test_what_could_be_taken_over_is_told_in_the_same_round_trip(node: LocalNode) -> None:
    prepare(node)
    session = session_on(node)
    room = await look_at_room(session, str(node.workdir), OLD_DATABASES, STATE_NAMES)
    assert session.trips == [("room", "live_files")]
    assert room.live is not None
    assert room.live["app.db/000005.ldb"].size_bytes == 10_000


async def test_a_database_behind_a_link_is_none_of_the_node_s_own(node: LocalNode) -> None:
    prepare(node)
    (node.workdir / "app.db").rename(node.root / "elsewhere")
    (node.workdir / "app.db").symlink_to(node.root / "elsewhere")
    assert "app.db" not in {one.name for one in (await room_of(node)).old}


@given(st.text(max_size=200))
def test_whatever_the_mark_says_it_counts(text: str) -> None:
    found = read_given_up(text)
    assert found is not None
    assert found.when
    assert read_given_up(None) is None
