"""node_key.json and priv_validator.json, as Tendermint 0.27.3 reads and writes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loomtui.drill.node.amino import AminoError, plain, quoted

_PRIVATE = "tendermint/PrivKeyEd25519"
_PUBLIC = "tendermint/PubKeyEd25519"


class KeyFileError(Exception):
    """The file is there and says nothing useful; the text is Go's."""


class KeyPanicError(Exception):
    """Go's runtime error on a document without a key."""


def new_private_key(seed: bytes | None = None) -> bytes:
    """Seed and public key, 64 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
    )  # slow to import, rarely needed

    seed = seed or os.urandom(32)
    return seed + Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def identity(public: bytes) -> str:
    """Lower-case hex: a node's ID. In upper case: a validator's address."""
    return hashlib.sha256(public).digest()[:20].hex()


def node_key_text(private: bytes) -> str:
    return json.dumps({"priv_key": _key(_PRIVATE, private)}, separators=(",", ":"))


def read_node_key(path: Path) -> bytes:
    """The private key. Raises FileNotFoundError, KeyFileError, KeyPanicError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(str(error)) from None
    document = _document(text)
    key = document.get("priv_key")
    if key is None:
        raise KeyPanicError("invalid memory address or nil pointer dereference")
    private = _bytes(key, _PRIVATE, 64)
    if not any(private[32:]):
        raise KeyPanicError("Expected PrivKeyEd25519 to include concatenated pubkey bytes")
    return private


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        short = not text.strip() or text.strip() in ("{", "[", '"')
        problem = "unexpected end of JSON input" if short else f"invalid character {text.strip()[:1]!r}"
        raise KeyFileError(problem) from None
    if not isinstance(document, dict):
        raise KeyFileError("json: cannot unmarshal array into Go value")
    return document


def _bytes(key: object, kind: str, size: int) -> bytes:
    if not isinstance(key, dict) or key.get("type") != kind or not isinstance(key.get("value"), str):
        raise KeyFileError("unrecognized concrete type name")
    try:
        raw = base64.b64decode(key["value"], validate=True)
    except (binascii.Error, ValueError):
        raise KeyFileError("illegal base64 data") from None
    if len(raw) != size:
        raise KeyFileError(f"expected {size} bytes, got {len(raw)}")
    return raw


def _key(kind: str, raw: bytes) -> dict[str, str]:
    return {"type": kind, "value": base64.b64encode(raw).decode()}


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
        return _key(_PUBLIC, self.private[32:])

    @classmethod
    def load(cls, path: Path) -> PrivValidator:
        """Raises FileNotFoundError, KeyFileError."""
        document = _document(path.read_text("utf-8", "replace"))
        try:
            return cls(
                path,
                _bytes(document["priv_key"], _PRIVATE, 64),
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
        return json.dumps({**document, "priv_key": _key(_PRIVATE, self.private)}, indent=2)

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
