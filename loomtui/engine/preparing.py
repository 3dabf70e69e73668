"""The engine of `loomtui backups prepare` and `prune-prepared`. It writes beside the backups in S3 alone."""

from __future__ import annotations

import getpass
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loomtui import __version__
from loomtui.backups.prepared.making import Author
from loomtui.backups.prepared.preparations import Preparations
from loomtui.engine.live import LiveEngine

if TYPE_CHECKING:
    from loomtui.backups.looking import Progress
    from loomtui.backups.model import Backup
    from loomtui.backups.prepared.preparing import PreparedBackup
    from loomtui.backups.prepared.pruning import Prunable
    from loomtui.inventory.model import Inventory


class PreparingEngine(LiveEngine):
    """It looks at nodes and changes none. Calls raise LoomtuiError."""

    def __init__(self, inventory: Inventory) -> None:
        super().__init__(inventory)
        self._preparations = Preparations(self.catalogue, inventory.s3, _author)

    async def latest(self) -> Backup:
        return await self._preparations.latest()

    async def prepare(self, backup: Backup, report: Progress, *, twin: bool) -> PreparedBackup:
        return await self._preparations.prepare(backup, report, twin=twin)

    def prepare_all(
        self, report: Callable[[Backup], Progress], *, twin: bool
    ) -> AsyncIterator[PreparedBackup]:
        return self._preparations.prepare_all(report, twin=twin)

    async def prunable(self) -> Prunable:
        return await self._preparations.prunable()

    async def prune(self, shown: Prunable) -> Prunable:
        return await self._preparations.prune(shown)

    async def close(self) -> None:
        self._preparations.close()
        await super().close()


def _author() -> Author:
    return Author(datetime.now(UTC), f"{getpass.getuser()}@{socket.gethostname()}", __version__)
