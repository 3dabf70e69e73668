"""Where in a bucket lies what was prepared. Pure.

KEY.loomtui.json                        the manifest of the backup KEY
FOLDER/.loomtui/parts/NAME.tar.zst      parts of twins; FOLDER is the inventory's prefix up to its last slash
"""

from __future__ import annotations

import re

MANIFEST_SUFFIX = ".loomtui.json"
_PARTS = ".loomtui/parts/"
_PART = re.compile(r"(?:.*/)?\.loomtui/parts/[0-9a-f]{32}\.tar\.zst", re.DOTALL)


def manifest_key(backup_key: str) -> str:
    return backup_key + MANIFEST_SUFFIX


def backup_key(manifest_key: str) -> str:
    return manifest_key.removesuffix(MANIFEST_SUFFIX)


def is_manifest(key: str) -> bool:
    return key.endswith(MANIFEST_SUFFIX) and not is_part(key)


def parts_folder(prefix: str) -> str:
    """The folder of the parts, with its final slash. It need not lie below the prefix itself."""
    return prefix[: prefix.rfind("/") + 1] + _PARTS


def part_key(prefix: str, name: str) -> str:
    """`name`: the first 32 hex digits of the part's SHA-256."""
    return f"{parts_folder(prefix)}{name}.tar.zst"


def is_part(key: str) -> bool:
    return _PART.fullmatch(key) is not None


def is_prepared(key: str) -> bool:
    """Whether loomtui wrote the object beside backups, so that it is none itself."""
    return is_manifest(key) or _PARTS in key
