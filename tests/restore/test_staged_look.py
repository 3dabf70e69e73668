"""What lies unpacked on a node is judged as the archive is that is read here: one judge, two ways to him."""

from __future__ import annotations

import base64
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.archive import Reading, read
from loomtui.backups.contents import assemble
from loomtui.backups.model import Backup, Basis, Contents, MemberType
from loomtui.errors import ArchiveRejected, LoomtuiError, ScriptFailed
from loomtui.fleet.probes import staged
from loomtui.fleet.probes.staged import EntryType, Fingerprint, fingerprint, look_at_staged
from loomtui.fleet.session import Output, Session
from loomtui.inventory.model import Node
from loomtui.restore.running.completion import members_of
from tests.backups.making import app_journal, make_database, make_node, store_journal, tar_of
from tests.loom import leveldb_writer
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.local import RUN, LocalNode
from tests.restore.local_fleet import session_on
from tests.restore.material import backup

NAMES = ("chaindata", "app.db", "evm.db", "receipts_db")
SHA = "ab" * 32


def unpacked(machine: LocalNode) -> Path:
    """The folder in which a run has unpacked an archive of this SHA-256."""
    folder = machine.run_folder() / "raw/data"
    folder.mkdir(parents=True)
    job = machine.run_folder() / "job/data"
    job.mkdir(parents=True)
    (job / "sha256").write_text(f"{SHA}  -\n")
    return folder


async def told(machine: LocalNode, source: Backup) -> Contents:
    seen = await look_at_staged(session_on(machine), str(machine.workdir), RUN, "data")
    judge = FakeCatalogue().staged.judge
    return await judge(source, members_of(seen.entries), seen.files, SHA, "n1")


def read_here(tar: bytes, source: Backup) -> Contents:
    reading = Reading()
    read((tar,), reading)
    return assemble(source, reading, SHA)


@pytest.mark.parametrize("tools", [(), ("gzip",)], ids=["plain", "packed"])
@pytest.mark.parametrize("heights", [(100, 100), (101, 100), (5, 100)])
async def test_both_ways_tell_the_same(
    tmp_path: Path, tools: tuple[str, ...], heights: tuple[int, int]
) -> None:
    machine = LocalNode(tmp_path / "n1", tools=tools)
    home = make_node(tmp_path / "root", app=heights[0], store=heights[1])
    for name in ("node_key.json", "priv_validator.json", "config.toml", "addrbook.json"):
        (home / "chaindata/config" / name).unlink()  # what is not unpacked
    tar = tar_of(home, NAMES)
    (home / "chaindata").rename(unpacked(machine) / "chaindata")
    for name in NAMES[1:]:
        (home / name).rename(machine.run_folder() / "raw/data" / name)
    source = replace(backup("data.tar"), compression=None)
    whole, seen = read_here(tar, source), await told(machine, source)
    assert (seen.app_height, seen.store_height) == heights
    assert {(one.path, one.size) for one in seen.members if one.type is MemberType.FILE} == {
        (one.path, one.size) for one in whole.members if one.type is MemberType.FILE
    }
    assert seen.basis is Basis.STAGED
    assert seen.warnings[:-1] == whole.warnings
    assert plain(seen, source) == plain(whole, source)


def plain(contents: Contents, source: Backup) -> Contents:
    """Without what was compared already, and how it was found out."""
    return replace(contents, members=(), warnings=(), basis=Basis.WHOLE, backup=source)


async def test_of_a_long_journal_the_end_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = LocalNode(tmp_path / "n1")
    folder = unpacked(machine)
    monkeypatch.setattr(staged, "_JOURNAL_BYTES", 64 * 1024)
    blocks = [
        leveldb_writer.write_batch(height, [(b"r" + height.to_bytes(8, "big"), bytes(50))])
        for height in range(1, 6000)
    ]
    make_database(folder / "app.db", leveldb_writer.journal(blocks))
    make_database(folder / "chaindata/data/blockstore.db", store_journal(5999))
    assert (folder / "app.db/000001.log").stat().st_size > 128 * 1024
    assert (await told(machine, backup("data.tar"))).app_height == 5999


