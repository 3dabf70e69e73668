"""Backups as backup.sh makes them: which files, under which names, in which compression."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import zstandard


class Method(StrEnum):
    """How backup.sh collects: rsync keeps the last part of a path, tar all of it but the first slash."""

    RSYNC = "rsync"
    TAR = "tar"
    ABSOLUTE_TAR = "tar of absolute paths"  # home/ubuntu/loom.yml …


class Era(StrEnum):
    """The versions of backup.sh by what a config backup holds. Source: go-loom, backup/utils/backup.sh."""

    BARE = "8ee64a2"  # 2018-08-08: nothing of chaindata/config; the unit's name is fixed
    UNIT = "9208799"  # 2018-08-09: the unit of the configured service
    NODE_KEY = "41bd257"  # 2018-08-16: and two files of chaindata/config
    CONTENTS = "38c3b31"  # 2018-08-16: and `chaindata/config/`: rsync puts its files among the others
    FOLDER = "920b0f5"  # 2018-09-06: and `chaindata/config`


_FIRST_UNIT = "delegatecall.service"
_NAMED_FILES = ("node_key.json", "config.toml")

DATA = ("app.db", "chaindata", "evm.db", "receipts_db", "app_v2.db")
OLD_DEFAULT_DATA = ("app.db", "chaindata")  # what backup.sh takes unless it is told otherwise: lacks evm.db


@dataclass(frozen=True)
class Upload:
    """An object to be put into S3."""

    key: str
    body: bytes
    taken_at: datetime


def object_key(prefix: str, taken_at: datetime, hostname: str, extension: str) -> str:
    return f"{prefix}{taken_at:%Y-%m-%d--%H%M%S}-{hostname}.{extension}"


def pack(entries: Mapping[str, Path | bytes], extension: str, modified_at: datetime) -> bytes:
    """A tar archive of files and folders under the names given. `extension`: tar.bz2, tar.gz or tar.zst."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, source in entries.items():
            _add(archive, name, source, modified_at)
    return _COMPRESS[extension](plain.getvalue())


_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "tar.bz2": lambda data: bz2.compress(data, 1),
    "tar.gz": lambda data: gzip.compress(data, 6),
    "tar.zst": lambda data: zstandard.ZstdCompressor(level=3).compress(data),
}


def _add(archive: tarfile.TarFile, name: str, source: Path | bytes, modified_at: datetime) -> None:
    def at_backup_time(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = int(modified_at.timestamp())
        member.uid = member.gid = 1000
        member.uname = member.gname = "ubuntu"
        return member

    if isinstance(source, Path):
        archive.add(source, name, filter=at_backup_time)
        return
    member = at_backup_time(tarfile.TarInfo(name))
    member.size = len(source)
    member.mode = 0o600 if name.endswith(("node_key.json", "priv_validator.json")) else 0o644
    archive.addfile(member, io.BytesIO(source))


@dataclass(frozen=True)
class ConfigFiles:
    """What one node's config backup holds."""

    home: Path  # absolute, on the host that it was taken from
    unit: Path
    unit_text: bytes
    config: Mapping[str, bytes]  # names below chaindata/config
    loom_genesis: bytes
    loom_yml: bytes


def config_entries(files: ConfigFiles, era: Era, method: Method) -> dict[str, Path | bytes]:
    unit = files.unit.with_name(_FIRST_UNIT) if era is Era.BARE else files.unit
    own: dict[str, bytes] = {"genesis.json": files.loom_genesis, "loom.yml": files.loom_yml}
    held = {name: files.config[name] for name in _held_of_config(files, era)}
    if method is not Method.RSYNC:
        prefix = f"{files.home}/".lstrip("/") if method is Method.ABSOLUTE_TAR else ""
        own |= {f"chaindata/config/{name}": text for name, text in held.items()}
        return {**{prefix + name: text for name, text in own.items()}, str(unit)[1:]: files.unit_text}
    folder = "config/" if era is Era.FOLDER else ""
    # Of two arguments that become one name, rsync takes the first: Tendermint's genesis.json is lost.
    return {**{folder + name: text for name, text in held.items()}, **own, unit.name: files.unit_text}


def _held_of_config(files: ConfigFiles, era: Era) -> Sequence[str]:
    if era in (Era.BARE, Era.UNIT):
        return ()
    return _NAMED_FILES if era is Era.NODE_KEY else tuple(files.config)


def data_entries(
    snapshot: Path, items: tuple[str, ...], config: Mapping[str, bytes], prefix: str = ""
) -> dict[str, Path | bytes]:
    """Databases, and with `chaindata` the backup node's own config."""
    entries: dict[str, Path | bytes] = {}
    for item in items:
        entries[f"{prefix}{item}"] = snapshot / item
    if "chaindata" in items:
        entries |= {f"{prefix}chaindata/config/{name}": text for name, text in config.items()}
    return entries
