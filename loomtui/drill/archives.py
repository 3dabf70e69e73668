"""Backups as backup.sh makes them: which files, under which names, in which compression."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import zstandard


class Layout(StrEnum):
    RSYNC = "rsync"  # last path parts only: app.db chaindata config genesis.json loom.yml loom.service
    TAR = "tar"  # whole paths without the leading slash: home/ubuntu/app.db …
    OLD = "old"  # rsync of August 2018: single files at top level, no validator file


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


def pack(entries: Mapping[str, Path | bytes], extension: str, moment: datetime) -> bytes:
    """A tar archive of files and folders under the names given. `extension`: tar.bz2, tar.gz or tar.zst."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, source in entries.items():
            _add(archive, name, source, moment)
    return _COMPRESS[extension](plain.getvalue())


_COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "tar.bz2": lambda data: bz2.compress(data, 1),
    "tar.gz": lambda data: gzip.compress(data, 6),
    "tar.zst": lambda data: zstandard.ZstdCompressor(level=3).compress(data),
}


def _add(archive: tarfile.TarFile, name: str, source: Path | bytes, moment: datetime) -> None:
    def at_backup_time(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.mtime = int(moment.timestamp())
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


def config_entries(files: ConfigFiles, layout: Layout) -> dict[str, Path | bytes]:
    own: dict[str, Path | bytes] = {"genesis.json": files.loom_genesis, "loom.yml": files.loom_yml}
    if layout is Layout.TAR:
        home = str(files.home).lstrip("/")
        entries: dict[str, Path | bytes] = {
            f"{home}/chaindata/config/{name}": text for name, text in files.config.items()
        }
        entries |= {f"{home}/{name}": text for name, text in own.items()}
        return entries | {str(files.unit).lstrip("/"): files.unit_text}
    if layout is Layout.OLD:
        kept = {name: files.config[name] for name in ("node_key.json", "config.toml")}
        return {**own, **kept, files.unit.name: files.unit_text}
    return {
        **{f"config/{name}": text for name, text in files.config.items()},
        **own,
        files.unit.name: files.unit_text,
    }


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
