"""Lets a node fetch an archive by itself, in a job that outlives the connection.

The job goes on where a connection broke, for hours if it must (`fleet/remote/stream.sh`). From here it is
started, followed, and given a new URL when the old one is too old.
"""

from __future__ import annotations

from collections.abc import Callable

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.etags import plain_etag
from loomtui.errors import LoomtuiError, ObjectChanged, ObjectUnreadable, StepFailed
from loomtui.fleet.scripts import script_text
from loomtui.restore.plan import Archive
from loomtui.restore.planning.space import LEFT_OVER
from loomtui.restore.running.job_watch import JobWatch
from loomtui.restore.running.node_run import (
    FETCH,
    FETCH_JOB,
    JobEnd,
    JobStatus,
    NodeRun,
    RunState,
)

URL_SECONDS = 12 * 3600
#: S3 does not hold the object to be the one of If-Match, or does not know this header.
_FOR_IF_MATCH = (412, 501)
#: What a URL gets whose time is over, or that this node may not use.
FOR_URL = (400, 401, 403)
_TRIES = 2
SAFE = "The data on the node is untouched."


class Fetcher:
    """Brings one set (`data` or `config`) of one node into its `raw` folder."""

    def __init__(
        self, node_run: NodeRun, catalogue: Catalogue, watch: JobWatch, note: Callable[[str], None]
    ) -> None:
        self._hand = node_run
        self._catalogue = catalogue
        self._watch = watch
        self._note = note

    async def fetch(self, name: str, archive: Archive) -> str | None:
        """None: all of it is there. Otherwise why the node cannot do it by itself, for reading.

        Raises StepFailed, ObjectUnreadable, NodeUnreachable, ScriptFailed.
        """
        etag, refused, vanished = plain_etag(archive.etag), 0, 0
        while True:
            ended = await self._job(name, archive, etag)
            if ended.status is JobStatus.DONE:
                return None
            if ended.status is JobStatus.OTHER_ARCHIVE:
                raise self._archive_changed(archive)
            if ended.status is JobStatus.VANISHED and (vanished := vanished + 1) < _TRIES:
                self._note("the job on the node is gone, as after a reboot; it is begun anew")
            elif ended.http_status in _FOR_IF_MATCH and etag and await self._is_unchanged(archive):
                self._note("S3 refuses the very ETag that it gives (If-Match): SHA-256 alone decides")
                etag = ""
            elif ended.http_status not in FOR_URL or (refused := refused + 1) == _TRIES:
                return await self._reason_to_relay(ended, archive)

    async def _reason_to_relay(self, ended: JobEnd, archive: Archive) -> str:
        """What only this node cannot do. Raises for what would be no better over SSH."""
        beyond_relay = {JobStatus.NO_ROOM, JobStatus.BAD_TAR}
        gave_up = ended.status is JobStatus.FAILED and ended.http_status is None
        unread = not archive.sha256 and ended.status is JobStatus.BAD_PACKING
        if ended.status in beyond_relay or gave_up or unread:
            if ended.status in (JobStatus.BAD_TAR, JobStatus.BAD_PACKING):
                raise bad_archive(self._hand.plan.name, ended.message)
            raise StepFailed(
                ended.message,
                node=self._hand.plan.name,
                safe=SAFE,
                advice="Look at the node and at S3; then go on: what is there is taken up.",
            )
        if ended.http_status is not None and ended.http_status not in FOR_URL:
            await self._see_that_it_is_there(archive)
        return ended.message

    async def _is_unchanged(self, archive: Archive) -> bool:
        """False if nobody can tell. Raises ObjectChanged if the object is another one by now."""
        try:
            await self._see_that_it_is_there(archive)
        except ObjectChanged:
            raise
        except LoomtuiError:
            return False
        return True

    async def _see_that_it_is_there(self, archive: Archive) -> None:
        """Raises what S3 says of the object to the operator's machine."""
        try:
            await self._catalogue.check(archive.key, archive.etag, archive.size_bytes)
        except ObjectChanged:
            raise self._archive_changed(archive) from None

    async def _job(self, name: str, archive: Archive, etag: str) -> JobEnd:
        """How the job ended: the one that runs already, or a new one."""
        state = await self._hand.state()
        if name not in state.running and not is_unpacked(state, name):
            url = self._catalogue.presign(archive.key, URL_SECONDS)
            job = script_text(FETCH_JOB)
            await self._hand.change(
                FETCH,
                name,
                archive.compression.value,
                archive.sha256 or "-",
                str(archive.size_bytes),
                str(limit_of(archive, state, name)),
                *(item.source for item in archive.items),
                stdin="\n".join((url, etag.strip('"'), job)).encode(),
            )
        return await self._watch.wait(
            name, archive, lambda: self._catalogue.presign(archive.key, URL_SECONDS)
        )

    def _archive_changed(self, archive: Archive) -> ObjectUnreadable:
        return ObjectChanged(
            f"{archive.key} in S3 is not the archive that the plan was made of",
            node=self._hand.plan.name,
            safe=SAFE,
        )


def bad_archive(node: str, message: str) -> StepFailed:
    """The node cannot unpack what came, as its `message` says."""
    return StepFailed(
        message,
        node=node,
        safe=SAFE,
        advice="If the node has nothing to do with it, the archive is damaged, and trying again changes "
        "nothing: end this run or undo it, and make a plan of another backup (loomtui plan --data KEY).",
    )


def limit_of(archive: Archive, state: RunState, name: str) -> int:
    """How many bytes may be unpacked of it at most; 0: no limit.

    Of an archive that nobody has read it is not known what it holds: as much as there is room for when it
    begins, whatever else becomes free meanwhile.
    """
    if archive.is_known or state.work_space is None:
        return 0
    return max(1, state.work_space.free_bytes + state.staged_bytes.get(name, 0) - LEFT_OVER)


def is_unpacked(state: RunState, name: str) -> bool:
    """Whether a job has brought all of this set."""
    ended = state.jobs.get(name)
    return ended is not None and ended.status is JobStatus.DONE and name not in state.running
