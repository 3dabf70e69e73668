"""The look at what a run has unpacked on a node of an archive that nobody has read. It only looks."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from loomtui.errors import ScriptFailed
from loomtui.fleet.facts import Facts, read_facts
from loomtui.fleet.scripts import InspectScript
from loomtui.fleet.session import Session

_SCRIPT = InspectScript("staged")
_SECONDS = 900.0  # half a million files on a slow disk
#: Of each file in bytes: of a LOG its end tells enough; a journal is begun anew at 4 MiB by default.
_LOG_BYTES, _MANIFEST_BYTES, _JOURNAL_BYTES = 64 * 1024, 64 * 1024**2, 8 * 1024**2
#: What a node may send packed, in bytes unpacked: more is no look.
_MOST = 512 * 1024**2
_PACKED = ".gz"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENTRY = re.compile(rb"([a-zA-Z?]) (\d{1,19}) (-?\d{1,15})(?:\.\d*)? (\d{1,20}) (.*)", re.DOTALL)


@dataclass(frozen=True)
class Fingerprint:
    """By which two nodes tell whether they have unpacked the same."""

    sha256: str  # of the archive, hex
    tree: str  # of the names, types and sizes of what was unpacked, hex


class EntryType(StrEnum):
    FILE = "f"
    DIRECTORY = "d"
    SYMLINK = "l"
    OTHER = "other"  # device, FIFO, socket


@dataclass(frozen=True)
class Entry:
    """One thing that was unpacked. Names are the node's; what is no UTF-8 in them stays told apart."""

    type: EntryType
    size: int  # bytes
    mtime: int  # seconds since 1970
    inode: int  # equal ones are one file with several names
    path: str  # below the folder
    link: str  # what a symbolic link names


@dataclass(frozen=True)
class Unpacked:
    """All that is looked at: every entry, and the files that tell of databases, by their paths."""

    entries: tuple[Entry, ...]
    files: tuple[tuple[str, bytes], ...]  # of long journals and LOGs the end


async def fingerprint(session: Session, workdir: str, run: str, name: str) -> Fingerprint:
    """Of what the run has unpacked of the set `name`. Raises LoomtuiError."""
    facts = await _facts(session, workdir, run, name, "digest", 0)
    found = Fingerprint(facts.line("sha256"), facts.line("tree"))
    if not (_DIGEST.fullmatch(found.sha256) and _DIGEST.fullmatch(found.tree)):
        raise ScriptFailed(
            "the node does not tell the SHA-256 of what it has fetched",
            node=session.node.name,
            advice="Try again; it is fetched anew if it has to be.",
        )
    return found


async def look_at_staged(session: Session, workdir: str, run: str, name: str) -> Unpacked:
    """Raises LoomtuiError."""
    listing = await _facts(session, workdir, run, name, "listing", 0)
    parts = (("heads", _LOG_BYTES), ("manifests", _MANIFEST_BYTES), ("journals", _JOURNAL_BYTES))
    files = [
        file
        for part, limit in parts
        for file in _files(await _facts(session, workdir, run, name, part, limit))
    ]
    return Unpacked(tuple(_entries(listing)), tuple(files))


async def _facts(session: Session, workdir: str, run: str, name: str, part: str, limit: int) -> Facts:
    output = await session.inspect(_SCRIPT, workdir, run, name, part, str(limit), timeout=_SECONDS)
    try:
        return _unpacked(read_facts(output.stdout))
    except (zlib.error, ValueError) as error:
        raise ScriptFailed(
            f"what the node sent of its unpacked files cannot be read: {error}",
            node=session.node.name,
            advice="Try again.",
        ) from error


def _unpacked(facts: Facts) -> Facts:
    """Raises zlib.error, ValueError."""
    return Facts(
        (name.removesuffix(_PACKED), _inflated(value) if name.endswith(_PACKED) else value)
        for name in facts
        for value in facts.all(name)
    )


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    unpacked = stream.decompress(data, _MOST)
    if not stream.eof:
        raise ValueError("it is cut off, or too much")
    return unpacked


def _entries(facts: Facts) -> Iterator[Entry]:
    fields = facts.get("listing", b"").split(b"\0")
    for described, link in zip(fields[::2], fields[1::2], strict=False):
        match = _ENTRY.fullmatch(described)
        if match is None:
            continue
        kind = match[1].decode()
        yield Entry(
            EntryType(kind) if kind in set(EntryType) else EntryType.OTHER,
            int(match[2]),
            max(0, int(match[3])),
            int(match[4]),
            _name(match[5]),
            _name(link),
        )


def _files(facts: Facts) -> Iterator[tuple[str, bytes]]:
    for name in facts:
        for value in facts.all(name):
            path, _, data = value.partition(b"\0")
            yield _name(path), data


def _name(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
