"""Prepared backups on their way to a node: by the parts of their twin, and every file compared."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from loomtui.backups.archive import Reading, read
from loomtui.backups.members import extent_of
from loomtui.backups.model import Compression
from loomtui.backups.prepared import parts as parts_module
from loomtui.backups.prepared import twins as twins_module
from loomtui.backups.prepared.finding import Prepared
from loomtui.backups.prepared.manifest import Manifest
from loomtui.errors import LoomtuiError, ObjectChanged, ScriptFailed, StepFailed
from loomtui.fleet.probes.live_files import read_live_files
from loomtui.restore.plan import Archive
from loomtui.restore.planning.space import LEFT_OVER, uses_of
from loomtui.restore.running.pieces import pieces_of, wanted_files
from loomtui.restore.running.staging import Stager
from tests.backups.making import pack
from tests.restore.cluster import BACKUP_TIME
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.local import GROUP, USER, LocalNode, digest, tree
from tests.restore.local_fleet import Faults, locked_run
from tests.restore.material import ITEMS, archive, tar_of_folder, write_state
from tests.restore.serving import SECRET, Cut, Store
from tests.restore.twins import Shelf, pinned, prepare

KEY = "2026-01-01--000000-n1.tar.gz"
TABLE = 60_000


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several tables a part, and a frame for each."""
    monkeypatch.setattr(twins_module, "PART_BYTES", 3 * TABLE)
    monkeypatch.setattr(parts_module, "FRAME_BYTES", TABLE)


@dataclass
class Desk:
    """A node, an archive of ten tables with its twin, and a stager between them."""

    machine: LocalNode
    store: Store
    spool: Path
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    faults: Faults = field(default_factory=Faults)
    notes: list[str] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)

    def __post_init__(self) -> None:
        self.node_run = locked_run(self.machine, self.faults)
        self.catalogue.url = self.store.url

    def offer(self, tar: bytes, *, twin: bool = True, earlier: Sequence[Manifest] = ()) -> Archive:
        body = pack(tar, Compression.GZIP)
        found = self.catalogue.add(KEY, body, "n1", BACKUP_TIME)
        self.store.objects[KEY] = (body, found.etag.strip('"'))
        prepared = prepare(found, body, self.spool, self.shelf, earlier)
        for key, part in self.shelf.parts.items():
            self.store.objects[key] = (part, "")
        reading = Reading()
        read((body,), reading)
        extent = extent_of(reading.members, ITEMS)
        return self.pin(
            replace(
                archive(
                    key=KEY,
                    etag=found.etag,
                    sha256=digest(body),
                    size_bytes=len(body),
                    compression=Compression.GZIP,
                ),
                unpacked_bytes=extent.bytes,
                file_count=extent.files,
                has_twin=twin,
            ),
            prepared,
        )

    def pin(self, wanted: Archive, prepared: Prepared) -> Archive:
        self.catalogue.prepared.by_key[KEY] = prepared
        return replace(wanted, manifest=prepared.ref)

    def manifest(self) -> Manifest:
        found = self.catalogue.prepared.by_key[KEY]
        assert isinstance(found, Prepared)
        return found.manifest

    async def stage(self, wanted: Archive, *, delta: bool = False) -> None:
        stager = Stager(self.node_run, self.catalogue, lambda amount: None, self.notes.append, delta=delta)
        await stager.stage("data", wanted)

    @property
    def is_staged(self) -> bool:
        return (self.machine.run_folder() / "data.staged").exists()

    @property
    def asked_parts(self) -> list[str]:
        return [path for path in self.store.asked if ".loomtui/parts" in path]


@pytest.fixture
def make_desk(tmp_path: Path, store: Store, hasty: None) -> Iterator[Callable[..., Desk]]:
    made: list[Desk] = []

    def make(*tools: str) -> Desk:
        machine = LocalNode(tmp_path / "n1", tools=tools or ("curl", "gzip", "zstd"))
        made.append(Desk(machine, store, tmp_path))
        return made[-1]

    yield make
    for desk in made:
        desk.machine.end_jobs()


def write_tables(folder: Path, seeds: Sequence[int]) -> None:
    """Tables do not get smaller by compression."""
    for number, seed in enumerate(seeds, 2):
        (folder / f"app.db/{number:06}.ldb").write_bytes(random.Random(seed).randbytes(TABLE))


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    folder = tmp_path / "packed"
    write_state(folder, 100, "restored", "evm.db")
    write_tables(folder, range(10))
    (folder / "app.db/empty").mkdir()
    (folder / "chaindata/config").mkdir()
    (folder / "chaindata/config/node_key.json").write_text("the backup node's own")
    return folder


def tar_of(packed: Path) -> bytes:
    return tar_of_folder(packed, "app.db", "chaindata", "evm.db")


