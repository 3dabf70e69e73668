"""Completes a plan whose data nobody had read, by what its nodes have unpacked. Nothing is stopped before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from loomtui.backups.model import Contents, Member, MemberType
from loomtui.errors import ArchiveRejected, ObjectChanged, PlanRefused
from loomtui.fleet.probes.staged import Entry, EntryType, Fingerprint, fingerprint, look_at_staged
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import Archive, Plan, RemedyKind
from loomtui.restore.planning.command_line import plan_command
from loomtui.restore.planning.planner import make_plan
from loomtui.restore.planning.unread import Staged
from loomtui.restore.running.run_context import RunContext
from loomtui.restore.running.safe_now import NOTHING_STOPPED
from loomtui.restore.running.task_failures import combined, on_all
from loomtui.text import clean_line

_SET = "data"
_TYPES = {
    EntryType.FILE: MemberType.FILE,
    EntryType.DIRECTORY: MemberType.DIRECTORY,
    EntryType.SYMLINK: MemberType.SYMLINK,
    EntryType.OTHER: MemberType.OTHER,
}


class Completion:
    """The plan of one run, made again from the same choices and the data that its nodes hold now."""

    def __init__(self, context: RunContext) -> None:
        self._context = context
        self._first = context.plan
        self._contents: Contents | None = None

    async def plan(self, choices: Choices) -> Plan:
        """Raises ArchiveRejected for data that must not be restored, and what `make_plan` raises."""
        if self._contents is None:
            self._contents = await self._look()
        context = self._context
        return await make_plan(
            context.inventory,
            context.fleet,
            context.catalogue,
            replace(choices, data_key=self._contents.backup.key),
            staged=Staged(self._first, self._contents),
        )

    async def _look(self) -> Contents:
        """Looks at one node; the others must have unpacked the same, but for those that have no room yet."""
        context = self._context
        node = context.witness
        archive = node.data
        if archive is None:
            raise ArchiveRejected("the plan has no data for its nodes")
        found = await self._agreed(archive)
        backup = await context.catalogue.find(archive.key)
        await context.catalogue.check(archive.key, archive.etag, archive.size_bytes)
        backup = replace(backup, etag=archive.etag, compression=archive.compression)
        session = context.fleet.session(node.name)
        unpacked = await look_at_staged(session, node.working_directory, context.run, _SET)
        members = members_of(unpacked.entries)
        return await context.catalogue.staged.judge(backup, members, unpacked.files, found.sha256, node.name)

    async def _agreed(self, archive: Archive) -> Fingerprint:
        """What all nodes with room have unpacked. Raises ObjectChanged if it is not the same on all."""
        context = self._context

        async def of_node(name: str) -> Fingerprint:
            workdir = context.plan.node(name).working_directory
            return await fingerprint(context.fleet.session(name), workdir, context.run, _SET)

        names = [node.name for node in context.nodes if node.gives_up is None]
        found, failures = await on_all(names, of_node)
        if failures:
            raise combined(failures, "")
        other = next((name for name in names if found[name] != found[names[0]]), None)
        if other is not None:
            raise ObjectChanged(
                f"{other} has unpacked something else of {clean_line(archive.key)} than {names[0]}: "
                f"SHA-256 {found[other].sha256[:16]}… and {found[names[0]].sha256[:16]}…",
                node=other,
                safe=NOTHING_STOPPED,
            )
        return found[names[0]]


def members_of(entries: Iterable[Entry]) -> Iterator[Member]:
    """What was unpacked, as members of an archive: a file with several names is a hard link of the first."""
    first: dict[int, str] = {}
    for entry in sorted(entries, key=lambda entry: entry.path):
        kind, link = _TYPES[entry.type], entry.link
        if kind is MemberType.FILE and first.setdefault(entry.inode, entry.path) != entry.path:
            kind, link = MemberType.HARDLINK, first[entry.inode]
        size = entry.size if kind is MemberType.FILE else 0
        yield Member(entry.path, kind, size, link, entry.mtime)


def refusal_of(completed: Plan) -> PlanRefused:
    """Why the run does not go on with this plan, and which plan is to be made."""
    key = next((node.data.key for node in completed.nodes if node.data is not None), "")
    offered = completed.offer is not RemedyKind.NONE
    command = plan_command(completed, offer=completed.offer)
    return PlanRefused(
        f"the nodes have unpacked {clean_line(key, limit=200)}, and the plan that follows must not be run: "
        f"{'; '.join(texts_of(completed.refusals))}",
        safe=f"{NOTHING_STOPPED} What is unpacked stays on the nodes, for the next plan with this archive.",
        advice=("If you allow that, make this plan: " if offered else "Make another plan: ") + command,
    )
