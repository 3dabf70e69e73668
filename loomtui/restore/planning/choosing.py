"""Which archives a restore takes: one set of data for all its nodes, and for each node its own config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.damage import DamagedArchive
from loomtui.backups.databases import torn_heights
from loomtui.backups.model import Backup, BackupKind, Basis, Contents, Fault, FaultKind, taken_words
from loomtui.errors import ArchiveRejected, CallError, LoomtuiError, ObjectUnreadable, StoreUnreachable
from loomtui.inventory.model import Node
from loomtui.loom.databases import EVM_DB
from loomtui.restore.choices import LOOK_LIMIT_BYTES, Choices
from loomtui.restore.findings import Finding, FindingCode, texts_of
from loomtui.restore.plan import PassedOver
from loomtui.restore.planning.prepared_archives import OtherKind, PreparedArchives
from loomtui.restore.planning.unread import may_stay_unread, unread
from loomtui.text import clean_line

Progress = Callable[[str], None]

_DATA = frozenset({BackupKind.DATA, BackupKind.FULL})
_CONFIG = frozenset({BackupKind.CONFIG, BackupKind.FULL})


@dataclass(frozen=True)
class Chosen:
    data: Contents
    config: Mapping[str, Contents]  # by node name
    warnings: tuple[Finding, ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


class Chooser:
    """Looks into archives, newest first, until it has what is needed, and says what it passed over."""

    def __init__(
        self,
        catalogue: Catalogue,
        choices: Choices,
        progress: Progress,
        until: datetime | None = None,
        *,
        look_limit_bytes: int = LOOK_LIMIT_BYTES,
    ) -> None:
        """`until`: what came into S3 later is not taken."""
        self._look_limit = look_limit_bytes
        self._until = until
        self._catalogue = catalogue
        self._choices = choices
        self._progress = progress
        self._prepared = PreparedArchives(catalogue, choices)
        self._warnings: list[Finding] = []
        self._judged: dict[str, Contents | tuple[Backup, Fault]] = {}  # by key
        self._passed: dict[str, PassedOver] = {}  # by key

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What the operator should know about the choice; each thing is said once."""
        passed = (Finding(FindingCode.PASSED_OVER, one.only_node, one.sentence) for one in self.passed_over)
        return tuple(dict.fromkeys([*self._warnings, *self._prepared.warnings, *passed]))

    @property
    def passed_over(self) -> tuple[PassedOver, ...]:
        """Everything that is newer than what is taken and could have been meant as a backup, newest first."""
        return tuple(sorted(self._passed.values(), key=lambda one: (one.taken_at, one.key), reverse=True))

    async def configs(
        self, nodes: Sequence[Node], foreign: Callable[[Contents], bool] = lambda _config: False
    ) -> Mapping[str, Contents]:
        """The newest config of each node that has one, by the node's name. Raises CallError.

        `foreign` tells whether a config is of another chain than the data, so that an older one is wanted.
        """
        backups = await self._newest_first()
        self._check_sources(nodes, backups)
        newest = {node.name: await self._newest_config(node, backups, foreign) for node in nodes}
        return {name: config for name, config in newest.items() if config is not None}

    async def own_config(self, node: Node, data: Contents, is_lost: bool) -> Contents | None:
        """The config folder in a data archive, which belongs to the host that the archive is from.

        It is right for this host and never for another. The chosen data may have been read already; another
        archive of the host is worth a whole read only if the node's own keys are lost (`is_lost`).
        """
        source = self._source(node)
        if data.backup.source == source and not _was_not_read(data):
            return as_config(data)
        for backup in await self._newest_first() if is_lost else ():
            judged = await self._judge(backup, _DATA) if backup.source == source else None
            if isinstance(judged, Contents):
                return as_config(judged)
            if judged is not None:
                self._pass_over(*judged, node=node.name)
        return None

    def _source(self, node: Node) -> str:
        return self._choices.sources.get(node.name, node.backup_source)

    def _check_sources(self, nodes: Sequence[Node], backups: Sequence[Backup]) -> None:
        """Raises CallError if a node is mapped to a host without backups, or to another node's host."""
        hosts = sorted({clean_line(backup.source) for backup in backups if backup.source})
        takers: dict[str, str] = {}
        for node in nodes:
            source = self._source(node)
            other = takers.setdefault(source, node.name)
            if other != node.name:
                raise CallError(
                    f"{other} and {node.name} would both get the backups of {clean_line(source)}",
                    advice="They would have the same keys. Map each to a host of its own, or leave one out.",
                )
            if node.name in self._choices.sources and clean_line(source) not in hosts:
                raise CallError(
                    f"there are no backups of {clean_line(source)} for {node.name}",
                    advice=f"There are backups of {', '.join(hosts) or 'nobody'}.",
                )
        free = [host for host in hosts if host not in takers]
        for node in nodes:
            if free and clean_line(self._source(node)) not in hosts:
                sentence = (
                    f"{node.name}: there are no backups of {self._source(node)}; there are some of "
                    f"{', '.join(free)}, which no node of the plan gets (--map {node.name}=HOST)"
                )
                self._warnings.append(Finding(FindingCode.NO_BACKUPS_OF_HOST, node.name, sentence))

    async def data(self, *, needs_evm: bool) -> Contents:
        """Raises CallError if no data backup can be taken, ArchiveRejected if the named one is bad."""
        if self._choices.data_key not in (None, "latest"):
            return await self._named(str(self._choices.data_key))
        return await self._newest_data(await self._newest_first(), needs_evm)

    async def _newest_first(self) -> tuple[Backup, ...]:
        """The backups in the catalogue's own order, which allows for clocks that cannot be told."""
        backups = await self._catalogue.list()
        if (until := self._until) is not None:
            backups = tuple(backup for backup in backups if backup.last_modified <= until)
        if before := self._choices.before:
            return tuple(backup for backup in backups if backup.taken_by_then(before))
        return backups

    async def _named(self, key: str) -> Contents:
        backup = await self._catalogue.find(key)
        told = await self._prepared.judge(backup, frozenset(BackupKind), texts=False)
        if isinstance(told, tuple):
            raise ArchiveRejected(told[1].reason, archive=clean_line(key), advice="Choose another backup.")
        contents = told if isinstance(told, Contents) else await self._named_unprepared(backup)
        if contents.is_unread:
            return contents
        if not contents.data_items:
            raise CallError(f"{clean_line(key)} holds no databases", advice="Choose another: loomtui backups")
        return contents

    async def _named_unprepared(self, backup: Backup) -> Contents:
        if backup.size_bytes > self._look_limit:
            guessed = await self._guess(backup)
            if isinstance(guessed, Backup):
                seen = await self._seen_by_nodes(guessed)
                if seen is not None:
                    return seen
        return await self._look(backup)

    async def _newest_data(self, backups: Sequence[Backup], needs_evm: bool) -> Contents:
        for backup in backups:
            judged = await self._judge(backup, _DATA, whole=False)
            match judged:
                case None:
                    continue
                case Contents() if not judged.data_items and not judged.is_unread:
                    continue
                case Contents():
                    fault = fault_for_nodes(judged, needs_evm=needs_evm)
                    if fault is None:
                        self._tell_doubt(judged.backup)
                        return judged
                    self._pass_over(judged.backup, fault, as_data=True)
                case _:
                    self._pass_over(*judged, as_data=True)
        raise self._no_data_error()

    def _tell_doubt(self, backup: Backup) -> None:
        if backup.named_at is not None and not backup.taken_by.sure:
            sentence = (
                f"{clean_line(backup.key, limit=200)}: when it was taken is not sure. "
                f"{backup.taken_at:%Y-%m-%d %H:%M} UTC is {taken_words(backup)}"
            )
            self._warnings.append(Finding(FindingCode.TIME_UNSURE, None, sentence))

    def _no_data_error(self) -> LoomtuiError:
        before = self._choices.before
        passed = self._passed.values()
        unreadable = passed and all(one.why is FaultKind.UNREADABLE for one in passed)
        return (StoreUnreachable if unreadable else CallError)(
            "there is no data backup that can be used"
            + (f" from {before:%Y-%m-%d %H:%M} UTC or before" if before else ""),
            advice=" ".join(texts_of(self.warnings)) or "See what there is: loomtui backups",
        )

    async def _newest_config(
        self, node: Node, backups: Sequence[Backup], foreign: Callable[[Contents], bool]
    ) -> Contents | None:
        source = self._source(node)
        for backup in backups:
            if backup.source != source and not self._catalogue.may_be_of(backup, source):
                continue
            judged = await self._judge(backup, _CONFIG)
            if isinstance(judged, Contents):
                if judged.config_items and foreign(judged):
                    reason = "it is of another chain than the data"
                    self._pass_over(judged.backup, Fault(FaultKind.OTHER_CHAIN, reason), node=node.name)
                elif judged.config_items:
                    return judged
            elif judged is not None:
                self._pass_over(*judged, node=node.name)
        return None

    async def _judge(
        self, backup: Backup, wanted: frozenset[BackupKind], *, whole: bool = True
    ) -> Contents | tuple[Backup, Fault] | None:
        """What the archive holds, or why it cannot be used.

        None means that it is of another kind or not meant as a backup. Without `whole`, what its manifest
        tells is enough, and a large archive without one is not read here.
        """
        known = self._judged.get(backup.key)
        if known is not None and not (whole and _was_not_read(known)):
            return known
        try:
            told = await self._prepared.judge(backup, wanted, texts=whole)
        except ObjectUnreadable as error:
            told = backup, _fault_of(error)
        if isinstance(told, OtherKind):
            return None
        if told is not None:
            self._judged[backup.key] = told
            return told
        guessed = await self._guess(backup)
        if isinstance(guessed, Backup):
            if guessed.kind not in {*wanted, BackupKind.UNKNOWN} and guessed.fault is None:
                return None
            if not (guessed.kind in wanted or self._catalogue.meant_as_backup(guessed)):
                return None
            self._judged[backup.key] = await self._read(guessed, whole=whole)
        else:
            self._judged[backup.key] = backup, guessed
        return self._judged[backup.key]

    async def _guess(self, backup: Backup) -> Backup | Fault:
        try:
            return await self._catalogue.guess(backup)
        except (ArchiveRejected, ObjectUnreadable) as error:
            return _fault_of(error)

    def read_by_now(self, data: Contents) -> Contents:
        """The same data, or what was read of it since: as the config of its host it has to be read whole."""
        if not data.is_unread:
            return data
        judged = self._judged.get(data.backup.key)
        return judged if isinstance(judged, Contents) else data

    async def _read(self, backup: Backup, *, whole: bool) -> Contents | tuple[Backup, Fault]:
        if backup.fault is not None:
            return backup, backup.fault
        try:
            contents = None if whole else await self._seen_by_nodes(backup)
            contents = contents or await self._look(backup)
        except DamagedArchive as error:
            return error.damaged.backup, _fault_of(error)
        except (ArchiveRejected, ObjectUnreadable) as error:
            return backup, _fault_of(error)
        if contents.backup.kind is not BackupKind.UNKNOWN:
            return contents
        reason = contents.warnings[-1] if contents.warnings else "it is no backup of a Loom node"
        return contents.backup, Fault(FaultKind.UNKNOWN, reason)

    def _pass_over(self, backup: Backup, fault: Fault, *, as_data: bool = False, node: str = "") -> None:
        before = self._passed.get(backup.key)
        nodes = before.nodes if before else ()
        self._passed[backup.key] = PassedOver(
            backup.key,
            backup.size_bytes,
            backup.taken_at,
            backup.kind,
            fault.kind,
            fault.reason,
            as_data or (before is not None and before.as_data),
            tuple(dict.fromkeys([*nodes, *([node] if node else [])])),
            backup.taken_by,
        )

    async def _seen_by_nodes(self, backup: Backup) -> Contents | None:
        """What is known of an archive that the nodes look at. None: it is read here."""
        if not may_stay_unread(backup, self._choices, self._look_limit):
            return None
        # Earlier looks may tell all of it; but the nodes will have to get it.
        await self._catalogue.check(backup.key, backup.etag, backup.size_bytes)
        return await self._catalogue.staged.known(backup) or unread(backup)

    async def _look(self, backup: Backup) -> Contents:
        name = clean_line(backup.key)
        self._progress(f"reading {name} whole")
        if backup.certain:  # it is not read again; but the nodes will have to get it
            await self._catalogue.check(backup.key, backup.etag, backup.size_bytes)

        def show(done: int, total: int) -> None:
            self._progress(f"reading {name}: {done * 100 // max(total, 1)} %")

        return await self._catalogue.look(backup, show)


