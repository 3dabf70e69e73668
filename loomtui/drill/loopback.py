"""Loopback addresses and ports of this machine that nobody uses."""

from __future__ import annotations

import random
import socket
from collections.abc import Sequence

_TRIES = 50


def free_network(nodes: int, ports: Sequence[int]) -> str:
    """The first three parts of loopback addresses on which nobody uses these ports. Raises OSError."""
    source = random.SystemRandom()
    for _ in range(_TRIES):
        network = f"127.{source.randrange(1, 255)}.{source.randrange(0, 256)}"
        addresses = [f"{network}.{number}" for number in range(1, nodes + 2)]
        if all(_is_free(address, port) for address in addresses for port in ports):
            return network
    raise OSError("no free loopback addresses")


def free_ports(count: int) -> list[int]:
    """Below the range from which outgoing connections take theirs. Raises OSError."""
    source = random.SystemRandom()
    for _ in range(_TRIES):
        first = source.randrange(20000, 32000)
        if all(_is_free("127.0.0.1", port) for port in range(first, first + count)):
            return list(range(first, first + count))
    raise OSError("no free ports")


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
