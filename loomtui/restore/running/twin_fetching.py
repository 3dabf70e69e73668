"""Lets a node fetch a backup from its twin: only the parts that hold what it needs, several at once.

Every file is compared with the manifest while the parts arrive. A part that is there stays there, whatever
happens to the job or the node.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.prepared.manifest import Manifest, ManifestFile
from loomtui.errors import StepFailed
from loomtui.fleet.scripts import script_text
from loomtui.restore.plan import Archive
from loomtui.restore.running.fetching import FOR_URL, SAFE, URL_SECONDS, is_unpacked
from loomtui.restore.running.job_watch import JobWatch
from loomtui.restore.running.node_run import FETCH_PARTS, PARTS_JOB, JobEnd, JobStatus, NodeRun, RunState
from loomtui.restore.running.pieces import Piece, pieces_of, sums_of, wanted_folders

_TRIES = 2
_AT_ONCE = (2, 4)  # at least, at most
#: What a store says of a part that is not there any more.
_GONE = (404, 410)


class TwinFetcher:
    """Brings one set of one node into its `raw` folder, from the parts of a twin."""

    def __init__(
        self, node_run: NodeRun, catalogue: Catalogue, watch: JobWatch, note: Callable[[str], None]
    ) -> None:
        self._hand = node_run
        self._catalogue = catalogue
        self._watch = watch
        self._note = note

    async def fetch(
        self, name: str, archive: Archive, manifest: Manifest, wanted: Sequence[ManifestFile]
    ) -> str | None:
        """None: all of it is there. Otherwise why not, for reading: the archive itself is to be taken.

        Raises StepFailed, NodeUnreachable, ScriptFailed.
        """
        pieces = pieces_of(manifest, wanted)
        folders = wanted_folders(manifest, archive.items)
        tries = fetched = 0
        while True:
            ended, brought = await self._job(name, archive, pieces, folders)
            tries = 1 if brought > fetched else tries + 1
            fetched = brought
            if ended.status is JobStatus.DONE:
                return None
            if ended.status in {JobStatus.NOT_OF_MANIFEST, JobStatus.NO_ROOM}:
                raise self._refused(ended)
            if ended.status is JobStatus.NO_S3 or ended.http_status in _GONE:
                return ended.message
            if tries >= _TRIES:
                if ended.http_status in FOR_URL or ended.status is JobStatus.VANISHED:
                    return ended.message
                raise self._refused(ended)

    async def _job(
        self, name: str, archive: Archive, pieces: Sequence[Piece], folders: Sequence[str]
    ) -> tuple[JobEnd, int]:
        """How the job ended, and how many bytes the node has by now."""
        state = await self._hand.state()
        if name not in state.running and not is_unpacked(state, name):
            await self._start(name, pieces, folders, state)
        ended = await self._watch.wait(name, archive, lambda: "")
        return ended, (await self._hand.state()).fetched_bytes.get(name, 0)

    async def _start(
        self, name: str, pieces: Sequence[Piece], folders: Sequence[str], state: RunState
    ) -> None:
        keys = list(dict.fromkeys(piece.part.key for piece in pieces))
        urls = "".join(f"{self._catalogue.presign(key, URL_SECONDS)}\n" for key in keys).encode()
        lines, sums = _listed(pieces, keys)
        folder_lines = "".join(f"{folder}\n" for folder in folders).encode()
        least, most = _AT_ONCE
        await self._hand.change(
            FETCH_PARTS,
            name,
            *(str(len(text)) for text in (urls, lines, sums, folder_lines)),
            str(min(max(least, state.cores or least), most)),
            stdin=urls + lines + sums + folder_lines + script_text(PARTS_JOB).encode(),
            timeout=600,
        )

    def _refused(self, ended: JobEnd) -> StepFailed:
        return StepFailed(
            ended.message,
            node=self._hand.plan.name,
            safe=SAFE,
            advice="Look at S3 and at the node; then go on: what is there is taken up. If what was prepared "
            "is not what the backup holds, prepare it anew, or plan with --look.",
        )


def _listed(pieces: Sequence[Piece], keys: Sequence[str]) -> tuple[bytes, bytes]:
    """As parts_job.sh reads `pieces` and `sums`."""
    numbers = {key: number for number, key in enumerate(keys, 1)}
    lines: list[str] = []
    sums: list[str] = []
    for number, piece in enumerate(pieces):
        sha256 = piece.part.sha256 if piece.is_whole else "-"
        lines.append(
            f"{number} {numbers[piece.part.key]} {piece.first} {piece.last} {piece.part.size_bytes} {sha256} "
            f"{len(sums) + 1} {len(piece.files)} {piece.name}\n"
        )
        sums += sums_of(piece.files)
    return "".join(lines).encode(), "".join(sums).encode()
