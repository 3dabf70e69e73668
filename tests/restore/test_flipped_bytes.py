"""One flipped byte, anywhere in an archive, a part or a manifest: it is refused before the swap, by name."""

from __future__ import annotations

import bz2
import io
import random
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from loomtui.backups.model import Compression
from loomtui.backups.prepared import document
from loomtui.backups.prepared import parts as parts_module
from loomtui.backups.prepared import twins as twins_module
from loomtui.backups.prepared.checking import ManifestInvalid
from loomtui.backups.prepared.finding import Prepared
from loomtui.errors import LoomtuiError, StepFailed
from loomtui.restore.record.run_store import Run
from loomtui.restore.running.pieces import pieces_of, wanted_files
from tests.backups.making import pack
from tests.restore.cluster import LocalCluster, stopped_at
from tests.restore.fetching import KEY, MEMBERS, job_file, offer, outcome, raw, start
from tests.restore.local import LocalNode, digest, digests
from tests.restore.material import ITEMS, write_database, write_state
from tests.restore.serving import Store
from tests.restore.test_twin_fetching import Desk, expected, staged, tar_of
from tests.restore.twins import Shelf, prepare

PLACES = 20
TOOLS = {Compression.BZIP2: "bzip2", Compression.GZIP: "gzip", Compression.ZSTD: "zstd"}


def flips(body: bytes, seed: str) -> Iterator[bytes]:
    """The same bytes with one bit flipped, at so many places of their whole length."""
    chance = random.Random(seed)
    for place in sorted(chance.sample(range(len(body)), PLACES)):
        flipped = bytearray(body)
        flipped[place] ^= 1 << chance.randrange(8)
        yield bytes(flipped)


# ── archives ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def small_tar(tmp_path: Path) -> bytes:
    """So small that a flipped bit in its headers is likely."""
    folder = tmp_path / "packed"
    write_database(folder / "app.db", random.Random(1).randbytes(300), "restored")
    write_database(folder / "chaindata/data/state.db", b"", "restored")
    (folder / "evm.db").mkdir()
    return tar_of(folder)


def node_with(root: Path, compression: Compression) -> LocalNode:
    node = LocalNode(root, tools=("curl", TOOLS[compression]))
    node.write_unit("[Service]\n")
    node.take()
    return node


def job_ended_with(node: LocalNode, store: Store, body: bytes, sha: str, *members: str, **how: Any) -> int:
    """The status of a job that fetches this body, where the archive ought to have that SHA-256."""
    offer(store, body)
    start(node, store, sha, *members, **how)
    status, message = outcome(node)
    assert message
    assert len(store.objects[KEY][0]) == len(body)
    return status


@pytest.mark.slow
@pytest.mark.parametrize("compression", TOOLS)
def test_no_flipped_byte_of_an_archive_passes(
    tmp_path: Path, store: Store, small_tar: bytes, compression: Compression
) -> None:
    """2: another SHA-256; 4, 6: it cannot be decompressed or unpacked."""
    node = node_with(tmp_path / "n1", compression)
    body = pack(small_tar, compression)
    for flipped in flips(body, compression.value):
        status = job_ended_with(node, store, flipped, digest(body), compression=compression)
        assert status in {2, 4, 6}
    assert job_ended_with(node, store, body, digest(body), compression=compression) == 0


@pytest.mark.slow
@pytest.mark.parametrize("compression", TOOLS)
def test_of_an_archive_that_nobody_has_read_a_flipped_byte_changes_nothing_or_is_refused(
    tmp_path: Path, store: Store, small_tar: bytes, compression: Compression
) -> None:
    """Only checksums of the compression tell there; its headers hold a byte or two that mean nothing."""
    node = node_with(tmp_path / "n1", compression)
    body = pack(small_tar, compression)
    assert job_ended_with(node, store, body, "-", *MEMBERS, compression=compression) == 0
    whole = digests(raw(node))
    passed = 0
    for flipped in flips(body, compression.value):
        if job_ended_with(node, store, flipped, "-", *MEMBERS, compression=compression) == 0:
            assert digests(raw(node)) == whole
            assert job_file(node, "sha256").read_text().split()[0] == digest(flipped)
            passed += 1
    assert passed < PLACES // 4


def test_a_flipped_byte_where_the_second_of_two_streams_begins_is_refused(
    tmp_path: Path, store: Store, small_tar: bytes
) -> None:
    """The programs take what follows for garbage and end well; the first stream ends between two files."""
    node = node_with(tmp_path / "n1", Compression.BZIP2)
    with tarfile.open(fileobj=io.BytesIO(small_tar)) as archive:
        cut = [info for info in archive if info.isfile()][1].offset
    first, second = bz2.compress(small_tar[:cut]), bytearray(bz2.compress(small_tar[cut:]))
    second[2] ^= 2  # of BZh
    body = first + bytes(second)
    assert job_ended_with(node, store, body, "-", "app.db", compression=Compression.BZIP2) == 6


# ── parts and manifests ─────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    """Databases of which a twin has several parts, and no more than that."""
    folder = tmp_path / "packed"
    write_state(folder, 100, "restored", "evm.db")
    for number in range(2, 6):
        (folder / f"app.db/{number:06}.ldb").write_bytes(random.Random(number).randbytes(3000))
    (folder / "chaindata/config").mkdir()
    return folder


