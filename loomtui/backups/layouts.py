"""What an archive is, by what it holds. It knows every layout that backup.sh ever made. Pure.

Source: docs/loom.md 5 (go-loom backup/utils/backup.sh, all versions, both methods). rsync flattens each
argument to its last part; tar keeps the path and drops the leading slash. So things are found at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from loomtui.backups.configs import (
    Candidate,
    FileFacts,
    candidates,
    choose,
    is_leftover,
    leftover_warnings,
    oversized,
)
from loomtui.backups.members import ADVICE, Parts, check_members, parts_of
from loomtui.backups.model import BackupKind, Item, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom.databases import (
    APP_DB,
    BLOCK_DATA,
    CHAIN_CONFIG,
    CONFIG_TARGETS,
    EVM_DB,
    LOOM_CONFIG,
    LOOM_GENESIS,
    NODE_KEY,
    UNIT,
    VALIDATOR,
)
from loomtui.text import clean_line

__all__ = ["FileFacts", "Layout", "check_members", "classify", "guess_kind"]

#: What is restored of the state, where it is in the archive. `old_app_*.db` and `mempool.wal` are not: the
#: node needs neither.
DATABASES = (APP_DB, EVM_DB, "receipts_db", "app_v2.db", "block_index.db", "events.db")
_BLOCK_STORE = ("chaindata", "data", "blockstore.db")
#: What lies in there is no config, whatever comes first: the consensus WAL may be a gigabyte.
_BLOCKS = ("chaindata", "data")
_PLAIN = re.compile(r"[A-Za-z0-9._/@+:=,~ -]+")


@dataclass(frozen=True)
class Layout:
    kind: BackupKind
    data_items: tuple[Item, ...] = ()
    config_items: tuple[Item, ...] = ()
    warnings: tuple[str, ...] = ()
    #: The same as `config_items` would be, for a data archive too: whose identity lies in it.
    identity: tuple[Item, ...] = ()

    @property
    def own_items(self) -> tuple[Item, ...]:
        """The config of the host that it is from; of a data archive its chaindata/config, not offered."""
        return self.config_items or tuple(
            item for item in self.identity if item.target.startswith(CHAIN_CONFIG)
        )


def classify(members: Sequence[Member], files: Mapping[str, FileFacts] | None = None) -> Layout:
    """The kind, items and warnings of an archive with these members.

    `files` tells what was read of config files, by path; without it, place and name decide. Raises
    ArchiveRejected if two things in it claim to be the same, or if links are among the items.
    """
    folders = _Folders(members)
    config_candidates = candidates(members, files)
    config, ambiguous = choose(config_candidates)
    databases = folders.databases()
    has_data = folders.has_app and folders.has_blocks
    kind = _kind(folders, config, config_candidates)
    warnings = [*ambiguous, *oversized(members), *leftover_warnings(config_candidates)]
    data_items: tuple[Item, ...] = ()
    if has_data:
        data_items = tuple(Item(source, target) for target, source in databases.items())
        warnings += _data_warnings(kind, databases, folders, config_candidates)
    items = tuple(Item(config[target].path, target) for target in CONFIG_TARGETS if target in config)
    offered = items if kind in (BackupKind.CONFIG, BackupKind.FULL) else ()
    if kind in (BackupKind.CONFIG, BackupKind.FULL):
        warnings += _missing_files(config)
    elif kind is BackupKind.UNKNOWN:
        warnings.append(_why_unknown(folders))
    warnings += _check_links(members, data_items, offered)
    _check_plain((*data_items, *offered))
    return Layout(kind, data_items, offered, tuple(dict.fromkeys(warnings)), items)


def guess_kind(members: Sequence[Member], files: Mapping[str, FileFacts], *, complete: bool) -> BackupKind:
    """The kind by the first members of an archive, or if it is `complete`, by all of them. Never raises."""
    if complete:
        try:
            return classify(members, files).kind
        except ArchiveRejected:
            return BackupKind.UNKNOWN
    for member in members:
        parts = parts_of(member.path)
        if APP_DB in parts or any(parts[at : at + 2] == _BLOCKS for at in range(len(parts) - 2)):
            return BackupKind.DATA
    return BackupKind.UNKNOWN


def _kind(
    folders: _Folders, config: Mapping[str, Candidate], config_candidates: Sequence[Candidate]
) -> BackupKind:
    """A data archive is full only if its config can be of the same run: see `is_leftover`."""
    if folders.has_app and folders.has_blocks:
        own = LOOM_CONFIG in config and (UNIT in config or LOOM_GENESIS in config)
        return BackupKind.FULL if own and not is_leftover(config_candidates) else BackupKind.DATA
    if folders.has_app or folders.has_blocks:
        return BackupKind.UNKNOWN
    if NODE_KEY in config or LOOM_CONFIG in config or (UNIT in config and LOOM_GENESIS in config):
        return BackupKind.CONFIG
    return BackupKind.UNKNOWN


class _Folders:
    """Where the databases lie. If two have the same name, they cannot both be the node's."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._spelling: dict[Parts, set[str]] = {}
        apps: set[Parts] = set()
        self.has_state = False
        for member in members:
            parts = parts_of(member.path)
            if parts[-2:] == (APP_DB, "CURRENT") and member.type is MemberType.FILE:
                apps.add(parts[:-1])
            for end in _database_ends(parts, member.type):
                self._spelling.setdefault(parts[:end], set()).add(_as_stored(member.path, end))
            self.has_state |= any(
                parts[at : at + 3] == ("chaindata", "data", "state.db") for at in range(len(parts))
            )
        self.has_app = bool(apps)
        self._torn_apps = {parts for parts in self._spelling if parts[-1] == APP_DB and parts not in apps}
        for parts in self._torn_apps:
            del self._spelling[parts]
        self.has_blocks = any(parts[-1] == "data" for parts in self._spelling)

    @property
    def has_torn_app(self) -> bool:
        return bool(self._torn_apps)

    def databases(self) -> dict[str, str]:
        """Maps each target to its source, as the archive spells it."""
        sources: dict[str, str] = {}
        for target in (BLOCK_DATA, *DATABASES):
            name = target.rsplit("/", 1)[-1]
            places = [parts for parts in self._spelling if parts[-1] == name]
            spellings = [one for parts in places for one in sorted(self._spelling[parts])]
            if len(spellings) > 1:
                shown = " and ".join(clean_line(one, limit=120) for one in sorted(spellings)[:3])
                raise ArchiveRejected(
                    f"it holds {target} more than once ({shown}): which one is the node's cannot be told",
                    advice=ADVICE,
                )
            if spellings:
                sources[target] = spellings[0]
        return sources


