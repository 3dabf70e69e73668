"""The P2P identity of a node: `node_key.json`, the node ID, and what `loom nodekey` prints.

Sources: tendermint 0.27.3 p2p/key.go and crypto/ed25519/ed25519.go; loomchain cmd/loom/loom.go (`nodekey`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

from loomtui.text import clean_line

#: A node ID as Tendermint writes and compares it: 40 lower-case hex digits.
NODE_ID = re.compile(r"\A[0-9a-f]{40}\Z")

_MAX_BYTES = 64 * 1024
_KEY_TYPE = "tendermint/PrivKeyEd25519"


@dataclass(frozen=True)
class NodeKeyFacts:
    """What may be known of a node key: nothing private is in here."""

    node_id: str | None  # 40 lower-case hex digits
    public_key: str | None  # base64 of 32 bytes
    problem: str | None = None  # why there is no ID: 'missing', 'not JSON', …


def node_id(public_key: bytes) -> str:
    """The ID of a node: the first 20 bytes of SHA-256 of its public key, in lower-case hex."""
    return hashlib.sha256(public_key).hexdigest()[:40]


def validator_address(public_key: bytes) -> str:
    """The address of a validator: by the same rule as a node ID, in upper-case hex."""
    return node_id(public_key).upper()


def read_node_key(text: str | bytes) -> NodeKeyFacts:
    """The facts of a `node_key.json`; its private part is dropped. Never raises."""
    raise NotImplementedError


def from_public_key(value_b64: str) -> NodeKeyFacts:
    """The facts for a public key in base64, as a node gives it. Never raises."""
    raise NotImplementedError


def read_nodekey_output(stdout: bytes, status: int) -> str:
    """The ID that `loom nodekey` printed.

    Judged by its form, for the command exits 0 on errors too. Raises ValueError with a sentence.
    """
    raise NotImplementedError
