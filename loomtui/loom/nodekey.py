"""The P2P identity of a node: `node_key.json`, the node ID, and what `loom nodekey` prints.

Sources: tendermint 0.27.3 p2p/key.go and crypto/ed25519/ed25519.go; loomchain cmd/loom/loom.go (`nodekey`).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from loomtui.loom.documents import base64_bytes, member, read_object
from loomtui.text import clean_line

#: A node ID as Tendermint writes and compares it: 40 lower-case hex digits.

_MAX_BYTES = 64 * 1024
_KEY_TYPE = "tendermint/PrivKeyEd25519"


@dataclass(frozen=True)
class NodeKeyFacts:
    """What may be known of a node key: nothing private is in here."""

    node_id: str | None  # 40 lower-case hex digits
    public_key: str | None  # base64 of 32 bytes
    problem: str | None = None  # why there is no ID: 'missing', 'not JSON', …
    closed: bool = False  # it could not be seen: whether there is one is not known either


def node_id(public_key: bytes) -> str:
    """The ID of a node: the first 20 bytes of SHA-256 of its public key, in lower-case hex."""
    return hashlib.sha256(public_key).hexdigest()[:40]


def validator_address(public_key: bytes) -> str:
    """The address of a validator. It follows the same rule as a node ID, but in upper-case hex."""
    return node_id(public_key).upper()


def read_node_key(text: str | bytes) -> NodeKeyFacts:
    """The facts of a `node_key.json`; its private part is dropped. Never raises."""
    try:
        document = read_object(text, limit=_MAX_BYTES)
    except ValueError as error:
        return NodeKeyFacts(None, None, str(error))
    key = member(document, "priv_key")
    if not isinstance(key, Mapping):
        return NodeKeyFacts(None, None, "no priv_key in it: every start would panic")
    if member(key, "type") != _KEY_TYPE:
        return NodeKeyFacts(None, None, f"the key is of another type than {_KEY_TYPE}")
    private = base64_bytes(member(key, "value"), 64)
    if private is None:
        return NodeKeyFacts(None, None, "the key is not base64 of 64 bytes")
    return _facts(private[32:])


def from_public_key(value_b64: str) -> NodeKeyFacts:
    """The facts for a public key in base64, as a node gives it. Never raises."""
    public = base64_bytes(value_b64.strip(), 32)
    if public is None:
        return NodeKeyFacts(None, None, "the public key is not base64 of 32 bytes")
    return _facts(public)


def is_sound(facts: NodeKeyFacts) -> bool:
    """Whether the facts, which somebody else wrote down, are such as `read_node_key` gives."""
    problem = facts.problem or ""
    if facts.public_key is None:
        return facts.node_id is None and clean_line(problem) == problem
    public = base64_bytes(facts.public_key, 32)
    return public is not None and problem == "" and facts.node_id == node_id(public)


def _facts(public: bytes) -> NodeKeyFacts:
    if not any(public):
        return NodeKeyFacts(None, None, "the second half of the key is all zero: every start would panic")
    return NodeKeyFacts(node_id(public), base64.b64encode(public).decode("ascii"))


def read_nodekey_output(stdout: bytes, status: int) -> str:
    """The ID that `loom nodekey` printed.

    It is judged by its form, because the command ends with 0 on errors too. Raises ValueError with a
    sentence.
    """
    text = stdout[:_MAX_BYTES].decode("utf-8", "replace")
    if re.fullmatch(r"[0-9a-f]{40}\n?", text):
        return text[:40]
    printed = clean_line(text, limit=200)
    if printed.startswith("Error in determining Node Key"):
        raise ValueError(
            f"`loom nodekey` could not read chaindata/config/node_key.json (it ended with status {status})"
        )
    if not printed:
        raise ValueError(f"`loom nodekey` printed nothing and ended with status {status}")
    raise ValueError(f"`loom nodekey` printed no node ID but {printed!r} and ended with status {status}")