def staged(desk: Desk) -> dict[str, tuple[object, ...]]:
    """Every file and folder, without owners and modes, by its path."""
    root = desk.machine.run_folder() / "stage/data"
    return {path.removeprefix(str(root)): what[3:4] for path, what in tree(root, times=False).items()}


def expected(packed: Path) -> dict[str, tuple[object, ...]]:
    found = tree(packed / "app.db", packed / "chaindata/data", packed / "chaindata", packed, times=False)
    return {
        path.removeprefix(str(packed)): what[3:4]
        for path, what in found.items()
        if "/config" not in path and "/evm.db" not in path
    }


async def test_the_parts_of_a_twin_make_the_same_files(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    await desk.stage(wanted)
    assert desk.is_staged
    assert staged(desk) == expected(packed)
    assert len(desk.asked_parts) == len(desk.store.asked) >= 4
    assert desk.store.sent < 1.05 * twin_bytes(desk)
    assert desk.notes == []
    secrets = (path for path in desk.machine.run_folder().rglob("*") if path.is_file())
    assert not any(SECRET.encode() in path.read_bytes() for path in secrets)


@pytest.mark.parametrize("way", ["parts", "archive", "delta"])
async def test_sums_by_openssl_are_the_same(make_desk: Any, packed: Path, way: str) -> None:
    tools = ("curl", "gzip", "openssl", *([] if way == "archive" else ["zstd"]))
    desk = make_desk(*tools)
    wanted = desk.offer(tar_of(packed))
    if way == "delta":
        write_live(desk, packed)
    await desk.stage(wanted, delta=way == "delta")
    assert staged(desk) == expected(packed)
    desk.machine.run_folder().rename(desk.machine.root / "done")
    desk.machine.hold.parent.joinpath(desk.machine.hold.name).unlink()
    desk.machine.hold.parent.rmdir()
    desk.machine.take()
    lying = desk.pin(wanted, lie_about(desk.manifest(), "app.db/000005.ldb", sha256="0" * 64))
    with pytest.raises((StepFailed, ScriptFailed), match=r"app\.db/000005\.ldb: FAILED"):
        await desk.stage(lying, delta=way == "delta")


async def test_what_openssl_finds_different_is_not_summed_once_more(make_desk: Any, packed: Path) -> None:
    """sha256sum takes many times as long, and with --delta some files of every database differ."""
    desk = make_desk("curl", "gzip", "openssl", "zstd")
    wanted = desk.offer(tar_of(packed))
    write_live(desk, packed)
    summed = desk.machine.root / "summed"
    desk.machine.write_tool("sha256sum", f'tee -a {summed} | {shutil.which("sha256sum")} "$@"')
    await desk.stage(wanted, delta=True)
    assert staged(desk) == expected(packed)
    assert not summed.exists()


async def test_without_zstd_the_archive_itself_is_fetched_and_compared(make_desk: Any, packed: Path) -> None:
    desk = make_desk("curl", "gzip")
    await desk.stage(desk.offer(tar_of(packed)))
    assert staged(desk) == expected(packed)
    assert desk.asked_parts == []


async def test_only_what_the_backup_needs_is_asked_for(make_desk: Any, packed: Path) -> None:
    """The next night: some tables went, some came. What is left of an old part is fetched by its frames."""
    desk = make_desk()
    desk.offer(tar_of(packed))
    first = desk.manifest()
    for number in (3, 7):
        (packed / f"app.db/{number:06}.ldb").unlink()
    (packed / "app.db/000099.ldb").write_bytes(os.urandom(TABLE))
    wanted = desk.offer(tar_of(packed), earlier=[first])
    assert any(
        not piece.is_whole for piece in pieces_of(desk.manifest(), wanted_files(desk.manifest(), ITEMS))
    )
    await desk.stage(wanted)
    assert staged(desk) == expected(packed)
    assert desk.store.sent < 10.5 * TABLE


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["curl", "wget"])
async def test_cuts_cost_no_byte(make_desk: Any, packed: Path, tool: str) -> None:
    desk = make_desk(tool, "gzip", "zstd")
    wanted = desk.offer(tar_of(packed))
    desk.store.troubles = [Cut(place) for place in random.Random(5).sample(range(1, 2 * TABLE), 20)]
    await desk.stage(wanted)
    assert staged(desk) == expected(packed)
    assert desk.store.sent < 1.05 * twin_bytes(desk)


def lie_about(manifest: Manifest, path: str, /, **changes: Any) -> Prepared:
    files = tuple(replace(file, **changes) if file.path == path else file for file in manifest.files)
    return pinned(replace(manifest, files=files))


