"""Where and how a node is dialled: the inventory first, then ~/.ssh/config, then OpenSSH's defaults.

Obeyed of ssh_config(5): Host, Match host/user, HostName, User, Port, IdentityFile, IdentitiesOnly,
IdentityAgent, CertificateFile, HostKeyAlias, ProxyJump, ProxyCommand, UserKnownHostsFile,
GlobalKnownHostsFile, and Include at top level.
Host keys are checked strictly whatever StrictHostKeyChecking says.
"""

from __future__ import annotations

import getpass
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from paramiko import SSHConfig
from paramiko.ssh_exception import ConfigParseError, CouldNotCanonicalize

from loomtui.errors import CallError
from loomtui.inventory.model import Node, SshSettings
from loomtui.text import clean_line

_HOP = re.compile(r"(?:ssh://)?(?:(?P<user>[^@]+)@)?(?P<host>\[[^\]]+\]|[^:@/]+)(?::(?P<port>\d{1,5}))?")
_DEFAULT_KEYS = ("~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa")
_MAX_HOPS = 8
#: Stands for `%` in a ProxyCommand: paramiko would fill in the user and port of the configuration, not of
#: the inventory.
_PERCENT = "\ue000"


@dataclass(frozen=True)
class Target:
    """One SSH server on the way to a node, or the node itself."""

    node: str  # whose name errors carry
    host: str
    port: int
    user: str
    key_files: tuple[Path, ...]
    known_hosts: tuple[Path, ...]  # new keys go to the first
    timeout: float  # seconds for each stage of connecting
    agent: bool = True
    identity_agent: str = ""  # as ssh_config has it; '': SSH_AUTH_SOCK
    certificate_files: tuple[Path, ...] = ()  # besides those that lie beside their keys
    identities_only: bool = False
    host_key_name: str = ""  # HostKeyAlias
    jumps: tuple[Target, ...] = ()
    proxy_command: str | None = None
    explicit_keys: frozenset[Path] = field(default_factory=frozenset)  # asked for by name: say when absent

    @property
    def known_as(self) -> tuple[str, int]:
        """The name and port to look up in known_hosts."""
        return (self.host_key_name, 22) if self.host_key_name else (self.host, self.port)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


