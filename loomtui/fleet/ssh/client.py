"""What loomtui uses of paramiko's client.

Code for keys, agents and files of OpenSSH imports its own parts.
"""

from __future__ import annotations

from paramiko import Channel, Transport
from paramiko.common import OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED, OPEN_FAILED_CONNECT_FAILED
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    ChannelException,
    IncompatiblePeer,
    SSHException,
)

from loomtui.aio import Threads

__all__ = [
    "OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED",
    "OPEN_FAILED_CONNECT_FAILED",
    "THREADS",
    "AuthenticationException",
    "BadAuthenticationType",
    "Channel",
    "ChannelException",
    "IncompatiblePeer",
    "SSHException",
    "Transport",
]

#: Where paramiko's blocking calls run; shared by all fleets of the process.
THREADS = Threads("fleet")
