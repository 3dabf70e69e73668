"""Which archives a restore takes: one set of data for all its nodes, and each node's own config."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.databases import torn_heights
from loomtui.backups.model import Backup, BackupKind, Contents
from loomtui.errors import ArchiveRejected, CallError
from loomtui.inventory.model import Node
from loomtui.loom.config import REDIS_PLACE
from loomtui.loom.databases import EVM_DB
from loomtui.restore.plan import BackupPolicy
from loomtui.text import clean_line

Progress = Callable[[str], None]

#: The choice to leave a Redis address as it is although the node does not reach it.
KEEP_REDIS = "keep"


@dataclass(frozen=True)
class Choices:
    """What the operator wants. The defaults are what an incident needs: newest backups, every node."""

    data_key: str | None = None  # None: the newest one that can be used
    before: datetime | None = None  # UTC: only backups that were taken at this time or earlier
    nodes: tuple[str, ...] | None = None  # None: every node of the inventory
    stage_first: bool = False
    reset_signing: bool = False  # the operator typed the cluster's name for it
    keep_keys: bool = False  # nodes keep the keys that they have now, as far as the chain knows them
    sources: Mapping[str, str] = field(default_factory=dict)  # node -> host whose backups it gets
    gone: tuple[str, ...] = ()  # nodes that are dead for good, which the operator vouches for
    backup_policy: BackupPolicy = BackupPolicy.WAIT
    redis: str | None = None  # HOST:PORT for every Redis URI; KEEP_REDIS: as they are, knowingly


def check_redis_choice(choice: str | None) -> None:
    """Raises CallError for what is neither HOST:PORT nor 'keep'."""
    if choice not in (None, KEEP_REDIS) and not REDIS_PLACE.fullmatch(choice or ""):
        raise CallError(
            "the address of Redis is to be given as HOST:PORT, or as 'keep'",
            advice="User, password and path of the URI stay as they are in loom.yml.",
        )


@dataclass(frozen=True)
class Chosen:
    data: Contents
    config: Mapping[str, Contents]  # by node name
    warnings: tuple[str, ...] = field(default=())


class Chooser:
    """Looks into archives until it has what is needed, newest first, and says what it passed over."""

    def __init__(self, catalogue: Catalogue, choices: Choices, progress: Progress) -> None:
        self._catalogue = catalogue
        self._choices = choices
        self._progress = progress
        self._warnings: list[str] = []

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was passed over so far, and why; each thing once."""
        return tuple(dict.fromkeys(self._warnings))

    async def configs(
        self, nodes: Sequence[Node], foreign: Callable[[Contents], bool] = lambda _config: False
    ) -> Mapping[str, Contents]:
        """The newest config of each node that has one, by its name. Raises CallError.

        `foreign`: whether a config is of another chain than the data, so that an older one is wanted.
        """
        backups = await self._newest_first()
        self._check_sources(nodes, backups)
        found = {node.name: await self._newest_config(node, backups, foreign) for node in nodes}
        return {name: config for name, config in found.items() if config is not None}

    async def own_config(self, node: Node, data: Contents, is_lost: bool) -> Contents | None:
        """The config folder in a data archive, which is the own one of the host that the archive is from.

        That is right for this host and never for another. The data that were chosen are read already; another
        archive of the host is only worth a whole read where the node's own keys `is_lost`.
        """
        source = self._source(node)
        if data.backup.source == source:
            return _as_config(data)
        for backup in await self._newest_first() if is_lost else ():
            guessed = await self._guess(backup) if backup.source == source else None
            if guessed is None or guessed.kind is not BackupKind.DATA:
                continue
            try:
                return _as_config(await self._look(guessed))
            except ArchiveRejected as error:
                self._warnings.append(f"{node.name}: passed over {error.what}")
        return None

    def _source(self, node: Node) -> str:
        return self._choices.sources.get(node.name, node.backup_source)

    def _check_sources(self, nodes: Sequence[Node], backups: Sequence[Backup]) -> None:
        """Raises CallError for a mapping to a host without backups, or to one that another node has."""
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
                self._warnings.append(
                    f"{node.name}: there are no backups of {self._source(node)}; there are some of "
                    f"{', '.join(free)}, which no node of the plan gets (--map {node.name}=HOST)"
                )

    async def data(self, *, needs_evm: bool) -> Contents:
        """Raises CallError when no data backup can be taken, ArchiveRejected when the one named is bad."""
        if self._choices.data_key not in (None, "latest"):
            return await self._named(str(self._choices.data_key))
        return await self._newest_data(await self._newest_first(), needs_evm)

    async def _newest_first(self) -> tuple[Backup, ...]:
        """In the catalogue's own order, which knows that the times in keys are local to each host."""
        backups = await self._catalogue.list()
        if before := self._choices.before:
            return tuple(backup for backup in backups if backup.taken_at <= before)
        return backups

    async def _named(self, key: str) -> Contents:
        backup = await self._catalogue.find(key)
        contents = await self._look(backup)
        if not contents.data_items:
            raise CallError(f"{clean_line(key)} holds no databases", advice="Choose another: loomtui backups")
        return contents

    async def _newest_data(self, backups: Sequence[Backup], needs_evm: bool) -> Contents:
        for backup in backups:
            guessed = await self._guess(backup)
            if guessed is None or guessed.kind not in {BackupKind.DATA, BackupKind.FULL}:
                continue
            try:
                contents = await self._look(guessed)
            except ArchiveRejected as error:
                self._warnings.append(f"passed over {error.what}")  # it names the archive
                continue
            if needs_evm and not any(item.target == EVM_DB for item in contents.data_items):
                self._warnings.append(
                    f"passed over {clean_line(backup.key)}: it has no evm.db, without which they cannot start"
                )
                continue
            if torn := torn_heights(contents.app_height, contents.state_height, contents.store_height):
                self._warnings.append(f"passed over {clean_line(backup.key)}: it is torn. {torn}")
                continue
            return contents
        raise CallError(
            "there is no data backup that can be used"
            + (f" from {self._choices.before:%Y-%m-%d %H:%M} UTC or before" if self._choices.before else ""),
            advice=" ".join(self.warnings) or "See what there is: loomtui backups",
        )

    async def _newest_config(
        self, node: Node, backups: Sequence[Backup], foreign: Callable[[Contents], bool]
    ) -> Contents | None:
        for backup in backups:
            if backup.source != self._source(node):
                continue
            guessed = await self._guess(backup)
            if guessed is None or guessed.kind not in {BackupKind.CONFIG, BackupKind.FULL}:
                continue
            try:
                contents = await self._look(guessed)
            except ArchiveRejected as error:
                self._warnings.append(f"{node.name}: passed over {error.what}")
                continue
            if contents.config_items and foreign(contents):
                self._warnings.append(
                    f"{node.name}: passed over {clean_line(backup.key)}: it is of another chain than the data"
                )
            elif contents.config_items:
                return contents
        return None

    async def _guess(self, backup: Backup) -> Backup | None:
        try:
            return await self._catalogue.guess(backup)
        except ArchiveRejected as error:
            self._warnings.append(f"passed over {error.what}")
            return None

    async def _look(self, backup: Backup) -> Contents:
        name = clean_line(backup.key)
        self._progress(f"reading {name} whole")

        def show(done: int, total: int) -> None:
            self._progress(f"reading {name}: {done * 100 // max(total, 1)} %")

        return await self._catalogue.look(backup, show)


def _as_config(data: Contents) -> Contents | None:
    return replace(data, config_items=data.own_items, warnings=()) if data.own_items else None


def missing_evm(contents: Contents) -> str | None:
    """Why nodes that need evm.db cannot start from this archive; None: it holds one."""
    if any(item.target == EVM_DB for item in contents.data_items):
        return None
    return (
        f"{clean_line(contents.backup.key)} has no evm.db, but the nodes' app store needs it: "
        "every node would exit with 'failed to load EVM root' and be restarted for ever"
    )