@pytest.mark.parametrize("way", ["parts", "archive", "relay"])
async def test_a_manifest_that_lies_about_a_file_is_found_out(make_desk: Any, packed: Path, way: str) -> None:
    tools = {"parts": ("curl", "gzip", "zstd"), "archive": ("curl", "gzip"), "relay": ("zstd",)}[way]
    desk = make_desk(*tools)
    wanted = desk.offer(tar_of(packed))
    wanted = desk.pin(wanted, lie_about(desk.manifest(), "app.db/000004.ldb", sha256="0" * 64))
    with pytest.raises((StepFailed, ScriptFailed), match=r"manifest says: app\.db/000004\.ldb: FAILED"):
        await desk.stage(wanted)
    assert not desk.is_staged


async def test_a_manifest_that_names_a_file_that_is_not_there_is_found_out(
    make_desk: Any, packed: Path
) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    wanted = desk.pin(wanted, lie_about(desk.manifest(), "app.db/000004.ldb", path="app.db/000044.ldb"))
    with pytest.raises(StepFailed, match=r"app\.db/000044\.ldb"):
        await desk.stage(wanted)


async def test_another_manifest_than_the_plans_is_refused(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    desk.pin(wanted, lie_about(desk.manifest(), "app.db/000004.ldb", sha256="0" * 64))
    with pytest.raises(ObjectChanged):
        await desk.stage(wanted)
    assert desk.store.asked == []


async def test_a_part_that_is_gone_is_no_reason_to_stop(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    manifest = desk.manifest()
    del desk.store.objects[pieces_of(manifest, wanted_files(manifest, ITEMS))[1].part.key]
    await desk.stage(wanted)
    assert staged(desk) == expected(packed)
    assert "the archive itself is taken" in desk.notes[0]


@pytest.mark.slow
async def test_after_a_reboot_only_the_parts_that_were_not_there_are_fetched(
    make_desk: Any, packed: Path
) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    desk.store.troubles = [None, None, *[403] * 20]  # two parts come, then nothing does
    with pytest.raises(LoomtuiError):
        await stage_without_relay(desk, wanted)
    assert (desk.machine.run_folder() / "raw/data/app.db").exists()
    for name in ("rc", "message", "http"):  # as if the node had been cut off power: no word of how it ended
        (desk.machine.run_folder() / "job/data" / name).unlink(missing_ok=True)
    desk.store.troubles.clear()
    desk.store.sent, before = 0, desk.store.sent
    assert before > 0
    await desk.stage(wanted)
    assert staged(desk) == expected(packed)
    assert desk.store.sent + before < 1.05 * twin_bytes(desk)


def twin_bytes(desk: Desk) -> int:
    return sum(map(len, desk.shelf.parts.values()))


async def stage_without_relay(desk: Desk, wanted: Archive, *, delta: bool = False) -> None:
    def before(node: str, script: str) -> None:
        if script in {"fetch", "relay"}:
            raise LoomtuiError("cut")

    desk.faults.before = before
    try:
        await desk.stage(wanted, delta=delta)
    finally:
        desk.faults.before = lambda node, script: None


@pytest.mark.parametrize("name", ["zstd", "tar"])
async def test_a_part_whose_unpacking_is_killed_begins_anew_alone(
    make_desk: Any, packed: Path, name: str
) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    flag = desk.machine.root / "killed"
    program = (desk.machine.bin / name).readlink()
    guard = '[ "$1" != --version ] && [ "$1" != --no-overwrite-dir ] &&'
    desk.machine.write_tool(name, f'{guard} mkdir "{flag}" 2>/dev/null && kill -9 $$; exec {program} "$@"')
    await desk.stage(wanted)
    assert flag.exists()
    assert staged(desk) == expected(packed)
    assert desk.store.sent < twin_bytes(desk) + 5 * TABLE


# ── delta ───────────────────────────────────────────────────────────────────────────────────────────────────


def write_live(desk: Desk, packed: Path) -> Path:
    """The node's own databases: most tables are those of the backup, some are not."""
    work = desk.machine.workdir
    write_state(work, 130, "live")
    for table in sorted((packed / "app.db").glob("*.ldb")):
        (work / "app.db" / table.name).write_bytes(table.read_bytes())
    (work / "app.db/000004.ldb").write_bytes(os.urandom(TABLE))  # another one of the same size
    (work / "app.db/000005.ldb").unlink()
    (work / "app.db/000006.ldb").write_bytes(b"cut")
    for path in work.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    (work / "app.db/000007.ldb").chmod(0o600)
    return work


def live_tree(work: Path) -> dict[str, tuple[object, ...]]:
    return tree(work / "app.db", work / "chaindata")


async def test_delta_fetches_only_what_the_node_does_not_have(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    work = write_live(desk, packed)
    before = live_tree(work)
    await desk.stage(wanted, delta=True)
    assert staged(desk) == expected(packed)
    assert live_tree(work) == before
    assert desk.store.sent < 3.5 * TABLE
    in_stage = desk.machine.run_folder() / "stage/data/app.db"
    assert (in_stage / "000002.ldb").samefile(work / "app.db/000002.ldb")  # no byte was copied
    assert not (in_stage / "000007.ldb").samefile(work / "app.db/000007.ldb")  # its mode has to change
    assert not (in_stage / "CURRENT").samefile(work / "app.db/CURRENT")  # the service writes there
    assert any("are taken over" in note for note in desk.notes)


async def test_undo_after_a_delta_is_byte_for_byte(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    work = write_live(desk, packed)
    before = live_tree(work)
    await desk.stage(wanted, delta=True)
    names = ("app.db", "chaindata/data")
    desk.machine.done("swap", *desk.machine.held(), USER, GROUP, *names)
    for table in (work / "app.db").glob("*.ldb"):  # as the restored node does when it compacts
        table.unlink()
    (work / "app.db/000001.log").write_bytes(b"written since")
    desk.machine.done("unswap", *desk.machine.held(), *names)
    assert live_tree(work) == before


@pytest.mark.slow
async def test_delta_goes_on_after_an_interruption_with_what_it_took(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    work = write_live(desk, packed)
    desk.store.troubles = [403] * 20
    with pytest.raises(LoomtuiError):
        await stage_without_relay(desk, wanted, delta=True)
    (desk.machine.run_folder() / "job/data/rc").unlink()
    desk.store.troubles.clear()
    (work / "app.db/000002.ldb").unlink()  # the service runs, and compacts
    await desk.stage(wanted, delta=True)
    assert staged(desk) == expected(packed)
    assert desk.store.sent < 3.5 * TABLE


async def test_delta_with_nothing_to_take_is_a_whole_fetch(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    await desk.stage(desk.offer(tar_of(packed)), delta=True)
    assert staged(desk) == expected(packed)


async def test_delta_with_everything_there_asks_for_nothing_of_it(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    for name in ("app.db", "chaindata/data"):
        shutil.copytree(packed / name, desk.machine.workdir / name)
    await desk.stage(wanted, delta=True)
    assert staged(desk) == expected(packed)
    assert desk.store.asked == []


@hypothesis.given(strategies.binary(max_size=200))
def test_any_listing_of_live_files_is_read_or_passed_over(listing: bytes) -> None:
    for path, file in read_live_files(listing).items():
        assert path
        assert file.size_bytes >= 0


def test_live_files_with_odd_names_are_read() -> None:
    listing = (
        b"5 644 ubuntu ubuntu app.db/a b\n\tc\x006 600 1000 1000 app.db/000001.ldb\x007 644 u g \xff\0rest"
    )
    assert list(read_live_files(listing)) == ["app.db/a b\n\tc", "app.db/000001.ldb"]


def limit_disk(desk: Desk, wanted: Archive, short: int) -> None:
    """So much less is free than the archive needs."""
    *uses, _ = uses_of({"data": wanted}, str(desk.machine.workdir), str(desk.machine.unit), {})
    free = sum(use.bytes for use in uses) + LEFT_OVER - short
    real = (desk.machine.bin / "stat").readlink()
    told = f'case "$*" in "-f -c %S,%a,%c,%d "*) echo "1,{free},0,0" ;; *) exec {real} "$@" ;; esac'
    desk.machine.write_tool("stat", told)


async def test_what_is_taken_over_needs_no_room(make_desk: Any, packed: Path) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    write_live(desk, packed)
    limit_disk(desk, wanted, 5 * TABLE)
    with pytest.raises(StepFailed, match="not enough room"):
        await desk.stage(wanted, delta=True)
    claimed = 7 * TABLE
    desk.node_run.plan = replace(desk.node_run.plan, taken_over_bytes=claimed)
    await desk.stage(wanted, delta=True)
    assert staged(desk) == expected(packed)


async def test_what_is_less_than_it_seemed_is_seen_before_anything_is_fetched(
    make_desk: Any, packed: Path
) -> None:
    desk = make_desk()
    wanted = desk.offer(tar_of(packed))
    work = write_live(desk, packed)
    for number in (2, 3, 8):
        (work / f"app.db/{number:06}.ldb").write_bytes(os.urandom(TABLE))  # of the same size
    before = live_tree(work)
    desk.node_run.plan = replace(desk.node_run.plan, taken_over_bytes=7 * TABLE)
    limit_disk(desk, wanted, 7 * TABLE)
    with pytest.raises(StepFailed, match="not enough room"):
        await desk.stage(wanted, delta=True)
    assert desk.store.asked == []
    assert live_tree(work) == before
