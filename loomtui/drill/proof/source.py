"""The backups of a cluster for a proof. Nothing here can write to S3, and nothing reaches a node."""

from __future__ import annotations

import secrets
import threading
from functools import partial

from loomtui.aio import Door
from loomtui.backups.archive import Taker
from loomtui.backups.cache import Cache
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.deadlines import read_seconds, within
from loomtui.backups.layouts import may_be_data
from loomtui.backups.looking import Looker, Progress
from loomtui.backups.model import Backup, BackupKind, Contents
from loomtui.backups.store import Store
from loomtui.errors import ArchiveRejected, CallError, ObjectUnreadable
from loomtui.inventory.model import Inventory, Role
from loomtui.loom.databases import LOOM_CONFIG

LATEST, RANDOM, EACH = "latest", "random", "each"

_DATA = frozenset({BackupKind.DATA, BackupKind.FULL})
_CONFIG = frozenset({BackupKind.CONFIG, BackupKind.FULL})
_CONFIGS_TRIED = 20


class BackupSource:
    """Reads one inventory's bucket. Its methods raise what Catalogue's raise."""

    def __init__(self, inventory: Inventory) -> None:
        self._catalogue = Catalogue(inventory.s3)
        self._store = Store(inventory.s3)
        self._looker = Looker(self._store, Cache(inventory.s3))
        self._door = Door("s3-proof", workers=1)
        self._hosts = frozenset(
            node.backup_source for node in inventory.nodes if node.role is Role.BACKUP
        )  # whose backups are data, where their first bytes do not tell

    async def choose(self, wanted: str) -> tuple[Backup, ...]:
        """The backups to be proved, newest first. `wanted`: `latest`, `random`, `each` or a key.

        What is bad is not passed over: it is what a proof looks for. Raises CallError if there is none.
        """
        if wanted not in (LATEST, RANDOM, EACH):
            return (await self._catalogue.find(wanted),)
        found: list[Backup] = []
        for backup in await self._catalogue.list():
            guessed = await self._catalogue.guess(backup)
            if self._is_meant_as_data(guessed):
                found.append(guessed)
                if wanted == LATEST:
                    break
        if not found:
            raise CallError("There is no data backup.", advice="See what there is: loomtui backups")
        return (secrets.choice(found),) if wanted == RANDOM else tuple(found)

    def _is_meant_as_data(self, guessed: Backup) -> bool:
        is_unclear = guessed.kind is BackupKind.UNKNOWN and guessed.source in self._hosts
        return (guessed.kind in _DATA or is_unclear) and self._catalogue.meant_as_backup(guessed)

    async def known_bytes(self, backup: Backup) -> int | None:
        """How much room its databases take, if it was prepared; None: not known before it is read."""
        found = await self._catalogue.prepared.find(backup)
        if found is None:
            return None
        return sum(file.size_bytes for file in found.manifest.files if may_be_data(file.path))

    async def read(self, backup: Backup, taker: Taker, report: Progress) -> Contents:
        """Reads all of it now, whatever is known of it. Raises DamagedArchive, and what `taker` raises."""
        stop = threading.Event()
        work = partial(self._looker.read, backup, report, stop, taker)
        try:
            return (await within(read_seconds(backup.size_bytes), self._door, work)).contents
        finally:
            stop.set()

    async def config_for(self, data: Contents) -> Contents | None:
        """Its own configuration, or that of the newest config backup of its chain. None: there is none."""
        if LOOM_CONFIG in data.texts:
            return data
        tried = 0
        for backup in await self._catalogue.list():
            guessed = await self._catalogue.guess(backup)
            if guessed.kind not in _CONFIG or guessed.fault is not None:
                continue
            tried += 1
            if tried > _CONFIGS_TRIED:
                break
            contents = await self._look(guessed)
            if contents is not None and _is_config_of(contents, data):
                return contents
        return None

    async def _look(self, backup: Backup) -> Contents | None:
        try:
            return await self._catalogue.look(backup)
        except (ArchiveRejected, ObjectUnreadable):
            return None

    async def close(self) -> None:
        self._store.close()
        await self._catalogue.close()


def _is_config_of(config: Contents, data: Contents) -> bool:
    """Of the same chain, as far as both tell which one they are of."""
    chain_id = data.chain.chain_id if data.chain is not None else data.chain_id
    return LOOM_CONFIG in config.texts and (
        config.chain_id == chain_id or None in (chain_id, config.chain_id)
    )