@pytest.fixture
def desk(tmp_path: Path, store: Store, hasty: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(twins_module, "PART_BYTES", 6000)
    monkeypatch.setattr(parts_module, "FRAME_BYTES", 3000)
    # Without a checksum of Zstandard's own only SHA-256 tells.
    compressor = zstandard.ZstdCompressor
    monkeypatch.setattr(zstandard, "ZstdCompressor", lambda level, write_checksum: compressor(level=level))
    made = Desk(LocalNode(tmp_path / "n1", tools=("curl", "gzip", "zstd")), store, tmp_path)
    yield made
    made.machine.end_jobs()


def begin_anew(desk: Desk) -> None:
    """Nothing of what was fetched before is there."""
    for name in ("raw", "job", "stage"):
        folder = desk.machine.run_folder() / name
        if folder.exists():
            folder.rename(desk.machine.root / f"{name}.{len(list(desk.machine.root.iterdir()))}")
    (desk.machine.run_folder() / "job").mkdir()
    (desk.machine.run_folder() / "data.staged").unlink(missing_ok=True)


@pytest.mark.slow
async def test_no_flipped_byte_of_a_part_passes(desk: Desk, packed: Path) -> None:
    wanted = desk.offer(tar_of(packed))
    manifest = desk.manifest()
    key = max(pieces_of(manifest, wanted_files(manifest, ITEMS)), key=lambda piece: piece.length).part.key
    body = desk.store.objects[key][0]
    for flipped in flips(body, "part"):
        desk.store.objects[key] = (flipped, "")
        begin_anew(desk)
        with pytest.raises(StepFailed) as caught:
            await desk.stage(wanted)
        assert key.rpartition("/")[2] in caught.value.what
        assert not desk.is_staged
    desk.store.objects[key] = (body, "")
    begin_anew(desk)
    await desk.stage(wanted)
    assert staged(desk) == expected(packed)


@pytest.mark.slow
async def test_no_flipped_byte_of_a_manifest_changes_what_is_staged(desk: Desk, packed: Path) -> None:
    """It is none any more, or a node finds out; or it decides nothing (test_manifest_truth.py)."""
    wanted = desk.offer(tar_of(packed))
    true = desk.manifest()
    refused = 0
    for flipped in flips(document.dump(true), "manifest"):
        try:
            lying = document.read(flipped)
        except ManifestInvalid:
            refused += 1
            continue
        ref = document.reference(lying, "manifest", '"m"', flipped)
        begin_anew(desk)
        try:
            await desk.stage(desk.pin(wanted, Prepared(ref, lying)))
        except LoomtuiError:
            refused += 1
            assert not desk.is_staged
        else:
            assert staged(desk) == expected(packed)
    assert refused > PLACES // 2


# ── whole restores ──────────────────────────────────────────────────────────────────────────────────────────


def serve(cluster: LocalCluster, store: Store, spool: Path) -> str:
    """All backups, the data with its twin. The key of the data."""
    catalogue, shelf = cluster.catalogue, Shelf()
    catalogue.offer_by(store)
    (data,) = (key for key in catalogue.objects if "data" in key)
    catalogue.prepared.by_key[data] = prepare(catalogue.backups[data], catalogue.objects[data], spool, shelf)
    store.objects |= {key: (part, "") for key, part in shelf.parts.items()}
    cluster.chain_by_curl(store)
    return data


def flipped(body: bytes, at: int) -> bytes:
    return body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


async def refused(cluster: LocalCluster, run: Run) -> str:
    """What is said, before anything is stopped."""
    before, fleet = cluster.live(), cluster.fleet(quick=False)
    error = await stopped_at(cluster, run, fleet)
    assert not {"hold", "stop", "swap"} & {ran.name for ran in fleet.ran}
    assert cluster.live() == before
    return error.what


@pytest.mark.slow
@pytest.mark.parametrize("at", [5, 300, -2], ids=["header", "middle", "checksum"])
async def test_a_restore_of_an_archive_with_a_flipped_byte_names_it(
    make_cluster: Callable[..., LocalCluster], store: Store, tmp_path: Path, at: int
) -> None:
    cluster = make_cluster(tools=("curl", "gzip"))
    key = serve(cluster, store, tmp_path)
    cluster.catalogue.prepared.by_key.clear()
    run = await cluster.run()
    body, etag = store.objects[key]
    body = flipped(body, at % len(body))
    store.objects[key], cluster.catalogue.objects[key] = (body, etag), body
    assert key in await refused(cluster, run)


@pytest.mark.slow
async def test_a_restore_from_a_part_with_a_flipped_byte_names_it(
    make_cluster: Callable[..., LocalCluster], store: Store, tmp_path: Path
) -> None:
    cluster = make_cluster(tools=("curl", "gzip", "zstd"))
    serve(cluster, store, tmp_path)
    (part,) = (key for key in store.objects if "/parts/" in key)
    run = await cluster.run()
    store.objects[part] = (flipped(store.objects[part][0], 200), "")
    assert part.rpartition("/")[2] in await refused(cluster, run)


async def test_a_restore_with_a_manifest_with_a_flipped_byte_names_it(
    make_cluster: Callable[..., LocalCluster], store: Store, tmp_path: Path
) -> None:
    """It was changed after the plan, which pins it."""
    cluster = make_cluster(tools=("curl", "gzip", "zstd"))
    key = serve(cluster, store, tmp_path)
    run = await cluster.run()
    found = cluster.catalogue.prepared.by_key[key]
    assert isinstance(found, Prepared)
    data = document.dump(found.manifest)
    other = document.read(data.replace(b'"cron@depot"', b'"crom@depot"'))
    ref = document.reference(other, found.ref.key, found.ref.etag, data)
    cluster.catalogue.prepared.by_key[key] = Prepared(replace(ref, sha256="0" * 64), other)
    assert found.ref.key in await refused(cluster, run)
