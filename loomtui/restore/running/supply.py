"""What the nodes of one run have in common: manifests are loaded once, and relayed archives are read once.

An archive that several nodes cannot fetch by themselves is downloaded once and handed to all of them at the
pace of the slowest. A node that fails does not stop the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from weakref import WeakKeyDictionary

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.prepared.manifest import Manifest
from loomtui.backups.prepared.reference import ManifestRef
from loomtui.restore.plan import Archive

#: Chunks (of 1 MiB at most) that may wait for one node.
_AHEAD = 4
#: How long nodes that cannot fetch wait for others of which that is not known yet.
_GATHER_SECONDS = 120.0

_Key = tuple[str, str]
_Chunk = bytes | Exception | None  # None: that was all


class Member:
    """One node that a download is handed to."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[_Chunk] = asyncio.Queue(_AHEAD)
        self._gone = asyncio.Event()

    async def give(self, chunk: _Chunk) -> None:
        """Waits until there is room, or the node is gone."""
        putting = asyncio.ensure_future(self.waiting.put(chunk))
        leaving = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((putting, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in (putting, leaving):
                one.cancel()

    def leave(self) -> None:
        """The node takes no more."""
        self._gone.set()

    @property
    def is_gone(self) -> bool:
        return self._gone.is_set()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises what the download raised."""
        while (chunk := await self.waiting.get()) is not None:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk


class Download:
    """One archive on its way through this machine. It begins when nobody is undecided any more."""

    def __init__(self, catalogue: Catalogue, archive: Archive) -> None:
        self._catalogue = catalogue
        self._archive = archive
        self._members: list[Member] = []
        self._undecided: set[str] = set()
        self._decided = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self.has_begun = False
        self.sha256 = ""  # of the stored bytes; empty until all of them came

    def expect(self, node: str) -> None:
        """This node may have to take part; whether it does is not known yet."""
        self._undecided.add(node)

    def decide(self, node: str) -> None:
        """It is known by now whether this node takes part."""
        self._undecided.discard(node)
        if not self._undecided:
            self._decided.set()

    def join(self, node: str) -> Member:
        member = Member()
        self._members.append(member)
        self.decide(node)
        if self._work is None:
            self._work = asyncio.create_task(self._run())
        return member

    async def _run(self) -> None:
        with suppress(TimeoutError):
            if self._undecided:
                self._decided.clear()
                await asyncio.wait_for(self._decided.wait(), _GATHER_SECONDS)
        self.has_begun = True
        last: _Chunk = None
        archive = self._archive
        try:
            async for chunk in self._catalogue.decompressed(
                archive.key, archive.etag, archive.compression, archive.sha256, self._keep_digest
            ):
                await self._give(chunk)
                if all(member.is_gone for member in self._members):
                    return
        except Exception as error:  # noqa: BLE001 - it is raised where each node waits for the next chunk
            last = error
        await self._give(last)

    def _keep_digest(self, sha256: str) -> None:
        self.sha256 = sha256

    async def _give(self, chunk: _Chunk) -> None:
        await asyncio.gather(*(member.give(chunk) for member in self._members if not member.is_gone))


class Supply:
    """What was loaded and what is under way, for all nodes of a run."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._manifests: dict[str, asyncio.Task[Manifest]] = {}
        self._downloads: dict[_Key, Download] = {}

    async def manifest(self, ref: ManifestRef) -> Manifest:
        """Exactly this one. Raises ObjectChanged, ObjectUnreadable, StoreUnreachable."""
        task = self._manifests.get(ref.sha256)
        if task is None:
            task = self._manifests[ref.sha256] = asyncio.create_task(self._load(ref))
        try:
            return await asyncio.shield(task)
        except Exception:
            self._manifests.pop(ref.sha256, None)
            raise

    async def _load(self, ref: ManifestRef) -> Manifest:
        return (await self._catalogue.prepared.load(ref)).manifest

    def download(self, archive: Archive) -> Download:
        """The one that a node can still take part in."""
        key = (archive.key, archive.etag)
        if key not in self._downloads or self._downloads[key].has_begun:
            self._downloads[key] = Download(self._catalogue, archive)
        return self._downloads[key]


_SUPPLIES: WeakKeyDictionary[Catalogue, Supply] = WeakKeyDictionary()


def supply_of(catalogue: Catalogue) -> Supply:
    """The one that all nodes share which are served from this catalogue."""
    if catalogue not in _SUPPLIES:
        _SUPPLIES[catalogue] = Supply(catalogue)
    return _SUPPLIES[catalogue]
