"""swap.sh and unswap.sh: the old databases out, the new ones in, and the way back, killed at every point."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from loomtui.loom.databases import STATE_NAMES
from tests.restore.interrupting import Call, Interruptions, age, live, state
from tests.restore.local import GROUP, RUN, USER, LocalNode, digests
from tests.restore.material import write_database, write_node, write_state


def prepare(machine: LocalNode, run: str = RUN) -> None:
    """A held node with a newer state than the one that is staged."""
    write_state(machine.workdir, 130, "live", "evm.db", "old_app_17.db")
    (machine.workdir / "contracts").mkdir()
    (machine.workdir / "contracts/plugin").write_text("not of the state")
    machine.write_unit("[Service]\nExecStart=/bin/true\n")
    machine.take(run)
    stage(machine, run=run)


def stage(machine: LocalNode, *extra: str, run: str = RUN) -> None:
    write_state(machine.run_folder(run) / "stage/data", 100, "restored", *extra)
    (machine.run_folder(run) / "data.staged").touch()


def swap(machine_root: Path) -> Call:
    hold = str(machine_root / "etc/systemd/system/loom.service.d/99-loomtui-hold.conf")
    return Call("swap", ("loom.service", hold, USER, GROUP, *STATE_NAMES))


def unswap(machine_root: Path) -> Call:
    hold = str(machine_root / "etc/systemd/system/loom.service.d/99-loomtui-hold.conf")
    return Call("unswap", ("loom.service", hold, *STATE_NAMES))


def do(machine: LocalNode, call: Call) -> None:
    machine.done(call.script, *call.args, stdin=call.stdin)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "n1"


def test_the_new_state_takes_the_place_of_the_whole_old_one(node: LocalNode) -> None:
    write_node(node, 1)
    (node.workdir / "contracts").mkdir()
    (node.workdir / "contracts/plugin").write_text("not of the state")
    node.take()
    stage(node, "receipts_db")
    do(node, swap(node.root))
    work, old = node.workdir, node.run_folder() / "replaced/data"
    assert "restored" in (work / "app.db/LOG").read_text()
    assert "restored" in (work / "chaindata/data/state.db/LOG").read_text()
    assert "restored" in (work / "receipts_db/LOG").read_text()
    for name in ("evm.db", "old_app_17.db"):
        assert not (work / name).exists()  # of a newer state: it must not remain beside the older app.db
        assert "live" in (old / name / "LOG").read_text()
    assert "live" in (old / "app.db/LOG").read_text()
    assert (work / "contracts/plugin").exists()
    assert (work / "chaindata/config/node_key.json").exists()
    assert not list((node.run_folder() / "stage/data").rglob("LOG"))


def test_swap_killed_at_every_point_and_repeated(root: Path) -> None:
    Interruptions(root, prepare, swap(root)).check_repeated()


@pytest.mark.slow
def test_swap_killed_at_every_point_and_taken_back(root: Path) -> None:
    for killed in Interruptions(root, prepare, swap(root)).each():
        do(killed.node, unswap(root))
        assert live(killed.node) == killed.before, f"point {killed.point}"


def prepare_swapped(machine: LocalNode) -> None:
    prepare(machine)
    do(machine, swap(machine.root))
    write_database(machine.workdir / "evm.db", b"", "made by the restored node")


@pytest.mark.slow
def test_unswap_killed_at_every_point_and_repeated(root: Path) -> None:
    Interruptions(root, prepare_swapped, unswap(root)).check_repeated()


def test_what_was_taken_back_is_the_old_state_byte_for_byte(node: LocalNode) -> None:
    prepare(node)
    age(node.workdir)
    before, everything = live(node), digests(node.root)
    do(node, swap(node.root))
    write_database(node.workdir / "mempool.wal", b"", "made by the restored node")
    made = digests(node.workdir / "mempool.wal")
    do(node, unswap(node.root))
    assert live(node) == before
    assert everything | made <= digests(node.root)


def test_after_taking_back_it_can_be_swapped_in_once_more(node: LocalNode) -> None:
    prepare(node)
    do(node, swap(node.root))
    swapped = state(node)
    do(node, unswap(node.root))
    do(node, swap(node.root))
    assert {path: what for path, what in state(node).items() if "/undone" not in path} == swapped


def test_taking_back_twice_keeps_what_each_restored_node_had_made(node: LocalNode) -> None:
    prepare(node)
    for mark in ("first", "second"):
        do(node, swap(node.root))
        write_database(node.workdir / "evm.db", b"", mark)
        do(node, unswap(node.root))
    made = [path.read_text() for path in (node.run_folder() / "undone").rglob("LOG")]
    assert sorted(made) == ["evm.db first\n", "evm.db second\n"]


def test_taking_back_what_was_never_swapped_does_nothing(node: LocalNode) -> None:
    prepare(node)
    before = state(node)
    do(node, unswap(node.root))
    assert state(node) == before


def test_a_node_without_any_data_gets_it_and_loses_it_again(node: LocalNode) -> None:
    node.write_unit("[Service]\nExecStart=/bin/true\n")
    node.take()
    stage(node)
    before = live(node)
    do(node, swap(node.root))
    assert (node.workdir / "chaindata/data/blockstore.db/CURRENT").exists()
    assert oct((node.workdir / "chaindata").stat().st_mode)[-3:] == "700"
    do(node, unswap(node.root))
    assert live(node) == before


def test_a_database_that_is_a_link_is_moved_as_a_link(node: LocalNode, tmp_path: Path) -> None:
    prepare(node)
    write_database(tmp_path / "elsewhere")
    (node.workdir / "receipts_db").symlink_to(tmp_path / "elsewhere")
    (node.workdir / "events.db").symlink_to(tmp_path / "nowhere")
    before = live(node)
    do(node, swap(node.root))
    assert not (node.workdir / "receipts_db").is_symlink()
    assert not (node.workdir / "events.db").is_symlink()
    do(node, unswap(node.root))
    assert live(node) == before


def test_it_refuses_while_the_service_runs(node: LocalNode) -> None:
    prepare(node)
    node.set_active("active")
    before = state(node)
    for call in (swap(node.root), unswap(node.root)):
        (node.run_folder() / "data.names").touch()
        outcome = node.run(call.script, *call.args)
        assert outcome.returncode == 74
        assert b"is running" in outcome.stderr
        (node.run_folder() / "data.names").unlink()
    assert state(node) == before


def test_it_refuses_a_service_that_waits_for_its_next_restart(node: LocalNode) -> None:
    prepare(node)
    (node.state / "active").write_text("activating\n")
    call = swap(node.root)
    assert node.run(call.script, *call.args).returncode == 74


@pytest.mark.parametrize("text", [None, "# held by loomtui run 20260101-120000-ffff: another\n"])
def test_it_refuses_without_the_runs_own_hold(node: LocalNode, text: str | None) -> None:
    prepare(node)
    node.hold.unlink()
    if text:
        node.hold.write_text(text)
    call = swap(node.root)
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 74
    assert b"hold" in outcome.stderr


def test_it_refuses_while_a_process_has_a_database_open(node: LocalNode) -> None:
    prepare(node)
    call = swap(node.root)
    with (node.workdir / "app.db/LOG").open():
        outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 74
    assert b"with its databases open, still run" in outcome.stderr
    do(node, call)


def test_it_waits_for_a_process_that_reads_a_database_for_a_moment(node: LocalNode) -> None:
    prepare(node)
    node.reader_seconds = 60
    reader = subprocess.Popen(["sh", "-c", "exec sleep 1 <app.db/LOG"], cwd=node.workdir)
    node.done("swap", *swap(node.root).args)
    assert reader.wait() == 0
    assert "restored" in (node.workdir / "app.db/LOG").read_text()


def test_it_refuses_when_the_hold_goes_while_it_waits(node: LocalNode) -> None:
    prepare(node)
    node.reader_seconds = 60
    command = f"exec 3<app.db/LOG; sleep 1; rm {node.hold}"
    with subprocess.Popen(["sh", "-c", command], cwd=node.workdir):
        outcome = node.run("swap", *swap(node.root).args)
    assert outcome.returncode == 74
    assert b"the hold of loom.service is gone" in outcome.stderr
    assert "restored" not in (node.workdir / "app.db/LOG").read_text()


@pytest.mark.parametrize("linked", [".", "app.db", "chaindata", "chaindata/data"])
@pytest.mark.parametrize("opened", ["app.db/LOG", "chaindata/data/state.db/LOG"])
def test_it_sees_that_also_through_links(node: LocalNode, linked: str, opened: str) -> None:
    prepare(node)
    place, elsewhere = node.workdir / linked, node.root / "else*where"
    place.rename(elsewhere)
    place.symlink_to(elsewhere)
    with (node.workdir / opened).open():
        assert node.run("swap", *swap(node.root).args).returncode == 74
    node.done("swap", *swap(node.root).args)


def test_its_own_files_are_no_databases_whatever_the_run_is_called(node: LocalNode) -> None:
    """Every 256th run has an ID that ends like the name of a database."""
    run = "20260101-120000-35db"
    prepare(node, run)
    node.add_tool("flock")  # with it a script has a file of its own open
    node.done("swap", *swap(node.root).args, run=run)
    assert "restored" in (node.workdir / "app.db/LOG").read_text()


def test_it_refuses_without_the_runs_lock(node: LocalNode) -> None:
    prepare(node)
    node.lock.write_text(node.lock.read_text().replace(RUN, "20260101-120000-ffff"))
    call = swap(node.root)
    assert node.run(call.script, *call.args).returncode == 73


def test_it_refuses_when_nothing_is_staged(node: LocalNode) -> None:
    prepare(node)
    (node.run_folder() / "data.staged").unlink()
    call = swap(node.root)
    outcome = node.run(call.script, *call.args)
    assert outcome.returncode == 1
    assert b"nothing is staged" in outcome.stderr


def test_something_that_writes_in_between_is_noticed_and_kept(node: LocalNode) -> None:
    """The old state is away, and a database is there again: it is not overwritten."""
    prepare(node)
    node.write_tool("sync", f'case $1 in -f) mkdir -p "{node.workdir}/app.db" ;; esac')
    outcome = node.run("swap", *swap(node.root).args)
    assert outcome.returncode == 1
    assert b"appeared again" in outcome.stderr
    assert not list((node.workdir / "app.db").iterdir())


@pytest.mark.parametrize("note", ["data.names", "data.away", "data.swapped"])
def test_a_note_that_cannot_be_written_stops_the_swap(node: LocalNode, note: str) -> None:
    prepare(node)
    before = live(node)
    (node.run_folder() / f"{note}.new").mkdir()
    outcome = node.run("swap", *swap(node.root).args)
    assert outcome.returncode == 1
    assert b"cannot write" in outcome.stderr
    (node.run_folder() / f"{note}.new").rmdir()
    do(node, unswap(node.root))
    assert live(node) == before


def test_a_note_that_cannot_be_written_stops_the_way_back(node: LocalNode) -> None:
    prepare(node)
    before = live(node)
    do(node, swap(node.root))
    (node.run_folder() / "data.taken.new").mkdir()
    assert node.run("unswap", *unswap(node.root).args).returncode == 1
    (node.run_folder() / "data.taken.new").rmdir()
    do(node, unswap(node.root))
    assert live(node) == before
