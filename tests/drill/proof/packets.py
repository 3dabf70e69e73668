"""Notes where every packet goes that passes any device of this network, as long as who started it lives.

Argument: a file, which gets each pair of device and destination once, a line each. Source: packet(7),
RFC 791, RFC 8200.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import sys
from pathlib import Path

_ALL_KINDS = 3  # ETH_P_ALL, linux/if_ether.h
_LINK_BYTES = 14  # Ethernet's header, which the loopback device has too
_IPV4, _IPV6 = b"\x08\x00", b"\x86\xdd"


def destination(packet: bytes) -> str:
    """An address, or what kind of packet it is that has none."""
    kind, body = packet[12:_LINK_BYTES], packet[_LINK_BYTES:]
    if kind == _IPV4:
        return str(ipaddress.IPv4Address(body[16:20]))
    return str(ipaddress.IPv6Address(body[24:40])) if kind == _IPV6 else f"kind {kind.hex()}"


def main(path: Path) -> None:
    starter = os.getppid()
    seen: set[str] = set()
    with (
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_KINDS)) as device,
        path.open("w", buffering=1) as file,
    ):
        device.settimeout(0.2)
        print("listening", file=file)
        while os.getppid() == starter:
            try:
                packet, address = device.recvfrom(65536)
            except TimeoutError:
                continue
            line = f"{address[0]} {destination(packet)}"
            if line not in seen:
                seen.add(line)
                print(line, file=file)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
