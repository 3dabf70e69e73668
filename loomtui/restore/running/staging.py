"""Brings the wanted members of an archive into the run's folder on a node, checked, beside the live data.

The node fetches the archive itself, in a job that outlives the connection. If it has no tool for that or
cannot reach S3, the archive is relayed over SSH. Either way the bytes are those that the plan was made from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.etags import plain_etag
from loomtui.backups.model import Compression
from loomtui.errors import LoomtuiError, ObjectChanged, StepFailed
from loomtui.fleet.scripts import script_text
from loomtui.restore.events import Amount
from loomtui.restore.plan import Archive
from loomtui.restore.planning.space import LEFT_OVER
from loomtui.restore.running.node_run import (
    FETCH,
    FETCH_JOB,
    PLACE,
    RELAY,
    JobEnd,
    JobStatus,
    NodeRun,
    RunState,
)

Progress = Callable[[Amount], None]

_TOOLS = {
    Compression.BZIP2: {"bzip2", "lbzip2"},
    Compression.GZIP: {"gzip", "pigz"},
    Compression.XZ: {"xz"},
    Compression.ZSTD: {"zstd"},
}
_URL_SECONDS = 12 * 3600
_PRECONDITION_FAILED = 412
_TRIES = 2
_POLL_SECONDS = 0.5
_UNPACK_SECONDS = 24 * 3600


class Stager:
    """Stages one set (`data` or `config`) of one node. Can be called again after any interruption."""

    def __init__(
        self, node_run: NodeRun, catalogue: Catalogue, progress: Progress, note: Callable[[str], None]
    ) -> None:
        self._hand = node_run
        self._catalogue = catalogue
        self._progress = progress
        self._note = note

    async def stage(self, name: str, archive: Archive) -> None:
        """Raises StepFailed, StoreUnreachable, NodeUnreachable, ScriptFailed.

        The live data stays untouched.
        """
        state = await self._hand.state()
        if f"{name}.staged" in state.marks:
            return
        if not _is_unpacked(state, name):
            self._need_space(state, name, archive)
            await self._unpack(name, archive, state)
        pairs = [part for item in archive.items for part in (item.source, item.target)]
        await self._hand.change(
            PLACE,
            name,
            self._hand.plan.user,
            self._hand.plan.group,
            str(archive.file_count),
            str(archive.unpacked_bytes),
            *pairs,
            timeout=3600,
        )
        left = (await self._hand.state()).work_space
        if left is not None and left.free_bytes < LEFT_OVER:
            self._note(
                f"only {left.free_bytes:,} bytes are left free in {self._hand.workdir} after unpacking"
            )

    def _need_space(self, state: RunState, name: str, archive: Archive) -> None:
        if missing := self._hand.shortages(state, {name: archive}):
            raise StepFailed(
                "; ".join(missing),
                node=self._hand.plan.name,
                safe="The data on the node is untouched.",
                advice="Make room (loomtui clean frees what earlier runs kept), then go on.",
            )

    async def _unpack(self, name: str, archive: Archive, state: RunState) -> None:
        fetcher = {"curl", "wget"} & state.tools
        unpacker = archive.compression is Compression.NONE or _TOOLS[archive.compression] & state.tools
        if fetcher and unpacker:
            ended = await self._fetch_with_tries(name, archive)
            if ended.status is JobStatus.DONE:
                return
            self._note(f"the node could not fetch by itself ({ended.message}); relaying over SSH")
        else:
            self._note("the node has no tool to fetch and unpack by itself; relaying over SSH")
        await self._relay(name, archive)

    async def _fetch_with_tries(self, name: str, archive: Archive) -> JobEnd:
        """How the last try ended. One that S3 refused for its If-Match does not count as a try."""
        etag, tries = plain_etag(archive.etag), _TRIES
        while True:
            ended = await self._fetch(name, archive, etag)
            tries -= 1
            if ended.status is JobStatus.OTHER_ARCHIVE:
                raise self._archive_changed(archive)
            if ended.http_status == _PRECONDITION_FAILED and etag and await self._is_unchanged(archive):
                self._note("S3 refuses the very ETag that it gives (If-Match): SHA-256 alone decides")
                etag, tries = "", tries + 1
            elif ended.status is JobStatus.DONE or not tries:
                return ended

    async def _is_unchanged(self, archive: Archive) -> bool:
        """False if nobody can tell. Raises ObjectChanged if the object is another one by now."""
        try:
            await self._catalogue.check(archive.key, archive.etag, archive.size_bytes)
        except ObjectChanged:
            raise self._archive_changed(archive) from None
        except LoomtuiError:
            return False
        return True

    async def _fetch(self, name: str, archive: Archive, etag: str) -> JobEnd:
        state = await self._hand.state()
        if name not in state.running and not _is_unpacked(state, name):
            url = self._catalogue.presign(archive.key, _URL_SECONDS)
            job = script_text(FETCH_JOB)
            await self._hand.change(
                FETCH,
                name,
                archive.compression.value,
                archive.sha256,
                *(item.source for item in archive.items),
                stdin="\n".join((url, etag.strip('"'), job)).encode(),
            )
        return await self._wait(name, archive)

    async def _wait(self, name: str, archive: Archive) -> JobEnd:
        """How the job on the node ended."""
        missing = 0
        while True:
            state = await self._hand.state()
            self._show_progress(archive, state.staged_bytes[name], state.staged_files[name])
            if name in state.jobs:
                return state.jobs[name]
            # A job that is just being started has not written its process ID yet.
            missing = 0 if name in state.running else missing + 1
            if missing > 20:
                return JobEnd(JobStatus.FAILED, "the job on the node vanished")
            await asyncio.sleep(_POLL_SECONDS)

    async def _relay(self, name: str, archive: Archive) -> None:
        done = 0

        async def plain() -> AsyncIterator[bytes]:
            nonlocal done
            async for chunk in self._catalogue.decompressed(
                archive.key, archive.etag, archive.compression, archive.sha256
            ):
                done += len(chunk)
                self._show_progress(archive, done)
                yield chunk

        members = [item.source for item in archive.items]
        await self._hand.change(RELAY, name, *members, stdin=plain(), timeout=_UNPACK_SECONDS)

    def _show_progress(self, archive: Archive, done: int, files: int | None = None) -> None:
        total = archive.unpacked_bytes
        self._progress(Amount(min(done, total), total, files, archive.file_count))

    def _archive_changed(self, archive: Archive) -> LoomtuiError:
        return ObjectChanged(
            f"{archive.key} in S3 is not the archive that the plan was made of",
            node=self._hand.plan.name,
            safe="The data on the node is untouched.",
        )


def _is_unpacked(state: RunState, name: str) -> bool:
    ended = state.jobs.get(name)
    return ended is not None and ended.status is JobStatus.DONE and name not in state.running
