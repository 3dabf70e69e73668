"""Hosts, ports and jump hosts as ssh_config(5) writes them.

Facts: `a2port`, `parse_user_host_port` and `parse_uri` of misc.c, `parse_jump` of readconf.c, `is_addr` of
ssh.c.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import unquote

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.lines import Place
from loomtui.text import clean_line

_URI = "ssh://"
_HOP = re.compile(
    r"(?:(?P<user>.+)@)?(?:\[(?P<address>[^\]]+)\]|(?P<host>[^\[\]@:/]+))(?:[:/](?P<port>[^/]*))?"
)


@dataclass(frozen=True)
class Hop:
    """One jump host. None: the configuration of that host says it."""

    host: str
    user: str | None = None
    port: int | None = None


def port_of(text: str) -> int | None:
    """The number of a port, or of a service that the machine knows by name; None if it is neither."""
    if text.isascii() and text.removeprefix("+").isdecimal():
        return int(text) if 0 < int(text) < 65536 else None
    try:
        return socket.getservbyname(text, "tcp")
    except (OSError, ValueError):
        return None


def port_number(text: str, place: Place) -> int:
    """Raises CallError."""
    port = port_of(text)
    if port is None:
        place.refuse(f"Port is no port: {clean_line(text, limit=40)!r}")
    return port


_FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


def literal_address(host: str, family: str = "") -> str:
    """The usual form of an IP address, or '' if this is none of the one family that is wanted.

    Fact: `resolve_addr` of ssh.c asks for addresses of AddressFamily alone.
    """
    try:
        [(_, _, _, _, address), *_] = socket.getaddrinfo(
            host,
            None,
            _FAMILIES.get(family, socket.AF_UNSPEC),
            socket.SOCK_STREAM,
            flags=socket.AI_NUMERICHOST,
        )
        usual = socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    except (OSError, UnicodeError):
        return ""
    return host if usual.lower() == host.lower() else usual


def hops(text: str) -> tuple[Hop, ...]:
    """The jump hosts of a ProxyJump, in the order in which they are gone through. Raises CallError."""
    return tuple(_hop(each.strip()) for each in text.split(","))


def proxy_jump(text: str, place: Place) -> None:
    """Raises CallError with the place for a ProxyJump that is none."""
    if any(sign in text for sign in ("#", "%", "${")):
        place.refuse("versions of OpenSSH take `#`, `%` and `${` in ProxyJump differently")
    if text.lower() == "none":
        return
    try:
        hops(text)
    except CallError as error:
        place.refuse(error.what)


def _hop(text: str) -> Hop:
    uri = text.startswith(_URI)
    match = _HOP.fullmatch(text.removeprefix(_URI).removesuffix("/") if uri else text)
    port = port_of(match["port"]) if match and match["port"] else None
    if match is None or (match["port"] and port is None):
        raise CallError(
            f"a ProxyJump entry of the SSH configuration is no host: {clean_line(text, limit=100)!r}"
        )
    user = match["user"]
    if user and uri:
        user = unquote(user.partition(";")[0])
    return Hop(match["address"] or match["host"], user or None, port)
