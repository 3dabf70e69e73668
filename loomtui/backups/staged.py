"""Archives that nodes have unpacked and looked at, so that nobody has to read them on this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from loomtui.aio import Door
from loomtui.backups.cache import Cache
from loomtui.backups.contents import assemble
from loomtui.backups.looking import refusal_of
from loomtui.backups.model import Backup, Basis, Contents, Fault, FaultKind, Member
from loomtui.backups.unpacked import reading_of
from loomtui.errors import ArchiveRejected
from loomtui.text import clean_line

#: In seconds: what is kept on disk of one archive is read or written.
_SECONDS = 60.0


class StagedArchives:
    """Judges what a node has unpacked by the rules for archives that are read here, and remembers it.

    It is kept apart from what was read here: the config of the archive's host is not among it, for it stays
    in the archive.
    """

    def __init__(self, cache: Cache, door: Door) -> None:
        self._cache = cache
        self._door = door

    async def known(self, backup: Backup) -> Contents | None:
        """What a node told of exactly this object before."""
        contents = await self._door.run(partial(self._cache.staged, backup), timeout=_SECONDS)
        if contents is None:
            return None
        kind, compression = contents.backup.kind, contents.backup.compression
        return replace(contents, backup=replace(backup, kind=kind, compression=compression))

    async def judge(
        self,
        backup: Backup,
        members: Iterable[Member],
        files: Iterable[tuple[str, bytes]],
        sha256: str,
        node: str,
        *,
        remembers: bool = True,
    ) -> Contents:
        """The contents, by what the node tells of its unpacked files: see `reading_of`.

        Raises ArchiveRejected if they must not be restored; then the archive is passed over from now on.
        `remembers`: not of what came from a twin, which tells nothing of the archive itself.
        """
        judge = partial(self._judge, backup, members, files, sha256, node, remembers)
        return await self._door.run(judge, timeout=_SECONDS)

    def _judge(
        self,
        backup: Backup,
        members: Iterable[Member],
        files: Iterable[tuple[str, bytes]],
        sha256: str,
        node: str,
        remembers: bool,
    ) -> Contents:
        try:
            contents = assemble(backup, reading_of(members, files, backup.compression), sha256)
            if not contents.data_items:
                raise ArchiveRejected(contents.warnings[-1] if contents.warnings else _NO_DATA)
        except ArchiveRejected as error:
            fault = Fault(FaultKind.REJECTED, error.what)
            if remembers:
                self._cache.keep_kind(replace(backup, certain=False, fault=fault))
            raise refusal_of(backup.key, error) from error
        seen = f"nobody read it on this machine: it was looked at on {clean_line(node)}, unpacked"
        contents = replace(
            contents,
            backup=replace(contents.backup, certain=False),
            warnings=(*contents.warnings, seen),
            basis=Basis.STAGED,
        )
        if remembers:
            self._cache.keep_staged(contents)
        return contents


_NO_DATA = "it holds no databases of a Loom node"
