"""Counts what goes through this process's sockets, to and from nodes and S3."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass
class Traffic:
    bytes: int = 0  # both ways; of what is encrypted, the encrypted ones


@contextmanager
def counted_traffic() -> Iterator[Traffic]:
    """Of all sockets that Python's own `socket` makes, which paramiko and boto3 use."""
    traffic = Traffic()
    names = ("recv", "recv_into", "send", "sendall")
    before: dict[str, Callable[..., Any]] = {name: getattr(socket.socket, name) for name in names}

    def counting(call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(self: socket.socket, data: Any, *rest: Any) -> Any:
            done = call(self, data, *rest)
            amount = done if isinstance(done, int) else len(data if done is None else done)
            traffic.bytes += amount
            return done

        return counted

    for name, call in before.items():
        setattr(socket.socket, name, counting(call))
    try:
        yield traffic
    finally:
        for name in names:
            delattr(socket.socket, name)  # the methods of the class below it are back
