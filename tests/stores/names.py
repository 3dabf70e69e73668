"""Host names that no DNS has, for this process alone."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


@contextmanager
def names_below(domain: str, address: str) -> Iterator[None]:
    """The domain, and every name below it, is this address."""
    real = socket.getaddrinfo

    def look_up(host: str | bytes | None, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host or ""
        is_below = name == domain or name.endswith(f".{domain}")
        return real(address if is_below else host, *args, **more)

    with patch.object(socket, "getaddrinfo", look_up):
        yield