def _database_ends(parts: Parts, kind: MemberType) -> Iterable[int]:
    """How many parts lead to a folder of interest: the outermost database, or chaindata/data."""
    for at, part in enumerate(parts):
        end = at + 1
        if part in DATABASES and (end < len(parts) or kind is MemberType.DIRECTORY):
            yield end
            return
        if parts[at : at + 3] == _BLOCK_STORE:
            yield at + 2
            return
        if part == "chaindata":
            return


def may_be_data(path: str) -> bool:
    """Whether a file of this path can lie in what is restored as data, whatever else the archive holds."""
    parts = parts_of(path)
    return any(part in DATABASES for part in parts[:-1]) or _BLOCK_STORE[:2] in pairwise(parts)


def _as_stored(path: str, depth: int) -> str:
    """The beginning of the path, as stored, up to its part number `depth`."""
    real = [match for match in re.finditer(r"[^/]+", path) if match[0] != "."]
    return path[: real[depth - 1].end()]


def _data_warnings(
    kind: BackupKind, databases: Mapping[str, str], folders: _Folders, config_candidates: Sequence[Candidate]
) -> list[str]:
    warnings = []
    if kind is BackupKind.DATA and any(
        candidate.rank == 0 and candidate.in_chaindata for candidate in config_candidates
    ):
        warnings.append(
            "chaindata/config in the archive is the identity of the node that the backup is from: "
            "no other node gets its keys"
        )
    if EVM_DB not in databases:
        warnings.append(
            "evm.db is not in the archive: a node with AppStore.Version 3 (2019 and later) cannot start "
            "from it"
        )
    if not folders.has_state:
        warnings.append("chaindata/data/state.db is not in the archive: a node cannot start with it")
    if "app_v2.db" in databases:
        warnings.append("app_v2.db is in the archive: a start may put it in the place of app.db")
    return warnings


def _missing_files(config: Mapping[str, Candidate]) -> list[str]:
    names = {UNIT: "unit file (*.service)"}
    return [
        f"no {names.get(target, target)} is in the archive: the node's own stays"
        + ("; it holds the validator key and the signing state" if target == VALIDATOR else "")
        for target in CONFIG_TARGETS
        if target not in config
    ]


def _why_unknown(folders: _Folders) -> str:
    if folders.has_torn_app:
        return "app.db is in the archive, but not its CURRENT: a torn backup"
    if folders.has_app:
        return "app.db is in the archive, but no chaindata/data/blockstore.db: only half of a node's state"
    if folders.has_blocks:
        return "chaindata/data/blockstore.db is in the archive, but no app.db: only half of a node's state"
    return "it holds neither the data nor the config of a Loom node"


def _check_links(members: Sequence[Member], data: Sequence[Item], config: Sequence[Item]) -> list[str]:
    """Refuses links among the items. Other links are never unpacked."""
    folders = [parts_of(item.source) for item in data]
    files = {parts_of(item.source) for item in config}
    ignored = 0
    for member in members:
        if member.type not in (MemberType.SYMLINK, MemberType.HARDLINK):
            continue
        parts, target = parts_of(member.path), parts_of(member.link)
        home = next((folder for folder in folders if parts[: len(folder)] == folder), None)
        if member.type is MemberType.HARDLINK and (
            target == parts or (home is not None and target[: len(home)] == home)
        ):
            continue
        if home is not None or parts in files:
            raise ArchiveRejected(
                f"{clean_line(member.path, limit=120)!r}, which would be restored, is a {member.type.value}",
                advice=ADVICE,
            )
        ignored += 1
    return (
        [f"{ignored} links in the archive are not among what is restored; they are left out"]
        if ignored
        else []
    )


def _check_plain(items: Sequence[Item]) -> None:
    """Refuses some names, because the node's tar gets them as arguments."""
    for item in items:
        if not _PLAIN.fullmatch(item.source) or item.source.startswith("-"):
            raise ArchiveRejected(
                f"{item.target} lies in the archive under an unusual name: "
                f"{clean_line(item.source, limit=120)!r}",
                advice=ADVICE,
            )
