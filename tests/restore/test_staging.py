"""How an archive comes into the run's folder: fetched by the node, or relayed, and checked either way."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from loomtui.backups.archive import Reading, read
from loomtui.backups.members import extent_of
from loomtui.backups.model import Compression
from loomtui.errors import (
    LockHeld,
    LoomtuiError,
    NodeUnreachable,
    ObjectChanged,
    ScriptFailed,
    StepFailed,
    StoreUnreachable,
)
from loomtui.fleet.probes.holder import read_holder
from loomtui.restore.events import Amount
from loomtui.restore.plan import Archive
from loomtui.restore.running.lock import take_lock
from loomtui.restore.running.node_run import NodeRun, RunState
from loomtui.restore.running.staging import Stager
from tests.backups.making import pack
from tests.restore.cluster import BACKUP_TIME
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.interrupting import Call, Interruptions
from tests.restore.local import RUN, LocalNode, digest, tree
from tests.restore.local_fleet import Faults, locked_run
from tests.restore.material import ITEMS, archive, tar_of_folder, write_state
from tests.restore.serving import SECRET, Store

KEY = "2026-01-01--000000-n1.tar.gz"


def listed(body: bytes) -> dict[str, int]:
    """What the plan's archive says of how much will be unpacked."""
    reading = Reading()
    read((body,), reading)
    extent = extent_of(reading.members, ITEMS)
    return {"unpacked_bytes": extent.bytes, "file_count": extent.files}


@dataclass
class Desk:
    """A node that is locked by the run, an archive in S3, and a stager between them."""

    machine: LocalNode
    store: Store
    catalogue: FakeCatalogue = field(default_factory=FakeCatalogue)
    faults: Faults = field(default_factory=Faults)
    notes: list[str] = field(default_factory=list)
    progress: list[Amount] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.node_run = locked_run(self.machine, self.faults)
        self.catalogue.url = self.store.url

    def offer(self, body: bytes, compression: Compression = Compression.GZIP, **changes: Any) -> Archive:
        found = self.catalogue.add(KEY, body, "n1", BACKUP_TIME)
        self.store.objects[KEY] = (body, found.etag.strip('"'))
        plain = archive(
            key=KEY,
            etag=found.etag,
            sha256=digest(body),
            size_bytes=len(body),
            compression=compression,
            **listed(body),
        )
        return replace(plain, **changes)

    @property
    def stager(self) -> Stager:
        return Stager(self.node_run, self.catalogue, self.progress.append, self.notes.append)

    async def stage(self, wanted: Archive) -> None:
        await self.stager.stage("data", wanted)

    @property
    def calls(self) -> list[str]:
        return [name for name, _ in self.catalogue.calls]

    @property
    def staged(self) -> bool:
        state = self.machine.run_folder() / "stage/data/app.db/LOG"
        return (self.machine.run_folder() / "data.staged").exists() and "restored" in state.read_text()


@pytest.fixture
def make_desk(tmp_path: Path, store: Store, hasty: None) -> Iterator[Any]:
    made: list[Desk] = []

    def make(*tools: str) -> Desk:
        made.append(Desk(LocalNode(tmp_path / "n1", tools=tools), store))
        return made[-1]

    yield make
    for desk in made:
        desk.machine.end_jobs()


@pytest.fixture
def tar(tmp_path: Path) -> bytes:
    write_state(tmp_path / "packed", 100, "restored")
    return tar_of_folder(tmp_path / "packed", "app.db", "chaindata")


