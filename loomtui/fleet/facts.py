"""What remote scripts print: one fact a line, `name value`.

The value is in base64 or, after `=`, plain where it is printable ASCII.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping

from loomtui.text import clean, clean_line

_LINE = re.compile(rb"([A-Za-z0-9][A-Za-z0-9._/-]{0,199}) (?:=([ -~]*)|([A-Za-z0-9+/]*={0,2}))\r?")


class Facts(Mapping[str, bytes]):
    """The facts by name. A name that came more than once has its last value; `all` gives every value."""

    def __init__(self, pairs: Iterator[tuple[str, bytes]]) -> None:
        self._values: dict[str, list[bytes]] = {}
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)

    def __getitem__(self, name: str) -> bytes:
        return self._values[name][-1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def all(self, name: str) -> tuple[bytes, ...]:
        return tuple(self._values.get(name, ()))

    def line(self, name: str, default: str = "") -> str:
        """The value as one clean line."""
        return clean_line(self[name]) if name in self else default

    def text(self, name: str, *, limit: int = 4_000_000) -> str | None:
        """The value as clean text, or None if the node did not give it."""
        return clean(self[name], limit=limit) if name in self else None

    def number(self, name: str) -> int | None:
        """The value as a whole number, or None if it is absent or no number."""
        value = self.get(name, b"").strip()
        return int(value) if re.fullmatch(rb"-?[0-9]{1,20}", value) else None

    def decimal(self, name: str) -> float | None:
        """The value as a number of 0 or more, perhaps with a fraction, or None if it is none."""
        value = self.get(name, b"").strip()
        return float(value) if re.fullmatch(rb"[0-9]{1,12}(\.[0-9]{1,12})?", value) else None

    def under(self, prefix: str) -> dict[str, bytes]:
        """All facts `PREFIX/REST`, by REST."""
        start = f"{prefix}/"
        return {name.removeprefix(start): self[name] for name in self if name.startswith(start)}


def joined(*several: Facts) -> Facts:
    """All of these as one: of a name that is in several, the last one's value counts."""
    return Facts((name, value) for facts in several for name in facts for value in facts.all(name))


def read_facts(stdout: bytes) -> Facts:
    """Reads facts, and passes over all other lines: a node may print whatever it likes between them."""
    return Facts(_pairs(stdout))


def _pairs(stdout: bytes) -> Iterator[tuple[str, bytes]]:
    for line in stdout.split(b"\n"):
        match = _LINE.fullmatch(line)
        if not match:
            continue
        name, plain, encoded = match.groups()
        if plain is not None:
            yield name.decode(), plain
            continue
        try:
            yield name.decode(), base64.b64decode(encoded, validate=True)
        except binascii.Error:
            continue
