"""The public keys that whoever runs loomtui can sign with: those of the SSH agent, and of key files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from loomtui.fleet.ssh.agent import AgentAt, socket_path
from loomtui.fleet.ssh.client import SSHException
from loomtui.fleet.ssh.keyfiles import public_blob

_AGENT_SECONDS = 5.0
#: As ssh(1) tries them where nothing is configured.
_USUAL = ("id_ed25519", "id_ed25519_sk", "id_ecdsa", "id_ecdsa_sk", "id_rsa")


def own_public_keys(named: Iterable[Path]) -> Mapping[bytes, Path | None]:
    """By public key as it travels: its private file, or None if the agent holds it.

    `named` are files besides those of ~/.ssh. An agent that does not answer holds none. Blocks.
    """
    found: dict[bytes, Path | None] = {}
    for path in dict.fromkeys((*(path.expanduser() for path in named), *_of_home())):
        if path.is_file():
            public = public_blob(path) or public_blob(path.with_name(f"{path.name}.pub"))
            if public is not None:
                found.setdefault(public, path)
    return {**found, **dict.fromkeys(_of_agent())}


def _of_home() -> Iterable[Path]:
    """The usual names, and every file that has its public key beside it."""
    folder = Path("~/.ssh").expanduser()
    with contextlib.suppress(OSError):
        beside = sorted(path.with_suffix("") for path in folder.glob("*.pub"))
        return (*(folder / name for name in _USUAL), *beside)
    return ()


def _of_agent() -> Iterable[bytes]:
    path = socket_path("")
    if path is None:
        return ()
    with contextlib.suppress(OSError, SSHException, ValueError):
        agent = AgentAt(path, _AGENT_SECONDS)
        try:
            return tuple(agent.by_blob())
        finally:
            agent.close()
    return ()
