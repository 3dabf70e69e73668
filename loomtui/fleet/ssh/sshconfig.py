"""Where and how a node is dialled: the inventory first, then OpenSSH's configuration, then its defaults.

`openssh/` says what the configuration is. Host keys are checked strictly whatever StrictHostKeyChecking says;
where it says `yes`, nobody is asked about an unknown one.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path

from loomtui.errors import CallError
from loomtui.fleet.ssh.openssh.configuration import Answer, Configuration, Which
from loomtui.fleet.ssh.openssh.names import Hop, hops
from loomtui.fleet.ssh.openssh.options import Algorithms, Asked
from loomtui.fleet.ssh.openssh.tokens import Tokens, with_home
from loomtui.inventory.model import Node, SshSettings

_DEFAULT_KEYS = tuple(f"~/.ssh/id_{kind}" for kind in ("ed25519", "ecdsa", "rsa", "ed25519_sk", "ecdsa_sk"))
_MAX_HOPS = 8


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
    revoked_host_keys: Path | None = None
    asks: bool = True  # about an unknown host key
    address_family: str = ""  # as ssh_config has it; '': any
    bind_address: str = ""
    algorithms: Algorithms = field(default_factory=Algorithms)
    jumps: tuple[Target, ...] = ()
    proxy_command: str | None = None
    proxy_gives_socket: bool = False  # ProxyUseFdpass
    explicit_keys: frozenset[Path] = field(default_factory=frozenset)  # asked for by name: say when absent

    @property
    def known_as(self) -> tuple[str, int]:
        """The name and port to look up in known_hosts."""
        return (self.host_key_name, 22) if self.host_key_name else (self.host, self.port)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}"


class Routes:
    """Finds the way to each node, with the SSH configuration."""

    def __init__(self, settings: SshSettings) -> None:
        self._settings = settings
        self._configuration = _configuration(settings)

    def target(self, node: Node) -> Target:
        """Blocks for a moment. Raises CallError if the SSH configuration cannot be read or understood."""
        own = self._settings
        asked = Asked(node.host.strip("[]"), own.user, node.port or own.port)
        target = self._resolve(node.name, asked, depth=0)
        if own.key_file:
            path = own.key_file.expanduser()
            target = replace(target, key_files=(path,), explicit_keys=frozenset({path}))
        return target

    def _resolve(self, name: str, asked: Asked, *, depth: int) -> Target:
        if depth > _MAX_HOPS:
            raise CallError(f"the ProxyJump entries for {asked.host} lead in a circle")
        answer = self._configuration.answer(asked)
        options, tokens = answer.options, answer.tokens
        keys = _files(options.identity_files, tokens)
        target = Target(
            node=name,
            host=options.host_name,
            port=options.port,
            user=options.user,
            key_files=keys if options.identity_files else _files(_DEFAULT_KEYS, tokens),
            known_hosts=self._known_hosts(answer),
            timeout=self._settings.connect_timeout,
            agent=self._settings.agent,
            identity_agent=options.identity_agent,
            certificate_files=_files(options.certificate_files, tokens),
            identities_only=options.identities_only,
            host_key_name=options.host_key_alias,
            revoked_host_keys=_files((options.revoked_host_keys,), tokens)[0]
            if options.revoked_host_keys
            else None,
            asks=not options.strict,
            address_family=options.address_family,
            bind_address=options.bind_address,
            algorithms=options.algorithms,
            explicit_keys=frozenset(keys),
        )
        if options.proxy_jump:
            way = tuple(_filled_in(hop, tokens) for hop in hops(options.proxy_jump))
            return replace(target, jumps=self._jumps(name, way, depth))
        if options.proxy_command:
            command = _tokens(options.proxy_command, target, asked.host)
            return replace(target, proxy_command=command, proxy_gives_socket=options.proxy_gives_socket)
        return target

    def _jumps(self, name: str, way: tuple[Hop, ...], depth: int) -> tuple[Target, ...]:
        """The hosts of a ProxyJump. Only the first is dialled from here, so only its own proxy counts."""
        targets = [
            self._resolve(name, Asked(hop.host, hop.user, hop.port, proxied=hop is way[0]), depth=depth + 1)
            for hop in way
        ]
        return (*targets[0].jumps, *(replace(target, jumps=()) for target in targets))

    def _known_hosts(self, answer: Answer) -> tuple[Path, ...]:
        if self._settings.known_hosts:
            return (self._settings.known_hosts.expanduser(),)
        every = (with_home(name, answer.tokens.home) for name in answer.options.global_known_hosts)
        return tuple(Path(name) for name in (*answer.options.user_known_hosts, *every))


def _configuration(settings: SshSettings) -> Configuration:
    path, tells = settings.config_file, settings.known_hosts is None
    if path is None:
        return Configuration(Which.NONE, tells_known_hosts=tells)
    if path == SshSettings.model_fields["config_file"].default:
        return Configuration(Which.USUAL, tells_known_hosts=tells)
    return Configuration(Which.NAMED, path.expanduser(), tells_known_hosts=tells)


def _filled_in(hop: Hop, tokens: Tokens) -> Hop:
    """`ssh` makes a ProxyCommand of them, in which tokens stand for the host behind. Raises CallError."""
    user = None if hop.user is None else tokens.filled(hop.user)
    return replace(hop, host=tokens.filled(hop.host), user=user)


def _files(names: tuple[str, ...], tokens: Tokens) -> tuple[Path, ...]:
    return tuple(Path(tokens.file(name)) for name in names if name.lower() != "none")


def _tokens(command: str, target: Target, asked: str = "") -> str:
    """Fills in the tokens of a ProxyCommand. They are quoted, because a shell runs the command.

    `asked` is the host as it was asked for, before HostName. Raises CallError for a token that is not known.
    """
    name = asked or target.host
    values = {
        "h": target.host,
        "k": target.host_key_name or name,
        "n": name,
        "p": str(target.port),
        "r": target.user,
    }
    quoted = Tokens(Path(), {letter: shlex.quote(value) for letter, value in values.items()})
    return quoted.filled(command, environment=False)