async def test_a_file_with_several_names_is_a_hard_link(tmp_path: Path) -> None:
    machine = LocalNode(tmp_path / "n1")
    folder = unpacked(machine)
    make_database(folder / "app.db")
    os.link(folder / "app.db/LOCK", folder / "app.db/LOCK2")
    seen = await look_at_staged(session_on(machine), str(machine.workdir), RUN, "data")
    members = {member.path: member for member in members_of(seen.entries)}
    assert members["app.db/LOCK2"].type is MemberType.HARDLINK
    assert members["app.db/LOCK2"].link == "app.db/LOCK"


async def test_a_torn_database_is_refused_in_the_words_of_a_whole_read(tmp_path: Path) -> None:
    machine = LocalNode(tmp_path / "n1")
    folder = unpacked(machine)
    make_database(folder / "app.db")
    make_database(folder / "chaindata/data/blockstore.db")
    (folder / "app.db/CURRENT").write_text("MANIFEST-000009\n")
    tar = tar_of(folder, ("app.db", "chaindata"))
    with pytest.raises(ArchiveRejected) as here:
        read_here(tar, backup("data.tar"))
    with pytest.raises(ArchiveRejected) as there:
        await told(machine, backup("data.tar"))
    assert there.value.reason == here.value.reason


async def test_two_nodes_tell_by_a_digest_that_they_hold_the_same(tmp_path: Path) -> None:
    found: list[Fingerprint] = []
    for name in ("n1", "n2"):
        machine = LocalNode(tmp_path / name)
        make_database(unpacked(machine) / "app.db", app_journal(7))
        found.append(await fingerprint(session_on(machine), str(machine.workdir), RUN, "data"))
    assert found[0] == found[1]
    assert found[0].sha256 == SHA
    (machine.run_folder() / "raw/data/app.db/LOCK").write_text("x")
    assert await fingerprint(session_on(machine), str(machine.workdir), RUN, "data") != found[0]


async def test_nothing_unpacked_is_told(tmp_path: Path) -> None:
    machine = LocalNode(tmp_path / "n1")
    with pytest.raises(ScriptFailed, match="nothing of data is unpacked"):
        await fingerprint(session_on(machine), str(machine.workdir), RUN, "data")


class Saying(Session):
    """A node that prints this, whatever it is asked."""

    def __init__(self, said: bytes) -> None:
        self.node = Node(name="n1", host="h")
        self._said = said

    async def inspect(self, *args: Any, **settings: Any) -> Output:
        return Output(0, self._said, b"")


_lines = st.lists(
    st.tuples(st.sampled_from(["listing", "listing.gz", "current", "journal.gz", "sha256"]), st.binary()),
    max_size=5,
).map(lambda facts: b"".join(name.encode() + b" " + base64.b64encode(value) + b"\n" for name, value in facts))


@given(_lines | st.binary())
async def test_whatever_a_node_says_breaks_nothing(said: bytes) -> None:
    session = Saying(said)
    calls: tuple[Callable[..., Any], ...] = (fingerprint, look_at_staged)
    for look in calls:
        try:
            found = await look(session, "/w", RUN, "data")
        except LoomtuiError:
            continue
        if not isinstance(found, Fingerprint):
            assert all(isinstance(entry.type, EntryType) for entry in found.entries)


async def test_what_is_packed_beyond_reason_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staged, "_MOST", 1000)
    packer = zlib.compressobj(wbits=31)
    bomb = packer.compress(bytes(100_000)) + packer.flush()
    said = b"listing.gz " + base64.b64encode(bomb) + b"\n"
    with pytest.raises(ScriptFailed, match="cannot be read"):
        await look_at_staged(Saying(said), "/w", RUN, "data")
