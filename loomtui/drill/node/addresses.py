"""The lists of peers on the command line, as Tendermint reads them (p2p/netaddress.go)."""

from __future__ import annotations

import socket
from dataclasses import dataclass


class AddressError(Exception):
    """As Tendermint words it (p2p/netaddress.go)."""


@dataclass(frozen=True)
class Address:
    id: str  # as typed: an ID in upper case never matches
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.id}@{self.host}:{self.port}"


def parse_address(entry: str) -> Address:
    """Raises AddressError."""
    plain = entry.partition("://")[2] or entry
    identity, at, place = plain.partition("@")
    if not at:
        raise AddressError(f"Address ({entry}) does not contain ID")
    try:
        size = len(bytes.fromhex(identity))
    except ValueError:
        bad = next((c for c in identity if c not in "0123456789abcdefABCDEF"), "")
        problem = f"invalid byte: U+{ord(bad):04X} '{bad}'" if bad else "odd length hex string"
        raise AddressError(f"Invalid address ({plain}): encoding/hex: {problem}") from None
    if size != 20:
        raise AddressError(f"Invalid address ({plain}): invalid hex length - got {size}, expected 20")
    host, colon, port = place.rpartition(":")
    if not colon or not port.isdigit():
        raise AddressError(f"Invalid address ({plain}): address {place}: missing port in address")
    try:
        resolved = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except OSError:
        raise AddressError(f"Error looking up host ({host}): lookup {host}: no such host") from None
    return Address(identity, str(resolved[0][4][0]), int(port))


def split_list(value: str) -> list[str]:
    return [entry.strip() for entry in value.split(",") if entry.strip()]
