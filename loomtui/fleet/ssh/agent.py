"""The keys that an SSH agent holds, certificates first. Protocol: draft-ietf-sshm-ssh-agent."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from paramiko import Agent, AgentKey, Message
from paramiko.agent import AgentSSH

CERTIFICATE = "-cert-v01@openssh.com"


class AgentCertificate(AgentKey):
    """A certificate in the agent. paramiko 5.1 offers it by its name, and sends the bare key for it."""

    def __init__(self, key: AgentKey) -> None:
        super().__init__(key.agent, key.blob, key.comment)
        self.load_certificate(Message(key.blob))

    def asbytes(self) -> bytes:
        blob: bytes = self.blob
        return blob


class AgentAt(Agent):
    """The agent at a socket. paramiko's own class only knows the one of SSH_AUTH_SOCK."""

    def __init__(self, path: str, timeout: float) -> None:
        AgentSSH.__init__(self)
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(timeout)
            connection.connect(path)
            self._connect(connection)  # type: ignore[attr-defined]
            connection.settimeout(None)  # from here on a person may be asked about each signature
        except BaseException:
            connection.close()
            raise

    def by_blob(self) -> dict[bytes, AgentKey]:
        """Certificates come first: if both would do, the server knows the certificate's owner by name."""
        keys = self.get_keys()
        certificates = {key.blob: AgentCertificate(key) for key in keys if key.name.endswith(CERTIFICATE)}
        return {**certificates, **{key.blob: key for key in keys if key.blob not in certificates}}


def socket_path(setting: str) -> str | None:
    """The agent's socket, by IdentityAgent of ssh_config(5), or None if there is none."""
    if setting.lower() == "none":
        return None
    if setting.upper() == "SSH_AUTH_SOCK" or not setting:
        return os.environ.get("SSH_AUTH_SOCK")
    named = os.environ.get(setting[1:]) if setting.startswith("$") else setting
    return str(Path(named).expanduser()) if named else None