class Routes:
    """Reads the SSH configuration once, and finds the way to each node with it."""

    def __init__(self, settings: SshSettings) -> None:
        self._settings = settings

    def target(self, node: Node) -> Target:
        """Raises CallError if the SSH configuration cannot be read."""
        own = self._settings
        target = self._resolve(node.name, node.host, node.port or own.port, own.user, depth=0)
        if own.key_file:
            path = own.key_file.expanduser()
            target = replace(target, key_files=(path,), explicit_keys=frozenset({path}))
        return target

    def _resolve(self, name: str, host: str, port: int | None, user: str | None, *, depth: int) -> Target:
        if depth > _MAX_HOPS:
            raise CallError(f"the ProxyJump entries for {host} lead in a circle")
        options = self._lookup(host)
        user = user or options.get("user") or getpass.getuser()
        port = port or _port(options.get("port", "22"))
        keys = tuple(Path(path).expanduser() for path in self._list(options, "identityfile"))
        target = Target(
            node=name,
            host=options.get("hostname", host).strip("[]"),
            port=port,
            user=user,
            key_files=keys or tuple(Path(path).expanduser() for path in _DEFAULT_KEYS),
            known_hosts=self._known_hosts(options),
            timeout=self._settings.connect_timeout,
            agent=self._settings.agent,
            identity_agent=options.get("identityagent", ""),
            certificate_files=tuple(
                Path(path).expanduser() for path in self._list(options, "certificatefile")
            ),
            identities_only=options.get("identitiesonly", "no").lower() == "yes",
            host_key_name=options.get("hostkeyalias", ""),
            explicit_keys=frozenset(keys),
        )
        return self._with_proxy(target, options, depth)

    def _with_proxy(self, target: Target, options: Mapping[str, str], depth: int) -> Target:
        jump = options.get("proxyjump", "none")
        if jump.lower() != "none":
            first, *others = (self._hop(target.node, text, depth) for text in jump.split(","))
            # Only the first hop is dialled from here, so only its own proxy counts.
            rest = tuple(replace(hop, jumps=(), proxy_command=None) for hop in others)
            return replace(target, jumps=(*first.jumps, replace(first, jumps=()), *rest))
        command = options.get("proxycommand")
        return replace(target, proxy_command=_tokens(command, target)) if command else target

    def _hop(self, name: str, text: str, depth: int) -> Target:
        match = _HOP.fullmatch(text.strip())
        if not match:
            raise CallError(f"a ProxyJump entry of the SSH configuration is no host: {clean_line(text)!r}")
        port = _port(match["port"]) if match["port"] else None
        return self._resolve(name, match["host"], port, match["user"], depth=depth + 1)

    def _known_hosts(self, options: Mapping[str, str]) -> tuple[Path, ...]:
        if self._settings.known_hosts:
            return (self._settings.known_hosts.expanduser(),)
        own = shlex.split(options.get("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2"))
        every = shlex.split(options.get("globalknownhostsfile", "/etc/ssh/ssh_known_hosts"))
        return tuple(Path(path).expanduser() for path in (*own, *every) if path.lower() != "none")

    @staticmethod
    def _list(options: Mapping[str, str], name: str) -> tuple[str, ...]:
        value: object = options.get(name, ())
        return tuple(value) if isinstance(value, (list, tuple)) else (str(value),)

    def _lookup(self, host: str) -> Mapping[str, str]:
        try:
            return self._config.lookup(host)
        except (ConfigParseError, CouldNotCanonicalize, ImportError, ValueError, KeyError) as error:
            raise CallError(
                f"the SSH configuration cannot be applied to {host}: {clean_line(str(error))}"
            ) from error

    @cached_property
    def _config(self) -> SSHConfig:
        path = self._settings.config_file
        if path is None or not path.expanduser().exists():
            if path is not None and path != SshSettings.model_fields["config_file"].default:
                raise CallError(f"the SSH configuration {path} does not exist")
            return SSHConfig.from_text("")
        try:
            return SSHConfig.from_text("\n".join(_included(path.expanduser(), depth=0)))
        except (OSError, UnicodeDecodeError, ConfigParseError) as error:
            raise CallError(
                f"the SSH configuration {path} cannot be read: {clean_line(str(error))}"
            ) from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise CallError(f"Port of the SSH configuration is no port: {clean_line(text)!r}")
    return int(text)


def _included(path: Path, *, depth: int) -> Iterator[str]:
    """The lines of a configuration with its top-level Include files put in, which paramiko leaves out."""
    inside = False  # of a Host or Match block that is not for all
    for line in path.read_text("utf-8").splitlines():
        words = line.replace("=", " ", 1).split()
        keyword = words[0].lower() if words else ""
        if keyword in ("host", "match"):
            inside = words[1:] not in (["*"], ["all"])
        if keyword == "proxycommand":
            yield line.replace("%", _PERCENT)
        elif keyword != "include" or depth > _MAX_HOPS:
            yield line
        elif not inside:
            for pattern in shlex.split(line.replace("=", " ", 1))[1:]:
                given = Path(pattern).expanduser()
                base, rest = (Path("/"), str(given)[1:]) if given.is_absolute() else (path.parent, pattern)
                for file in sorted(base.glob(rest)):
                    yield from _included(file, depth=depth + 1)
            yield "Host *"  # ends the last block of what was included


def _tokens(command: str, target: Target) -> str:
    """Fills in `%h`, `%p`, `%r` of a ProxyCommand. They are quoted, because a shell runs the command."""
    values = {"%h": target.host, "%p": str(target.port), "%r": target.user, "%%": "%"}
    command = command.replace(_PERCENT, "%")
    return re.sub("%[hpr%]", lambda match: shlex.quote(values[match[0]]), command)