def as_config(data: Contents) -> Contents | None:
    """A data archive as the config backup of its own host. None means that its config folder is not in it."""
    return replace(data, config_items=data.own_items, warnings=()) if data.own_items else None


def _was_not_read(judged: Contents | tuple[Backup, Fault]) -> bool:
    """The texts of its config files are not known."""
    return isinstance(judged, Contents) and (judged.basis is not Basis.WHOLE or judged.manifest is not None)


def _fault_of(error: LoomtuiError) -> Fault:
    if isinstance(error, ArchiveRejected):
        return Fault(FaultKind.REJECTED, error.reason)
    return Fault(FaultKind.UNREADABLE, error.what)


def fault_for_nodes(contents: Contents, *, needs_evm: bool) -> Fault | None:
    """Why data that is whole is still not fit for these nodes."""
    if contents.is_unread:
        return None
    if needs_evm and not any(item.target == EVM_DB for item in contents.data_items):
        return Fault(FaultKind.NO_EVM, "it has no evm.db, without which they cannot start")
    torn = torn_heights(contents.app_height, contents.state_height, contents.store_height)
    return Fault(FaultKind.TORN, f"it is torn. {torn}") if torn else None


def missing_evm(contents: Contents) -> str | None:
    """Why nodes that need evm.db cannot start from this archive. None means that the archive holds one."""
    if any(item.target == EVM_DB for item in contents.data_items):
        return None
    return (
        f"{clean_line(contents.backup.key)} has no evm.db, but the nodes' app store needs it: "
        "every node would exit with 'failed to load EVM root' and be restarted for ever"
    )
