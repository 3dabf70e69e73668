"""The operator's ProxyCommand: a program between us and the server."""

from __future__ import annotations

import socket
import subprocess

from loomtui.fleet.ssh.client import THREADS


def start_proxy(command: str, timeout: float, *, gives_socket: bool = False) -> socket.socket:
    """Runs it at the other end of a socket pair, and gives ours. It ends when that is closed.

    With ProxyUseFdpass (`gives_socket`), it connects, hands its connected socket over, and ends: that one is
    given then. Raises OSError if none comes within `timeout` seconds.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        # A shell's text by definition (ssh_config(5)), from the operator's own SSH configuration.
        process = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=subprocess.DEVNULL,
        )
    THREADS.start(lambda: _reap(process))
    if not gives_socket:
        return ours
    with ours:
        ours.settimeout(timeout)
        _, handed, _, _ = socket.recv_fds(ours, 1, 1)
    if not handed:
        raise OSError("the ProxyCommand has handed no connection over")
    return socket.socket(fileno=handed[0])


def _reap(process: subprocess.Popen[bytes]) -> None:
    process.wait()
