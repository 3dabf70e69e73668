"""What a node has unpacked of an archive, as archives are judged that are read here. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from loomtui.backups.archive import Reading
from loomtui.backups.configs import MAX_CONFIG_BYTES, is_config_name, target_by_content
from loomtui.backups.databases import HEIGHTS, Folder
from loomtui.backups.layouts import FileFacts
from loomtui.backups.members import ADVICE, MAX_MEMBERS, MemberCheck, Parts, parts_of
from loomtui.backups.model import Compression, Member, MemberType
from loomtui.errors import ArchiveRejected
from loomtui.loom.databases import LOOM_GENESIS, TENDERMINT_GENESIS
from loomtui.loom.manifest import file_number

#: Of the config of the archive's host no more than this is unpacked: it is public.
_PUBLIC = frozenset({TENDERMINT_GENESIS, LOOM_GENESIS})


def reading_of(
    members: Iterable[Member], files: Iterable[tuple[str, bytes]], compression: Compression | None
) -> Reading:
    """The reading of an archive that was unpacked.

    `files` are those that tell of its databases, with their paths; of long journals the end. Raises
    ArchiveRejected for what could do harm, as a whole read does.
    """
    reading = Reading(compression=compression)
    check = MemberCheck()
    for member in members:
        reading.members.append(member)
        check.add(member)
        if member.type is MemberType.FILE:
            reading.file_count += 1
            reading.unpacked_bytes += member.size
    if not reading.members:
        raise ArchiveRejected("it is an empty archive: nothing is in it", advice=ADVICE)
    regular = {parts_of(member.path): member.path for member in reading.members}
    for path, data in files:
        parts = parts_of(path)
        if parts in regular:
            _take(reading, regular[parts], parts, data)
    reading.complete = True
    return reading


def _take(reading: Reading, path: str, parts: Parts, data: bytes) -> None:
    name, folder_path = parts[-1], "/".join(parts[:-1])
    kind = file_number(name)
    if is_config_name(path):
        _take_config(reading, path, data)
        return
    if len(parts) == 1:
        return
    folder = reading.databases.setdefault(folder_path, Folder())
    if name == "CURRENT":
        folder.read_current(data)
    elif name == "LOG":
        folder.read_log(data)
    elif kind is not None and kind[0] == "manifest":
        folder.read_manifest(name, data)
        if sum(one.tables for one in reading.databases.values()) > MAX_MEMBERS:
            raise ArchiveRejected(f"its databases name more than {MAX_MEMBERS:,} tables", advice=ADVICE)
    elif kind is not None and kind[0] == "log" and parts[-2] in HEIGHTS:
        folder.read_journal(parts[-2], kind[1], data)


def _take_config(reading: Reading, path: str, data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    target = target_by_content(path, text)
    if target in _PUBLIC and len(data) <= MAX_CONFIG_BYTES:
        reading.files[path] = FileFacts(hashlib.sha256(data).hexdigest(), target)
        reading.texts[path] = text
