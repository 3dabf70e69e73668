"""Logging in: which keys are tried, in which order, and what is said when none fits."""

from __future__ import annotations

import base64
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from paramiko import Agent, AgentKey, ECDSAKey, Ed25519Key, PKey, RSAKey, Transport
from paramiko.ssh_exception import (
    AuthenticationException,
    BadAuthenticationType,
    PasswordRequiredException,
    SSHException,
)

from loomtui.errors import NodeUnreachable
from loomtui.fleet.asking import Secrets
from loomtui.fleet.executor import THREADS
from loomtui.fleet.sshconfig import Target
from loomtui.text import clean_line


@dataclass
class _Keyring:
    """The keys to try, in order, and a note of each for the operator."""

    ready: list[tuple[str, PKey]] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    agent: Agent | None = None

    def close(self) -> None:
        if self.agent:
            with contextlib.suppress(OSError, SSHException):
                self.agent.close()


async def log_in(transport: Transport, target: Target, secrets: Secrets) -> None:
    """Authenticates by public key. Raises NodeUnreachable that says what was tried.

    Encrypted keys come last, so that a passphrase is only asked for where nothing else fits.
    """
    keyring = await THREADS.run(_collect, target)
    try:
        for label, key in keyring.ready:
            keyring.notes.append(label)
            if await THREADS.run(_try_key, transport, target, key, keyring.notes):
                return
        for path in keyring.locked:
            opened = await _unlocked(path, target, secrets)
            keyring.notes.append(f"key {path}" + ("" if opened else " (no passphrase)"))
            if opened is None:
                continue
            if await THREADS.run(_try_key, transport, target, opened, keyring.notes):
                return
    finally:
        THREADS.start(keyring.close)
    raise _refused(target, keyring.notes)


def _collect(target: Target) -> _Keyring:
    keyring = _Keyring()
    held = _agent_keys(target, keyring)
    for path in target.key_files:
        public = _public_part(path)
        if public is not None and public in held:
            keyring.ready.append((f"key {path} from the agent", held.pop(public)))
        else:
            _load(path, target, keyring)
    if not target.identities_only:
        keyring.ready += [(f"agent key {clean_line(key.comment, limit=60)}", key) for key in held.values()]
    return keyring


def _agent_keys(target: Target, keyring: _Keyring) -> dict[bytes, AgentKey]:
    if not target.agent:
        return {}
    try:
        keyring.agent = Agent()
        keys = keyring.agent.get_keys()
    except (OSError, SSHException) as error:
        keyring.notes.append(f"the SSH agent, which did not answer ({clean_line(str(error), limit=80)})")
        return {}
    return {key.asbytes(): key for key in keys}


def _public_part(path: Path) -> bytes | None:
    """The public key beside a private one, by which the agent's copy is recognised."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        fields = path.with_name(path.name + ".pub").read_text("utf-8").split()
        return base64.b64decode(fields[1], validate=True)
    return None


def _load(path: Path, target: Target, keyring: _Keyring) -> None:
    try:
        keyring.ready.append((f"key {path}", _read_key(path, None)))
    except FileNotFoundError:
        if path in target.explicit_keys:
            keyring.notes.append(f"key {path} (no such file)")
    except _LockedError:
        keyring.locked.append(path)
    except (OSError, ValueError, UnsupportedAlgorithm, SSHException) as error:
        keyring.notes.append(f"key {path} ({clean_line(str(error), limit=80)})")


class _LockedError(Exception):
    """The key is encrypted, and no or the wrong passphrase was given."""


def _read_key(path: Path, passphrase: str | None) -> PKey:
    """Raises _LockedError, OSError, SSHException.

    Not PKey.from_path: paramiko 5.1 hands a passphrase on in a type that the library below refuses.
    """
    problem: Exception | None = None
    for kind in (Ed25519Key, ECDSAKey, RSAKey):
        try:
            key = kind.from_private_key_file(str(path), passphrase)
        except PasswordRequiredException as error:
            raise _LockedError from error
        except (SSHException, ValueError, TypeError, IndexError) as error:
            problem = problem or error
            continue
        certificate = path.with_name(path.name + "-cert.pub")
        if certificate.exists():
            key.load_certificate(str(certificate))
        return key
    if passphrase is not None:
        raise _LockedError from problem
    raise SSHException("not a private key of a kind that is known") from problem


async def _unlocked(path: Path, target: Target, secrets: Secrets) -> PKey | None:
    opened: list[PKey] = []

    async def fits(passphrase: str) -> bool:
        try:
            opened.append(await THREADS.run(_read_key, path, passphrase))
        except (_LockedError, OSError):
            return False
        return True

    await secrets.find(f"key {path}", target.node, f"Passphrase of the SSH key {path}", fits)
    return opened[-1] if opened else None


def _try_key(transport: Transport, target: Target, key: PKey, notes: list[str]) -> bool:
    """True: logged in. False: try the next key. Raises NodeUnreachable where no other key would help."""
    try:
        further = transport.auth_publickey(target.user, key)
    except BadAuthenticationType as error:
        wanted = ", ".join(clean_line(kind, limit=40) for kind in error.allowed_types) or "nothing"
        raise _refused(target, notes, f"The server takes no keys from this user, only: {wanted}.") from error
    except AuthenticationException:
        if transport.is_active():
            return False
        raise _refused(target, notes, "The server then ended the connection: too many keys?") from None
    except (SSHException, EOFError, OSError) as error:
        if transport.is_active():
            return False  # this key cannot sign, another may
        raise _refused(target, notes, "The server then ended the connection: too many keys?") from error
    if further:
        wanted = ", ".join(clean_line(kind, limit=40) for kind in further)
        raise _refused(target, notes, f"The key is right, but the server also wants: {wanted}.")
    return True


def _refused(target: Target, notes: list[str], detail: str = "") -> NodeUnreachable:
    tried = "; ".join(notes) if notes else "nothing, for there is no key and no agent"
    return NodeUnreachable(
        f"{target} did not let us in. Tried: {tried}." + (f" {detail}" if detail else ""),
        node=target.node,
        advice="Check `ssh.user` and `ssh.key_file` of the inventory, ~/.ssh/config, and `ssh-add -l`.",
    )
