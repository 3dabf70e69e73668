"""What is offered to a server when the connection is made: algorithms, and kinds of host keys."""

from __future__ import annotations

import contextlib
import re

from loomtui.errors import NodeUnreachable
from loomtui.fleet.ssh.agent import CERTIFICATE
from loomtui.fleet.ssh.client import SSHException, Transport
from loomtui.fleet.ssh.hostkeys import KnownHosts
from loomtui.fleet.ssh.openssh.options import chosen
from loomtui.fleet.ssh.sshconfig import Target
from loomtui.text import clean_line


class Client(Transport):
    """A transport that asks first for host certificates if an authority is known. paramiko asks last."""

    certificates_first = False
    host_key_algorithms = ""  # as ssh_config(5) has them

    def run(self) -> None:
        """Ends in silence: Python would print over the screens what paramiko raises at the end.

        That is where the jump host below goes away while its own end is still told to it.
        """
        with contextlib.suppress(EOFError, OSError, SSHException):
            super().run()

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        usual = tuple(super().preferred_keys)
        kinds = chosen(self.host_key_algorithms, usual, usual)
        return tuple(sorted(kinds, key=lambda kind: self.certificates_first != kind.endswith(CERTIFICATE)))


def limit_algorithms(transport: Client, target: Target) -> None:
    """Leaves those that the SSH configuration allows. Raises NodeUnreachable if none of a kind is left."""
    options, wanted = transport.get_security_options(), target.algorithms
    transport.host_key_algorithms = wanted.host_keys

    def left(kind: str, allowed: str, usual: tuple[str, ...]) -> tuple[str, ...]:
        names = chosen(allowed, usual, usual)
        if names:
            return names
        raise NodeUnreachable(
            f"{target} cannot be reached: the SSH configuration allows no {kind} that loomtui has"
            f" ({clean_line(allowed, limit=120)}).",
            node=target.node,
            advice=f"Allow one of {', '.join(usual)} for this host.",
        )

    options.ciphers = left("cipher", wanted.ciphers, tuple(options.ciphers))
    options.digests = left("MAC", wanted.macs, tuple(options.digests))
    options.kex = left("key exchange", _both_names(wanted.kex), tuple(options.kex))
    transport.disabled_algorithms = {
        "pubkeys": _left_out(wanted.public_keys, tuple(transport.preferred_pubkeys))
    }
    left("kind of host key", wanted.host_keys, tuple(transport.preferred_keys))


def _left_out(wanted: str, usual: tuple[str, ...]) -> list[str]:
    """The algorithms by which no key and no certificate may sign."""
    every = (*usual, *(name + CERTIFICATE for name in usual))
    allowed = {name.removesuffix(CERTIFICATE) for name in chosen(wanted, every, every)}
    return [name for name in usual if name not in allowed]


def _both_names(kex: str) -> str:
    """RFC 8731 gave a name to what had one of libssh.org before; paramiko knows the latter."""
    return re.sub(r"(?<![^,+^-])curve25519-sha256(?=,|$)", "curve25519-sha256@libssh.org", kex)


def prefer_known_keys(transport: Client, target: Target) -> None:
    """Asks for the kind of host key that is known, as OpenSSH does, because another kind proves nothing."""
    hosts = KnownHosts(target.known_hosts)
    transport.certificates_first = hosts.has_authority(*target.known_as)
    known = hosts.types(*target.known_as)
    options = transport.get_security_options()
    offered = tuple(options.key_types)

    def rank(kind: str) -> bool:
        return ("ssh-rsa" if kind.startswith("rsa-sha2-") else kind) not in known

    options.key_types = tuple(sorted(offered, key=rank))
