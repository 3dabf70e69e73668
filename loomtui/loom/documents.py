"""Reads JSON from nodes and archives. It is bounded and typed, and raises nothing but a ValueError."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_FRACTION = re.compile(r"(\.[0-9]{1,6})[0-9]*")
_INT64 = 2**63


def read_object(text: str | bytes, *, limit: int) -> Mapping[str, object]:
    """The JSON object in `text`. Raises ValueError with a short phrase: 'not JSON', 'too large' …"""
    if len(text) > limit:
        raise ValueError(f"larger than {limit} bytes")
    if not text.strip():
        raise ValueError("empty")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def member(value: object, *path: str) -> object:
    """The value at a path of field names, or None if there is none."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def integer(value: object) -> int | None:
    """A 64-bit integer, given as a number or, as amino writes them, as a string; None for anything else."""
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -_INT64 <= value < _INT64:
        return value
    return None


def string(value: object) -> str:
    """The string, or '' for anything else."""
    return value if isinstance(value, str) else ""


def base64_bytes(value: object, size: int) -> bytes | None:
    """The bytes that standard base64 stands for, if they are `size` many."""
    try:
        raw = base64.b64decode(string(value), validate=True)
    except (ValueError, binascii.Error):
        return None
    return raw if len(raw) == size else None


def read_time(text: str) -> datetime | None:
    """A time of RFC 3339, as Go writes it (up to nine digits of a second), in UTC; None for anything else."""
    try:
        value = datetime.fromisoformat(_FRACTION.sub(r"\1", text[:64], count=1))
        return value.astimezone(UTC) if value.tzinfo else None
    except (ValueError, OverflowError):
        return None
