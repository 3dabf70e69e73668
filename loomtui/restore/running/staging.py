"""Brings the wanted members of an archive into the run's folder on a node, checked, beside the live data.

The node fetches the archive itself, in a job that outlives the connection. If it has no tool for that or
cannot reach S3, the archive is relayed over SSH. Either way the bytes are those that the plan was made from.
Of a prepared backup it fetches the parts of its twin, and every file is compared with the manifest.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import Compression
from loomtui.backups.prepared.manifest import Manifest, ManifestFile
from loomtui.errors import StepFailed
from loomtui.fleet.bootstrap import last_line
from loomtui.fleet.facts import read_facts
from loomtui.restore.events import Amount, StepName
from loomtui.restore.plan import Archive
from loomtui.restore.planning.space import LEFT_OVER
from loomtui.restore.running.fetching import Fetcher, bad_archive, is_unpacked, limit_of
from loomtui.restore.running.job_watch import JobWatch
from loomtui.restore.running.node_run import (
    COMPARE,
    PLACE,
    RELAY,
    RELAYED,
    REUSE,
    JobStatus,
    NodeRun,
    RunState,
)
from loomtui.restore.running.pieces import links_among, sums_of, wanted_files
from loomtui.restore.running.reusing_live import reuse_live
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.supply import supply_of
from loomtui.restore.running.twin_fetching import TwinFetcher

Progress = Callable[[Amount], None]

_TOOLS = {
    Compression.BZIP2: {"bzip2", "lbzip2"},
    Compression.GZIP: {"gzip", "pigz"},
    Compression.XZ: {"xz"},
    Compression.ZSTD: {"zstd"},
}
_UNPACK_SECONDS = 24 * 3600


class Stager:
    """Stages one set (`data` or `config`) of one node. Can be called again after any interruption."""

    def __init__(
        self,
        node_run: NodeRun,
        catalogue: Catalogue,
        progress: Progress,
        note: Callable[[str], None],
        *,
        delta: bool = False,
    ) -> None:
        """`delta`: what the live databases hold too is not fetched."""
        self._delta = delta
        self._hand = node_run
        self._catalogue = catalogue
        self._progress = progress
        self._note = note
        self._supply = supply_of(catalogue)
        self._node = node_run.plan.name

    async def fetch(self, name: str, archive: Archive) -> None:
        """Unpacks all of an archive that nobody has read, but its config; `stage` follows once it was judged.

        Raises what `stage` raises.
        """
        state = await self._hand.state()
        if not is_unpacked(state, name) and not await self._is_reused(state, name, archive):
            self._need_space(state, name, archive)
            await self._bring(name, archive, None, state)

    async def is_there(self, name: str, archive: Archive) -> bool:
        """Whether all of it is unpacked on the node, by this run or an earlier one. Then it needs no room."""
        state = await self._hand.state()
        if f"{name}.staged" in state.marks or is_unpacked(state, name):
            return True
        return await self._is_reused(state, name, archive)

    async def stage(self, name: str, archive: Archive) -> None:
        """Raises StepFailed, StoreUnreachable, NodeUnreachable, ScriptFailed.

        The live data stays untouched.
        """
        state = await self._hand.state()
        if f"{name}.staged" in state.marks:
            return
        manifest = await self._supply.manifest(archive.manifest) if archive.manifest is not None else None
        if not is_unpacked(state, name) and not await self._is_reused(state, name, archive):
            self._need_space(state, name, archive, self._hand.plan.taken_over_bytes)
            await self._bring(name, archive, manifest, state)
        if manifest is not None and name not in (await self._hand.state()).compared:
            await self._compare(name, archive, manifest)
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

    async def _is_reused(self, state: RunState, name: str, archive: Archive) -> bool:
        """Whether an earlier run on the node has unpacked the same archive, and this one has that now."""
        if name != "data" or name in state.running or not (archive.etag or archive.sha256):
            return False
        how = "staged" if archive.is_known else "raw"  # what nobody has judged is judged as it was unpacked
        unread = replace(archive, sha256="", manifest=None, items=())
        args = (how, _identity(archive), _identity(unread), archive.sha256 or "-")
        facts = read_facts((await self._hand.change(REUSE, name, *args, timeout=600)).stdout)
        if run := facts.line("reused"):
            self._note(f"the same archive was unpacked by the run {run}: that is taken")
        return bool(run)

    def _need_space(self, state: RunState, name: str, archive: Archive, taken_over: int = 0) -> None:
        """`taken_over`: so much of the data the node seems to have already."""
        if missing := self._hand.shortages(state, {name: archive}, taken_over=taken_over):
            raise StepFailed(
                "; ".join(missing),
                node=self._hand.plan.name,
                safe="The data on the node is untouched.",
                advice="Make room (loomtui clean frees what earlier runs kept), then go on.",
            )

    async def _bring(self, name: str, archive: Archive, manifest: Manifest | None, state: RunState) -> None:
        """Unpacks all that is wanted into the raw folder, by the first way that goes."""
        download = self._supply.download(archive)
        download.expect(self._node)
        try:
            if not await self._is_fetched(name, archive, manifest, state):
                await self._relay(name, archive)
        finally:
            download.decide(self._node)

    async def _is_fetched(
        self, name: str, archive: Archive, manifest: Manifest | None, state: RunState
    ) -> bool:
        """Whether the node has fetched it by itself."""
        watch = JobWatch(self._hand, partial(self._show_unpacked, name), self._note)
        has_fetcher = not state.tools.isdisjoint({"curl", "wget"})
        if manifest is not None and has_fetcher and self._can_use_twin(archive, manifest, state):
            wanted = await self._not_there(name, archive, manifest)
            if self._hand.plan.taken_over_bytes:  # what was taken over lies there now, and may be less
                self._need_space(await self._hand.state(), name, archive)
            parts = TwinFetcher(self._hand, self._catalogue, watch, self._note)
            reason = await parts.fetch(name, archive, manifest, wanted)
            if reason is None:
                return True
            self._note(f"the node could not fetch the parts ({reason}); the archive itself is taken")
        if not has_fetcher or not can_unpack(archive.compression, state.tools):
            self._note("the node has no tool to fetch and unpack by itself; relaying over SSH")
            return False
        reason = await Fetcher(self._hand, self._catalogue, watch, self._note).fetch(name, archive)
        if reason is not None:
            self._note(f"the node could not fetch by itself ({reason}); relaying over SSH")
        return reason is None

    async def _not_there(self, name: str, archive: Archive, manifest: Manifest) -> tuple[ManifestFile, ...]:
        """The files that have to be fetched: with --delta, those that the live databases do not hold."""
        wanted = wanted_files(manifest, archive.items)
        if not self._delta or name != "data":
            return wanted
        taken = await reuse_live(self._hand, name, archive, wanted)
        left = tuple(file for file in wanted if file.path not in taken)
        fetched = sum(file.size_bytes for file in left)
        self._note(
            f"{len(taken):,} of {len(wanted):,} files are taken over from the node's own databases; "
            f"the others have {fetched:,} bytes"
        )
        return left

    def _can_use_twin(self, archive: Archive, manifest: Manifest, state: RunState) -> bool:
        if not archive.has_twin or manifest.twin is None or "zstd" not in state.tools:
            return False
        return not links_among(manifest, archive.items)  # which no part holds

    async def _compare(self, name: str, archive: Archive, manifest: Manifest) -> None:
        """Every file with the manifest, where that was not done while parts arrived."""
        sums = "".join(sums_of(wanted_files(manifest, archive.items))).encode()
        await self._hand.change(COMPARE, name, str(len(sums)), stdin=sums, timeout=_UNPACK_SECONDS)

    async def _relay(self, name: str, archive: Archive) -> None:
        download = self._supply.download(archive)
        member = download.join(self._node)

        async def counted() -> AsyncIterator[bytes]:
            done = 0
            async for chunk in member.chunks():
                done += len(chunk)
                self._show_progress(archive, done)
                yield chunk

        members = [item.source for item in archive.items]
        try:
            limit = str(limit_of(archive, await self._hand.state(), name))
            unpacked = await self._hand.change(
                RELAY,
                name,
                limit,
                *members,
                stdin=counted(),
                timeout=_UNPACK_SECONDS,
                accept=(0, JobStatus.BAD_TAR),
            )
        finally:
            member.leave()
        if unpacked.status == JobStatus.BAD_TAR:
            raise bad_archive(self._node, last_line(unpacked.stderr))
        if not archive.is_known:
            await self._hand.change(RELAYED, name, download.sha256)

    def _show_unpacked(self, name: str, archive: Archive, state: RunState) -> None:
        if state.fetched_bytes.get(name, 0):
            self._supply.download(archive).decide(self._node)
        self._show_progress(archive, state.staged_bytes[name], state.staged_files[name])

    def _show_progress(self, archive: Archive, done: int, files: int | None = None) -> None:
        total = archive.unpacked_bytes
        self._progress(Amount(min(done, total), total, files, archive.file_count))


def stager_of(context: RunContext, step: StepName, node: str) -> Stager:
    """The one with which a step of a run works on this node."""
    return Stager(
        context.node_run(node),
        context.catalogue,
        lambda amount: context.progress(step, node, amount),
        lambda text: context.note(step, node, text, {}),
        delta=context.plan.choices.delta,
    )


def _identity(archive: Archive) -> str:
    """The same for the same version of an archive, of which the same is wanted."""
    manifest = archive.manifest.sha256 if archive.manifest is not None else ""
    wanted = [(item.source, item.target) for item in archive.items]
    what = [archive.key, archive.etag, archive.size_bytes, archive.sha256, manifest, wanted]
    return sha256(json.dumps(what).encode()).hexdigest()


def can_unpack(compression: Compression, tools: frozenset[str]) -> bool:
    """Whether a node with these tools can decompress it."""
    return compression is Compression.NONE or not tools.isdisjoint(_TOOLS[compression])
