"""One download for all nodes that cannot fetch by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from loomtui.backups.model import Compression
from loomtui.errors import StoreUnreachable
from loomtui.restore.running.supply import Member, Supply, supply_of
from tests.backups.making import pack
from tests.restore.cluster import BACKUP_TIME
from tests.restore.fake_catalogue import FakeCatalogue
from tests.restore.local import digest
from tests.restore.material import archive, tar_of

KEY = "2026-01-01--000000-n1.tar.gz"
TAR = tar_of(("app.db/000001.log", "x" * 100_000))


@pytest.fixture
def catalogue() -> FakeCatalogue:
    made = FakeCatalogue()
    made.add(KEY, pack(TAR, Compression.GZIP), "n1", BACKUP_TIME)
    return made


def wanted(catalogue: FakeCatalogue) -> Any:
    body = catalogue.objects[KEY]
    return archive(key=KEY, etag=catalogue.backups[KEY].etag, sha256=digest(body), size_bytes=len(body))


async def taken(member: Member) -> bytes:
    return b"".join([chunk async for chunk in member.chunks()])


async def test_all_nodes_get_the_same_download(catalogue: FakeCatalogue) -> None:
    download = Supply(catalogue).download(wanted(catalogue))
    for node in ("n1", "n2", "n3", "n4"):
        download.expect(node)
    first = download.join("n1")
    reading = asyncio.create_task(taken(first))
    await asyncio.sleep(0)
    assert not download.has_begun  # others may come
    download.decide("n4")  # it fetches by itself
    second, third = download.join("n2"), download.join("n3")
    assert set(await asyncio.gather(reading, taken(second), taken(third))) == {TAR}
    assert [name for name, _ in catalogue.calls] == ["decompressed"]


async def test_a_node_that_fails_does_not_stop_the_others(catalogue: FakeCatalogue) -> None:
    download = Supply(catalogue).download(wanted(catalogue))
    download.expect("n2")
    first, second = download.join("n1"), download.join("n2")
    chunks: AsyncIterator[bytes] = first.chunks()
    await anext(chunks)
    first.leave()
    assert await taken(second) == TAR


async def test_the_slowest_node_sets_the_pace(catalogue: FakeCatalogue) -> None:
    """Nothing piles up here for a node that does not take it."""
    download = Supply(catalogue).download(wanted(catalogue))
    download.expect("n2")
    slow, quick = download.join("n1"), download.join("n2")
    reading = asyncio.create_task(taken(quick))
    for _ in range(200):
        await asyncio.sleep(0)
    assert slow.waiting.full()
    assert not reading.done()
    assert await taken(slow) == TAR
    assert await reading == TAR


async def test_a_download_that_fails_fails_for_all(catalogue: FakeCatalogue) -> None:
    catalogue.trouble = StoreUnreachable("the transfer stands still")
    download = Supply(catalogue).download(wanted(catalogue))
    download.expect("n2")
    members = download.join("n1"), download.join("n2")
    ended = await asyncio.gather(*map(taken, members), return_exceptions=True)
    assert [type(one) for one in ended] == [StoreUnreachable, StoreUnreachable]


async def test_who_comes_too_late_gets_a_download_of_his_own(catalogue: FakeCatalogue) -> None:
    supply = supply_of(catalogue)
    assert supply_of(catalogue) is supply
    download = supply.download(wanted(catalogue))
    assert await taken(download.join("n1")) == TAR
    assert await taken(supply.download(wanted(catalogue)).join("n2")) == TAR
    assert [name for name, _ in catalogue.calls] == ["decompressed", "decompressed"]
