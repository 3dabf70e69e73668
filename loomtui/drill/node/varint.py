"""Numbers as LevelDB and Amino write them: seven bits a byte, the lowest first.

Source: protobuf's encoding guide, LevelDB util/coding.cc.
"""

from __future__ import annotations


def varint(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number, and where it ends. Raises IndexError where it is cut off."""
    number = shift = 0
    while True:
        number |= (data[at] & 0x7F) << shift
        at += 1
        shift += 7
        if data[at - 1] < 0x80:
            return number, at
