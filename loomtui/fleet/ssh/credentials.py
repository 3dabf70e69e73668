"""Logs in: which keys are tried, in which order, and what is said if none fits."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paramiko import AgentKey, PKey
from paramiko.pkey import PublicBlob

from loomtui.errors import NodeUnreachable
from loomtui.fleet.ssh.agent import AgentAt, AgentCertificate, socket_path
from loomtui.fleet.ssh.client import (
    THREADS,
    AuthenticationException,
    BadAuthenticationType,
    SSHException,
    Transport,
)
from loomtui.fleet.ssh.keyfiles import KeyFile, KeyUnusableError, LockedError, public_blob
from loomtui.fleet.ssh.localfiles import read_file
from loomtui.fleet.ssh.openssh import algorithms
from loomtui.fleet.ssh.openssh.options import chosen
from loomtui.fleet.ssh.passwords import METHODS, Answered, answer
from loomtui.fleet.ssh.prompter import Fit, Secrets
from loomtui.fleet.ssh.sshconfig import Target
from loomtui.fleet.ssh.talk import Asker
from loomtui.text import clean_line


@dataclass
class _Keyring:
    """The keys to try, in order, and a note of each for the operator."""

    ready: list[tuple[str, PKey]] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    agent: AgentAt | None = None

    def close(self) -> None:
        if self.agent:
            with contextlib.suppress(OSError, SSHException):
                self.agent.close()


async def log_in(transport: Transport, asker: Asker) -> bool:
    """Authenticates by public key, and by a password or code if the server wants one besides or instead.

    Encrypted keys come last, so that a passphrase is only asked for if nothing else fits. Returns whether a
    code was asked for, so that another login would ask again. Raises NodeUnreachable that says what was
    tried, CodeNeeded.
    """
    target = asker.target
    keyring = await THREADS.run(_collect, target)
    try:
        outcome = await _by_key(transport, asker, keyring)
        if outcome.let_in:
            return False
        answered = await answer(transport, asker, outcome.wanted) if outcome.wanted else Answered("")
    finally:
        THREADS.start(keyring.close)
    if not outcome.wanted or answered.problem:
        raise _refused(target, keyring.notes, f"{outcome.detail} {answered.problem}".strip())
    return answered.code_asked


async def _by_key(transport: Transport, asker: Asker, keyring: _Keyring) -> _Outcome:
    """The first key with which the server goes on. If there is none, it may have other methods."""
    async for key in _keys(keyring, asker.target, asker.secrets):
        outcome = await THREADS.run(_try_key, transport, asker.target, key, keyring.notes)
        if outcome.let_in or outcome.wanted:
            return outcome
    return await THREADS.run(_without_key, transport, asker.target)


async def _keys(keyring: _Keyring, target: Target, secrets: Secrets) -> AsyncIterator[PKey]:
    """The keys, one after the other; each is noted before it is tried."""
    wanted = target.algorithms.public_keys
    for label, key in keyring.ready:
        accepted = _is_accepted(key, wanted)
        keyring.notes.append(label if accepted else f"{label} (which PubkeyAcceptedAlgorithms leaves out)")
        if accepted:
            yield key
    for path in keyring.locked:
        opened = await _unlocked(path, target, secrets)
        keyring.notes.append(f"key {path}" + (f" ({opened.problem})" if opened.problem else ""))
        for key in opened.keys:
            if _is_accepted(key, wanted):
                yield key


def _collect(target: Target) -> _Keyring:
    """In the order of `ssh`: what the agent has comes before the files that nobody named."""
    keyring = _Keyring()
    held = _agent_keys(target, keyring)
    usual: list[tuple[str, PKey]] = []
    for path in target.key_files:
        beside = [public_blob(each) for each in (*_beside(path), path)]
        own = [held.pop(public) for public in beside if public is not None and public in held]
        for key in own:
            keyring.ready += [(f"key {path} from the agent", each) for each in _certified(key, path, target)]
        if not own:
            (keyring.ready if path in target.explicit_keys else usual).extend(_loaded(path, target, keyring))
    if not target.identities_only:
        keyring.ready += [(f"agent key {clean_line(key.comment, limit=60)}", key) for key in held.values()]
    keyring.ready += usual
    return keyring


def _agent_keys(target: Target, keyring: _Keyring) -> dict[bytes, AgentKey]:
    if not target.agent:
        return {}
    path = socket_path(target.identity_agent)
    if path is None:
        return {}
    try:
        keyring.agent = AgentAt(path, target.timeout)
        return keyring.agent.by_blob()
    except (OSError, SSHException, ValueError) as error:
        reason = "it is slow" if isinstance(error, TimeoutError) else clean_line(str(error), limit=80)
        keyring.notes.append(f"the SSH agent, which did not answer ({reason})")
        return {}


def _certified(key: PKey, path: Path, target: Target) -> list[PKey]:
    """The key with each of its own certificates, and the bare key."""
    if isinstance(key, AgentCertificate):
        return [key]
    keys: list[PKey] = []
    kind: Any = type(getattr(key, "inner_key", None) or key)
    for certificate in (_beside(path)[0], *target.certificate_files):
        certified = (
            AgentKey(key.agent, key.blob, key.comment) if isinstance(key, AgentKey) else copy.copy(key)
        )
        with contextlib.suppress(OSError, ValueError, TypeError, SSHException):
            text = read_file(certificate).decode("utf-8")
            blob = PublicBlob.from_string(text)
            if kind(data=blob.key_blob).asbytes() == key.asbytes():  # it may be another key's
                certified.load_certificate(text)
                keys.append(certified)
    return [*keys, key]


def _beside(path: Path) -> tuple[Path, Path]:
    """Its certificate and its public key, by which the agent's copy of a private key is recognised."""
    return path.with_name(path.name + "-cert.pub"), path.with_name(path.name + ".pub")


