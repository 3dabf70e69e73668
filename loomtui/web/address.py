"""Where the server listens, and by which names it may be called."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from loomtui.errors import CallError, Refused
from loomtui.text import clean_line


@dataclass(frozen=True)
class Address:
    """`ip` is listened on, `port` 0 is any that is free; `name` is what people call it."""

    ip: str
    port: int
    name: str

    @property
    def is_loopback(self) -> bool:
        return ipaddress.ip_address(self.ip).is_loopback

    def url(self, port: int, token: str) -> str:
        """What a browser opens; `port` is the one that was had."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return f"http://{name}:{port}/?token={token}"

    def answers_to(self, host: str) -> bool:
        """Whether a browser that sends this `Host` means us.

        Somebody else's site may give its own name our address (DNS rebinding), but it cannot be called by a
        bare address. The port is none of our business: behind an SSH tunnel it is another one.
        """
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name in ("localhost", self.name.lower()) or _is_ip(name)


def resolve(host: str, port: int, *, anywhere: bool) -> Address:
    """Raises CallError: no such address; Refused: other machines reach it and `anywhere` is not set."""
    shown = clean_line(host, limit=80)
    try:
        resolved = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise CallError(f"--host: there is no address {shown!r}.") from error
    ip = ipaddress.ip_address(str(resolved[0][4][0]).partition("%")[0])
    if not ip.is_loopback and not anywhere:
        raise Refused(
            f"--host: {shown} can be reached from other machines, and nothing on the way is encrypted.",
            safe="Nothing was served.",
            advice="Leave --host out and come through SSH, as docs/operator.md shows; or add --anywhere.",
        )
    return Address(str(ip), port, socket.gethostname() if ip.is_unspecified else host)


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
