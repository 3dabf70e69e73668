"""What manifests tell the choice of archives, so that nothing of a prepared one has to be read."""

from __future__ import annotations

from dataclasses import dataclass

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.damage import DamagedArchive
from loomtui.backups.model import Backup, BackupKind, Contents, Fault, FaultKind
from loomtui.backups.prepared.finding import Prepared, Unusable
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.text import clean_line

Judged = Contents | tuple[Backup, Fault]


@dataclass(frozen=True)
class OtherKind:
    """By its manifest it is of none of the kinds that are wanted."""


class PreparedArchives:
    """Asks S3 for each manifest once."""

    def __init__(self, catalogue: Catalogue, choices: Choices) -> None:
        self._catalogue = catalogue
        self._is_off = choices.look
        self._told: dict[str, Judged | None] = {}  # by the backup's key
        self.warnings: list[Finding] = []

    async def judge(
        self, backup: Backup, wanted: frozenset[BackupKind], *, texts: bool
    ) -> Judged | OtherKind | None:
        """What a whole read told whoever prepared it. None: the archive has to be read.

        So has one of a wanted kind where the texts of config files are needed (`texts`).
        """
        if self._is_off:
            return None
        outline = await self._catalogue.prepared.outline(backup)
        is_refused = outline is not None and outline.is_refused
        if outline is not None and not is_refused and outline.kind not in {*wanted, BackupKind.UNKNOWN}:
            return OtherKind()
        if texts and not is_refused:
            return None
        if backup.key not in self._told:
            self._told[backup.key] = await self._judge(backup)
        return self._told[backup.key]

    async def _judge(self, backup: Backup) -> Judged | None:
        match await self._catalogue.prepared.examine(backup):
            case Prepared() as found:
                return await self._from_manifest(backup, found)
            case Unusable(reason):
                self._tell(backup, reason)
        return None

    async def _from_manifest(self, backup: Backup, found: Prepared) -> Judged:
        try:
            contents = found.contents(backup)
        except DamagedArchive as error:
            return error.damaged.backup, Fault(FaultKind.REJECTED, error.reason)
        if contents.backup.kind is BackupKind.UNKNOWN:
            reason = contents.warnings[-1] if contents.warnings else "it is no backup of a Loom node"
            return contents.backup, Fault(FaultKind.UNKNOWN, reason)
        # The nodes will have to get it.
        await self._catalogue.check(backup.key, backup.etag, backup.size_bytes)
        return contents

    def _tell(self, backup: Backup, reason: str) -> None:
        key = clean_line(backup.key, limit=200)
        sentence = f"{key} counts as not prepared: its manifest is of no use, because {reason}"
        advice = "Prepare it again: loomtui backups prepare KEY"
        self.warnings.append(Finding(FindingCode.MANIFEST_UNUSED, None, sentence, advice))