def _loaded(path: Path, target: Target, keyring: _Keyring) -> list[tuple[str, PKey]]:
    try:
        return [(f"key {path}", key) for key in _read_key(path, None, target)]
    except FileNotFoundError:
        if path in target.explicit_keys:
            keyring.notes.append(f"key {path} (no such file)")
    except LockedError:
        keyring.locked.append(path)
    except (OSError, KeyUnusableError) as error:
        keyring.notes.append(f"key {path} ({clean_line(_why(error), limit=300)})")
    return []


def _why(error: OSError | KeyUnusableError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _read_key(path: Path, passphrase: str | None, target: Target) -> list[PKey]:
    """The key, with its certificates and bare. Raises LockedError, KeyUnusableError, OSError."""
    return _certified(KeyFile.read(path).key(passphrase), path, target)


def _is_accepted(key: PKey, wanted: str) -> bool:
    """Whether PubkeyAcceptedAlgorithms has it. A key of RSA signs by one of two algorithms."""
    certificate = getattr(key, "public_blob", None)
    name = certificate.key_type if certificate else key.get_name()
    names = {name.replace("ssh-rsa", signing, 1) for signing in ("rsa-sha2-256", "rsa-sha2-512")}
    usual = tuple(dict.fromkeys((*algorithms.KEYS, *sorted(names))))
    return not names.isdisjoint(chosen(wanted, usual, usual))


@dataclass
class _Opened:
    """What came of an encrypted key. `problem` is what is in the way, or ''."""

    keys: list[PKey] = field(default_factory=list)
    problem: str = "encrypted, and nobody gave its passphrase"


async def _unlocked(path: Path, target: Target, secrets: Secrets) -> _Opened:
    opened = _Opened()

    async def fits(passphrase: str) -> Fit:
        try:
            opened.keys, opened.problem = await THREADS.run(_read_key, path, passphrase, target), ""
        except (LockedError, OSError):
            return Fit.WRONG
        except KeyUnusableError as error:  # the passphrase is right, and of no use
            opened.problem = clean_line(str(error), limit=300)
        return Fit.RIGHT

    await secrets.find(f"key {path}", target.node, f"Passphrase of the SSH key {path}", fits)
    return opened


@dataclass(frozen=True)
class _Outcome:
    """What a server said to a key. `wanted` are the methods by which it goes on; `detail` says so."""

    let_in: bool = False
    wanted: tuple[str, ...] = ()
    detail: str = ""


def _try_key(transport: Transport, target: Target, key: PKey, notes: list[str]) -> _Outcome:
    """Raises NodeUnreachable if no other key would help."""
    try:
        further = transport.auth_publickey(target.user, key)
    except BadAuthenticationType as error:
        wanted = ", ".join(clean_line(kind, limit=40) for kind in error.allowed_types) or "nothing"
        detail = f"The server takes no keys from this user, only: {wanted}."
        return _Outcome(wanted=tuple(error.allowed_types) or ("nothing",), detail=detail)
    except AuthenticationException:
        if transport.is_active():
            return _Outcome()
        raise _refused(target, notes, "The server then ended the connection: too many keys?") from None
    except (SSHException, EOFError, OSError) as error:
        if transport.is_active():
            return _Outcome()  # this key cannot sign, another may
        raise _refused(target, notes, "The server then ended the connection: too many keys?") from error
    if further:
        wanted = ", ".join(clean_line(kind, limit=40) for kind in further)
        return _Outcome(
            wanted=tuple(further), detail=f"The key is right, but the server also wants: {wanted}."
        )
    return _Outcome(let_in=True)


def _without_key(transport: Transport, target: Target) -> _Outcome:
    """What the server takes besides keys: it says so to the method `none` (RFC 4252, section 5.2)."""
    try:
        transport.auth_none(target.user)
    except BadAuthenticationType as error:
        return _Outcome(wanted=tuple(method for method in error.allowed_types if method in METHODS))
    except (SSHException, EOFError, OSError):
        return _Outcome()
    return _Outcome(let_in=True)


def _refused(target: Target, notes: list[str], detail: str = "") -> NodeUnreachable:
    tried = "; ".join(notes) if notes else "nothing, for there is no key and no agent"
    return NodeUnreachable(
        f"{target} did not let us in. Tried: {tried}." + (f" {detail}" if detail else ""),
        node=target.node,
        advice="Check `ssh.user` and `ssh.key_file` of the inventory, ~/.ssh/config, and `ssh-add -l`.",
    )