async def test_a_node_that_can_fetches_by_itself(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stage(wanted)
    assert desk.staged
    assert desk.calls == ["presign"]
    assert desk.notes == []
    assert all(seen.done <= seen.total == wanted.unpacked_bytes for seen in desk.progress)
    assert all((seen.files or 0) <= seen.files_total == wanted.file_count for seen in desk.progress)
    assert desk.progress[-1].files == wanted.file_count


async def test_what_is_staged_is_not_fetched_again(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stage(wanted)
    await desk.stage(wanted)
    assert desk.calls == ["presign"]


@pytest.mark.parametrize(
    ("tools", "compression"),
    [
        ((), Compression.GZIP),
        (("curl",), Compression.GZIP),
        (("gzip",), Compression.GZIP),
        ((), Compression.NONE),
    ],
    ids=["no tool at all", "no decompressor", "no curl", "nothing to decompress"],
)
async def test_a_node_that_lacks_a_tool_gets_it_relayed(
    make_desk: Any, tar: bytes, tools: tuple[str, ...], compression: Compression
) -> None:
    desk = make_desk(*tools)
    await desk.stage(desk.offer(pack(tar, compression), compression))
    assert desk.staged
    assert desk.calls == ["decompressed"]
    assert "no tool" in desk.notes[0]
    assert desk.progress[-1].done > 0
    assert desk.progress[-1].files is None  # nobody counts them


async def test_a_plain_tar_needs_no_decompressor(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl")
    await desk.stage(desk.offer(tar, Compression.NONE))
    assert desk.staged
    assert desk.calls == ["presign"]


async def test_a_transfer_that_breaks_goes_on_where_it_broke(
    make_desk: Any, store: Store, tar: bytes
) -> None:
    desk = make_desk("curl", "gzip")
    store.troubles = ["cut"]
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stage(wanted)
    assert desk.staged
    assert desk.calls == ["presign"]
    assert store.sent == wanted.size_bytes


async def test_a_node_that_cannot_reach_s3_gets_it_relayed(make_desk: Any, store: Store, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    store.troubles = [403, 403]
    await desk.stage(desk.offer(pack(tar, Compression.GZIP)))
    assert desk.staged
    assert desk.calls == ["presign", "presign", "decompressed"]
    assert "could not fetch by itself" in desk.notes[0]
    assert "403" in desk.notes[0]


@pytest.mark.parametrize(("tool", "refusal"), [("curl", 412), ("wget", 412), ("curl", 501)])
async def test_a_store_that_refuses_a_right_if_match_is_fetched_from_without_it(
    make_desk: Any, store: Store, tar: bytes, tool: str, refusal: int
) -> None:
    desk = make_desk(tool, "gzip")
    store.knows_if_match, store.refusal = False, refusal
    await desk.stage(desk.offer(pack(tar, Compression.GZIP)))
    assert desk.staged
    assert desk.calls == ["presign", "check", "presign"]
    assert "SHA-256 alone decides" in desk.notes[0]
    left = (path.read_bytes() for path in desk.machine.run_folder().rglob("*") if path.is_file())
    assert not any(SECRET.encode() in body for body in left)


async def test_an_object_that_changed_is_refused_at_once(make_desk: Any, store: Store, tar: bytes) -> None:
    """S3 refuses its ETag, and rightly so."""
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    desk.offer(pack(tar + bytes(512), Compression.GZIP))
    with pytest.raises(ObjectChanged, match="not the archive that the plan was made of"):
        await desk.stage(wanted)
    assert desk.calls == ["presign", "check"]


async def test_without_if_match_sha_256_still_has_to_be_right(
    make_desk: Any, store: Store, tar: bytes
) -> None:
    desk = make_desk("curl", "gzip")
    store.knows_if_match = False
    with pytest.raises(ObjectChanged, match="not the archive that the plan was made of"):
        await desk.stage(desk.offer(pack(tar, Compression.GZIP), sha256="f" * 64))
    assert desk.calls == ["presign", "check", "presign"]


async def test_another_archive_than_the_plans_is_refused_and_not_relayed(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    with pytest.raises(ObjectChanged, match="not the archive that the plan was made of"):
        await desk.stage(desk.offer(pack(tar, Compression.GZIP), sha256="f" * 64))
    assert desk.calls == ["presign"]


@pytest.mark.parametrize("tools", [("curl", "gzip"), ()], ids=["fetched", "relayed"])
async def test_an_archive_that_ends_between_two_files_is_told_with_what_to_do(
    make_desk: Any, tar: bytes, tools: tuple[str, ...]
) -> None:
    """Nobody has read it, so only the node can tell."""
    desk = make_desk(*tools)
    with tarfile.open(fileobj=io.BytesIO(tar)) as whole:
        second = [info for info in whole if info.isfile()][1]
    offered, body = desk.offer(pack(tar, Compression.GZIP)), pack(tar[: second.offset], Compression.GZIP)
    desk.catalogue.objects[KEY] = body
    desk.store.objects[KEY] = (body, offered.etag.strip('"'))
    cut = replace(offered, size_bytes=len(body), sha256="", items=())
    with pytest.raises(LoomtuiError, match="cut off between two files") as caught:
        await desk.stager.fetch("data", cut)
    assert caught.value.node == "n1"
    assert caught.value.safe == "The data on the node is untouched."
    assert "make a plan of another backup" in caught.value.advice
    assert not (desk.machine.run_folder() / "data.staged").exists()


async def test_a_job_that_runs_already_is_found_again(make_desk: Any, store: Store, tar: bytes) -> None:
    """loomtui was killed meanwhile: the job on the node was not."""
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    store.gate.clear()
    killed = RuntimeError("killed")

    def after(node: str, script: str) -> None:
        if script == "fetch":
            raise killed

    desk.faults.after = after
    with pytest.raises(RuntimeError):
        await desk.stage(wanted)
    desk.faults.after = lambda node, script: None
    while "data" not in (await desk.node_run.state()).running:
        pass
    store.gate.set()
    await desk.stage(wanted)
    assert desk.staged
    assert len(store.asked) == 1


@pytest.mark.slow
async def test_a_job_that_vanishes_is_not_waited_for(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    desk.machine.write_tool("setsid", "exit 0")
    await desk.stage(desk.offer(pack(tar, Compression.GZIP)))
    assert "is begun anew" in desk.notes[0]
    assert "the job on the node vanished" in desk.notes[1]
    assert desk.staged


async def test_without_room_nothing_is_fetched(make_desk: Any, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    with pytest.raises(StepFailed, match="not enough room") as caught:
        await desk.stage(desk.offer(pack(tar, Compression.GZIP), unpacked_bytes=10**18))
    assert "loomtui clean" in caught.value.advice
    assert desk.calls == []


async def test_a_relay_that_breaks_can_be_tried_again(make_desk: Any, tar: bytes) -> None:
    desk = make_desk()
    wanted = desk.offer(pack(tar, Compression.GZIP))
    desk.catalogue.trouble = StoreUnreachable("the transfer stands still")
    with pytest.raises(StoreUnreachable):
        await desk.stage(wanted)
    assert not (desk.machine.run_folder() / "data.staged").exists()
    desk.catalogue.trouble = None
    await desk.stage(wanted)
    assert desk.staged


async def test_an_archive_that_is_not_what_it_was_is_refused_on_the_node(make_desk: Any, tar: bytes) -> None:
    desk = make_desk()
    wanted = desk.offer(pack(tar, Compression.GZIP), items=(*ITEMS, replace(ITEMS[0], source="gone.db")))
    with pytest.raises(StepFailed, match=r"gone\.db: Not found in archive"):
        await desk.stage(wanted)


# ── what an earlier run has unpacked ────────────────────────────────────────────────────────────────────────

LATER = "20260101-130000-beef"


def later_run(desk: Desk) -> Desk:
    """The earlier run gave the node back; another one has it now."""
    for name in ("stage", "replaced", "job"):
        (desk.machine.run_folder(LATER) / name).mkdir(parents=True)
    desk.machine.lock.write_text(json.dumps({"run": LATER, "who": "op"}) + "\n")
    desk.node_run = NodeRun(desk.node_run.session, desk.node_run.plan, LATER)
    return desk


async def test_what_an_earlier_run_has_staged_is_taken(make_desk: Any, store: Store, tar: bytes) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stage(wanted)
    asked, before = len(store.asked), tree(desk.machine.run_folder() / "stage/data")
    await later_run(desk).stage(wanted)
    assert len(store.asked) == asked
    later = tree(desk.machine.run_folder(LATER) / "stage/data")
    assert [*later.values()] == [*before.values()]
    assert (desk.machine.run_folder(LATER) / "data.staged").exists()
    assert not (desk.machine.run_folder() / "data.staged").exists()
    assert RUN in desk.notes[-1]


@pytest.mark.parametrize("is_known", [False, True])
async def test_what_an_earlier_run_unpacked_of_an_archive_that_nobody_had_read_is_taken(
    make_desk: Any, store: Store, tar: bytes, is_known: bool
) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    unread = replace(wanted, sha256="", items=())
    await desk.stager.fetch("data", unread)
    later_run(desk)
    if is_known:
        await desk.stage(wanted)
    else:
        await desk.stager.fetch("data", unread)
        assert (desk.machine.run_folder(LATER) / "raw/data/app.db/CURRENT").exists()
    assert len(store.asked) == 1


async def test_what_nobody_had_read_is_not_taken_if_something_else_came(
    make_desk: Any, store: Store, tar: bytes
) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stager.fetch("data", replace(wanted, sha256="", items=()))
    (desk.machine.run_folder() / "job/data/sha256").write_text(f"{'0' * 64}  -\n")
    later_run(desk)
    await desk.stage(wanted)
    assert len(store.asked) == 2


@pytest.mark.parametrize("change", ["another archive", "other items", "it was run with", "its rc is 1"])
async def test_what_is_something_else_is_not_taken(
    make_desk: Any, store: Store, tar: bytes, change: str
) -> None:
    desk = make_desk("curl", "gzip")
    wanted = desk.offer(pack(tar, Compression.GZIP))
    await desk.stage(wanted)
    asked = len(store.asked)
    if change == "another archive":
        wanted = desk.offer(pack(tar + bytes(10240), Compression.GZIP))
    elif change == "other items":
        wanted = replace(wanted, items=ITEMS[:1], file_count=4, unpacked_bytes=0)
    elif change == "it was run with":
        (desk.machine.run_folder() / "undone/data").mkdir(parents=True)
    else:
        (desk.machine.run_folder() / "data.staged").unlink()
        (desk.machine.run_folder() / "job/data/rc").write_text("1\n")
    try:
        await later_run(desk).stage(wanted)
    except ScriptFailed:
        assert change == "other items"  # whose sizes the test does not know
    assert len(store.asked) == asked + 1


def test_reuse_killed_at_every_point_and_repeated(tmp_path: Path) -> None:
    def build(machine: LocalNode) -> None:
        machine.write_unit("[Service]\n")
        machine.take()
        other = machine.run_folder("20260101-110000-aaaa")
        write_state(other / "stage/data", 100, "restored")
        (other / "data.staged").touch()
        (other / "job/data").mkdir(parents=True)
        (other / "job/data/of").write_text("it\n")

    Interruptions(
        tmp_path / "n1", build, Call("reuse", ("data", "staged", "it", "unread", "-"))
    ).check_repeated(at_least=3)


# ── the state of a run on a node, and its lock ──────────────────────────────────────────────────────────────


async def test_an_untouched_node_has_no_state(make_desk: Any) -> None:
    desk = make_desk("curl")
    node_run = NodeRun(desk.node_run.session, desk.node_run.plan, "20260101-120000-ffff")
    state = await node_run.state()
    assert state.was_active is None
    assert not state.held  # by another run
    assert state.marks == state.slots == state.running == frozenset()
    assert state.lock_owner is not None
    assert state.lock_owner.run == RUN
    assert state.tools == {"curl"}
    assert state.work_space is not None
    assert state.work_space.free_bytes > 0
    assert state.stopped


@pytest.mark.parametrize(
    ("was", "expected"),
    [("active", True), ("activating", True), ("reloading", True), ("inactive", False), ("failed", False)],
)
async def test_how_the_service_was_is_known(make_desk: Any, was: str, expected: bool) -> None:
    desk = make_desk()
    (desk.machine.run_folder() / "was").write_text(f"active={was}\nfolder=had\n")
    assert (await desk.node_run.state()).was_active is expected


async def test_digests_are_of_the_files_that_are_asked_for(make_desk: Any) -> None:
    desk = make_desk()
    odd = desk.machine.workdir / "a name with blanks.yml"
    odd.write_text("x")
    state = await desk.node_run.state(str(odd), str(odd) + ".missing")
    assert state.digests == {str(odd): digest(b"x")}


def test_a_state_is_a_stop_only_without_a_process() -> None:
    fields: dict[str, Any] = dict.fromkeys(("marks", "slots", "running", "tools"), frozenset())
    plain: dict[str, Any] = {
        **fields,
        "lock_owner": None,
        "held": True,
        "was_active": None,
        "jobs": {},
        "staged_bytes": {},
        "digests": {},
        "active": "inactive",
        "sub": "dead",
        "main_pid": 0,
        "started": "",
        "need_reload": False,
        "exec_start": "",
    }
    assert RunState(**plain).stopped
    assert RunState(**{**plain, "active": "failed"}).stopped
    assert not RunState(**{**plain, "main_pid": 7}).stopped
    assert not RunState(**{**plain, "active": "activating"}).stopped


@pytest.mark.parametrize(
    ("text", "run"), [("", None), ("{", None), ("[]", None), ('{"run": "a"}', "a"), ("{}", None)]
)
def test_the_owner_of_a_lock_is_read_from_its_text(text: str, run: str | None) -> None:
    holder = read_holder(text)
    assert (holder and holder.run) == run


async def test_a_lock_that_nobody_can_read_is_held_all_the_same(make_desk: Any) -> None:
    desk = make_desk()
    desk.machine.lock.write_text("rubbish\x1b[2J")
    with pytest.raises(Exception, match="another run holds the node") as caught:
        await take_lock(desk.node_run)
    assert "\x1b" not in str(caught.value)
    assert "loomtui runs --on-nodes" in str(caught.value)


async def test_who_holds_a_node_is_told_in_words(make_desk: Any) -> None:
    desk = make_desk()
    since = "2026-01-01T00:00:00+00:00"
    owner = {"run": "20260101-000000-abcd", "who": "a\x1b[2J", "from": "ops1", "since": since}
    desk.machine.lock.write_text(json.dumps(owner))
    with pytest.raises(LockHeld) as caught:
        await take_lock(desk.node_run)
    assert caught.value.what == (
        "another run holds the node: run 20260101-000000-abcd of a@ops1, since 2026-01-01 00:00:00 UTC"
    )
    assert caught.value.advice.endswith("loomtui take-over 20260101-000000-abcd")


async def test_a_node_that_is_lost_is_told(make_desk: Any) -> None:
    desk = make_desk()
    desk.faults.unreachable.add("n1")
    with pytest.raises(NodeUnreachable):
        await desk.node_run.state()
