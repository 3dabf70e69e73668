"""The one reader of sizes as people type them."""

from __future__ import annotations

import re

#: For people: what can be typed.
HOW = "a number of bytes, or one with kB, MB, GB, TB, KiB, MiB, GiB or TiB"
#: What a size looks like, as a JSON Schema has it (ECMA 262); `read_size` also minds its bound.
FORM = r"^\s*([0-9]{1,19}(?:\.[0-9]{1,6})?)\s*(?:([kmgtKMGT])([iI])?)?[bB]?\s*$"

_SIZE = re.compile(FORM, re.ASCII)
_POWERS = "kmgt"
_MOST = 2**62


def read_size(typed: str) -> int:
    """The number of bytes. Raises ValueError with a sentence."""
    match = _SIZE.fullmatch(typed)
    if match is None:
        raise ValueError(f"{typed!r} is not a size.")
    number, unit, binary = match.groups()
    factor = (1024 if binary else 1000) ** (_POWERS.index(unit.lower()) + 1) if unit else 1
    size = int(float(number) * factor) if "." in number else int(number) * factor
    if size > _MOST:
        raise ValueError(f"{typed!r} is more than any archive has.")
    return size
