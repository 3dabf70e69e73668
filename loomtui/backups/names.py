"""What the key of an object in S3 says. Source: go-loom backup/utils/backup.sh, domain facts 5."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from loomtui.backups.model import Compression

_SUFFIXES: tuple[tuple[str, Compression], ...] = (
    (".tar.bz2", Compression.BZIP2),
    (".tar.gz", Compression.GZIP),
    (".tgz", Compression.GZIP),
    (".tar.zst", Compression.ZSTD),
    (".tar.xz", Compression.XZ),
    (".tar", Compression.NONE),
)
_STEM = re.compile(r"(\d{4}-\d\d-\d\d--\d{6})-([A-Za-z0-9._-]{1,253})", re.ASCII)


def read_key(key: str, prefix: str) -> tuple[str | None, datetime | None, Compression | None]:
    """The host that the backup came from, when it was taken, and how it is packed, as far as the key says.

    backup.sh makes `YYYY-MM-DD--HHMMSS-HOST.tar.bz2` behind a prefix with or without a final slash. The time
    is the node's local time at the start of the script; it is taken as UTC. Keys of any other form say
    nothing but, by their suffix, how they are packed.
    """
    name = _name_in(key, prefix)
    compression = next((found for suffix, found in _SUFFIXES if name.endswith(suffix)), None)
    stem = next((name.removesuffix(suffix) for suffix, _ in _SUFFIXES if name.endswith(suffix)), "")
    match = _STEM.fullmatch(stem)
    if match is None:
        return None, None, compression
    try:
        taken_at = datetime.strptime(match[1], "%Y-%m-%d--%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None, None, compression
    return match[2], taken_at, compression


def _name_in(key: str, prefix: str) -> str:
    name = key.rsplit("/", 1)[-1]
    lead = prefix.rsplit("/", 1)[-1]
    return name.removeprefix(lead) if key.startswith(prefix) else name
