"""Secrets that can be told again wherever they turn up, and where to look for them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, quote_plus

from loomtui.drill.practice import Practice


@dataclass(frozen=True)
class Leak:
    """Where a secret was found; the secret itself is named, not shown."""

    secret: str
    where: str


def forms(secret: str) -> frozenset[bytes]:
    """The secret as it may be written: plain, in a URL, in JSON, in base64 at each offset, in hex."""
    raw = secret.encode()
    plain = {secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
    shifted = {base64.b64encode(b"x" * offset + raw)[4 if offset else 0 : -4] for offset in (0, 1, 2)}
    encoded = {base64.b64encode(raw).rstrip(b"="), raw.hex().encode(), raw.hex().upper().encode(), *shifted}
    return frozenset(form for form in ({text.encode() for text in plain} | encoded) if len(form) >= 8)


class Secrets:
    """Marked secrets by what they are."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._forms = {name: forms(secret) for name, secret in named.items()}

    def add(self, name: str, secret: str) -> None:
        self._forms[name] = forms(secret)

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._forms)

    def within(self, content: bytes | str, where: str) -> Iterator[Leak]:
        data = content.encode("utf-8", "replace") if isinstance(content, str) else content
        for name, wanted in self._forms.items():
            if any(form in data for form in wanted):
                yield Leak(name, where)

    def in_files(self, *folders: Path, without: Iterable[Path] = ()) -> Iterator[Leak]:
        """Names and contents of all files below."""
        left_out = tuple(without)
        for folder in folders:
            for path in folder.rglob("*"):
                if any(path == skipped or skipped in path.parents for skipped in left_out):
                    continue
                yield from self.within(str(path), f"the name {path.name}")
                if path.is_file() and not path.is_symlink():
                    yield from self.within(path.read_bytes(), str(path))


def key_values(practice: Practice) -> dict[str, str]:
    """The private halves of every node's keys: base64 of 64 bytes, the first 32 of which are secret."""
    found = {}
    for name in practice.names:
        config = practice.working_directory(name) / "chaindata/config"
        for file in ("node_key.json", "priv_validator.json"):
            found[f"{file} of {name}"] = private_half((config / file).read_text())
    return found


def private_half(key_file: str) -> str:
    """Thirty bytes of the seed in the text of a node_key.json or priv_validator.json."""
    value: str = json.loads(key_file)["priv_key"]["value"]
    return value[:40]


#: What a URL of S3 is signed with, wherever it stands.
SIGNATURE = re.compile(rb"X-Amz-Signature(?:=|%3D)[0-9a-f]{8}", re.IGNORECASE)
