"""Keys in their files, and node_key.json, as Tendermint 0.27.3 reads and writes them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from pathlib import Path
from typing import Any

PRIVATE = "tendermint/PrivKeyEd25519"
PUBLIC = "tendermint/PubKeyEd25519"


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
    return json.dumps({"priv_key": key_document(PRIVATE, private)}, separators=(",", ":"))


def read_node_key(path: Path) -> bytes:
    """The private key. Raises FileNotFoundError, KeyFileError, KeyPanicError."""
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(str(error)) from None
    document = read_document(text)
    key = document.get("priv_key")
    if key is None:
        raise KeyPanicError("invalid memory address or nil pointer dereference")
    private = read_key(key, PRIVATE, 64)
    if not any(private[32:]):
        raise KeyPanicError("Expected PrivKeyEd25519 to include concatenated pubkey bytes")
    return private


def read_document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        short = not text.strip() or text.strip() in ("{", "[", '"')
        problem = "unexpected end of JSON input" if short else f"invalid character {text.strip()[:1]!r}"
        raise KeyFileError(problem) from None
    if not isinstance(document, dict):
        raise KeyFileError("json: cannot unmarshal array into Go value")
    return document


def read_key(key: object, kind: str, size: int) -> bytes:
    if not isinstance(key, dict) or key.get("type") != kind or not isinstance(key.get("value"), str):
        raise KeyFileError("unrecognized concrete type name")
    try:
        raw = base64.b64decode(key["value"], validate=True)
    except (binascii.Error, ValueError):
        raise KeyFileError("illegal base64 data") from None
    if len(raw) != size:
        raise KeyFileError(f"expected {size} bytes, got {len(raw)}")
    return raw


def key_document(kind: str, raw: bytes) -> dict[str, str]:
    return {"type": kind, "value": base64.b64encode(raw).decode()}
