"""What the key of an object in S3 says. Source: go-loom backup/utils/backup.sh, docs/loom.md 5."""

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
    is the node's local time at the start of the script, written here as if it were UTC. Keys of any other
    form only say, by their suffix, how the archive is packed.
    """
    name = _name_in(key, prefix)
    compression = next((packing for suffix, packing in _SUFFIXES if name.endswith(suffix)), None)
    stem = next((name.removesuffix(suffix) for suffix, _ in _SUFFIXES if name.endswith(suffix)), "")
    match = _STEM.fullmatch(stem)
    if match is None:
        return None, None, compression
    try:
        taken_at = datetime.strptime(match[1], "%Y-%m-%d--%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None, None, compression
    return match[2], taken_at, compression


#: Forms in which backups are kept although loomtui reads none of them, and beginnings of uploads.
_MEANT = re.compile(
    r"\.(?:tar|tgz|tbz2?|txz|bz2|gz|xz|zst|lz4|lzo|lz|7z|zip|cpio|gpg|pgp|age|enc|part|tmp)$", re.IGNORECASE
)
#: What lies beside an archive and is none, whatever its name begins with.
_BESIDE = re.compile(
    r"\.(?:md5|sha1|sha224|sha256|sha384|sha512|b2|crc32?|sig|asc|minisig|txt|md|json|ya?ml|log|csv|html?|sh)$",
    re.IGNORECASE,
)
_FORM = re.compile(r"\d{4}-\d\d-\d\d--\d{6}-([A-Za-z0-9._-]{1,253})", re.ASCII)


def meant_as_backup(key: str, prefix: str) -> bool:
    """Whether it has the form of a backup's name, or ends as an archive does, whatever it may hold."""
    name = _name_in(key, prefix)
    if lies_beside(key):
        return False
    return key == prefix or _FORM.fullmatch(name) is not None or _MEANT.search(name) is not None


def lies_beside(key: str) -> bool:
    """Whether its ending is that of a checksum, a signature or a text, whatever its name begins with."""
    return _BESIDE.search(key) is not None


def may_be_of(key: str, prefix: str, source: str) -> bool:
    """Whether the name is one of this host's backups, even with an ending that loomtui does not read."""
    form = _FORM.fullmatch(_name_in(key, prefix))
    return form is not None and (form[1] == source or form[1].startswith(f"{source}."))


def _name_in(key: str, prefix: str) -> str:
    name = key.rsplit("/", 1)[-1]
    lead = prefix.rsplit("/", 1)[-1]
    return name.removeprefix(lead) if key.startswith(prefix) else name
