"""priv_validator.json, as Tendermint 0.27.3 reads and writes it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loomtui.drill.node.amino import AminoError, plain, quoted
from loomtui.drill.node.keys import (
    PRIVATE,
    PUBLIC,
    KeyFileError,
    identity,
    key_document,
    read_document,
    read_key,
)


class SigningError(Exception):
    """Tendermint's own words."""


@dataclass
class PrivValidator:
    """A validator's key and what it signed last, one file. Saved before a signature is given away."""

    path: Path
    private: bytes
    height: int = 0
    round: int = 0
    step: int = 0  # 0 none, 1 propose, 2 prevote, 3 precommit
    signature: str = ""
    sign_bytes: str = ""

    @property
    def address(self) -> str:
        return identity(self.private[32:]).upper()

    @property
    def public_key(self) -> dict[str, str]:
        return key_document(PUBLIC, self.private[32:])

    @classmethod
    def load(cls, path: Path) -> PrivValidator:
        """Raises FileNotFoundError, KeyFileError."""
        document = read_document(path.read_text("utf-8", "replace"))
        try:
            return cls(
                path,
                read_key(document["priv_key"], PRIVATE, 64),
                quoted(document["last_height"]),
                quoted(document["last_round"]),
                plain(document["last_step"]),
                document.get("last_signature", ""),
                document.get("last_signbytes", ""),
            )
        except AminoError as error:
            raise KeyFileError(str(error)) from None
        except (KeyError, TypeError, ValueError) as error:
            raise KeyFileError(f"cannot unmarshal: {error}") from None

    def sign(self, height: int, round_: int, step: int, content: bytes) -> str:
        """Raises SigningError: at or below what was signed last, unless it is the very same."""
        content_text = content.hex().upper()
        if height < self.height:
            raise SigningError("Height regression")
        if height == self.height and round_ < self.round:
            raise SigningError("Round regression")
        if (height, round_) == (self.height, self.round) and step < self.step:
            raise SigningError("Step regression")
        if (height, round_, step) == (self.height, self.round, self.step):
            if not self.sign_bytes:
                raise SigningError("No LastSignature found")
            if self.sign_bytes != content_text:
                raise SigningError("Conflicting data")
            return self.signature
        self.height, self.round, self.step = height, round_, step
        self.signature = base64.b64encode(hashlib.sha512(self.private + content).digest()).decode()
        self.sign_bytes = content_text
        self.save()
        return self.signature

    def text(self) -> str:
        last: dict[str, Any] = {
            "last_height": str(self.height),
            "last_round": str(self.round),
            "last_step": self.step,
        }
        if self.sign_bytes:
            last |= {"last_signature": self.signature, "last_signbytes": self.sign_bytes}
        document = {"address": self.address, "pub_key": self.public_key, **last}
        return json.dumps({**document, "priv_key": key_document(PRIVATE, self.private)}, indent=2)

    def save(self) -> None:
        """Raises OSError; the old file stays then, and nothing beside it."""
        new = self.path.with_name(f".{self.path.name}.new")
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(self.text())
        except OSError:
            new.unlink()
            raise
        new.replace(self.path)
