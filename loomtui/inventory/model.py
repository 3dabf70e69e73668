"""The cluster as its YAML file describes it, typed. Made by `loomtui.inventory.load` only."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from loomtui.sizes import FORM, HOW, read_size
from loomtui.times import LENGTH_FORM, LENGTH_HOW, read_length

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_HOST = r"^[A-Za-z0-9\[\]:][A-Za-z0-9._:\[\]%-]{0,252}$"
_UNIT = r"^[A-Za-z0-9:_@][A-Za-z0-9:_.@-]{0,199}$"
_USER = r"^[A-Za-z_][A-Za-z0-9_.@-]{0,63}$"
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
#: Of public keys, as RFC 8709, RFC 5656, RFC 4253 and PROTOCOL.u2f of OpenSSH name them.
_KEY_KINDS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)


def _absolute(value: str) -> str:
    path = PurePosixPath(value)
    if not value.startswith("/") or ".." in path.parts or not re.fullmatch(r"[^\x00-\x1f\x7f]+", value):
        raise ValueError("an absolute path without '..' and control characters")
    return str(path)


def _absolute_path(value: Path) -> Path:
    # A run keeps a copy of its inventory in its own folder and is resumed from anywhere.
    if not value.is_absolute() and not str(value).startswith("~"):
        raise ValueError("an absolute path")
    return value


def _public_key(value: str) -> str:
    """`TYPE BASE64`, as in a .pub file; the comment there goes."""
    kind, _, rest = value.strip().partition(" ")
    encoded = rest.split(" ", 1)[0]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except ValueError:
        blob = b""
    name = kind.encode()
    if kind not in _KEY_KINDS or not blob.startswith(len(name).to_bytes(4, "big") + name):
        raise ValueError("a public SSH key")
    return f"{kind} {encoded}"


@dataclass(frozen=True)
class Wanted:
    """Says in words what a field takes: read by the error messages."""

    words: str


Name = Annotated[
    str,
    StringConstraints(pattern=_NAME),
    Wanted("a name of letters, digits, dots, dashes and underscores that begins with a letter or digit"),
]
Host = Annotated[
    str,
    StringConstraints(pattern=_HOST),
    Wanted("a host name or IP address alone, without user, scheme or port"),
]
RemotePath = Annotated[
    str,
    AfterValidator(_absolute),
    Wanted("an absolute path without '..' and control characters"),
]
LocalPath = Annotated[
    Path,
    AfterValidator(_absolute_path),
    Wanted("an absolute path on this machine, or one that begins with ~/"),
]
Port = Annotated[int, Field(ge=1, le=65535, strict=True), Wanted("a port number from 1 to 65535")]
Seconds = Annotated[float, Field(gt=0, le=300), Wanted("a number of seconds, at most 300")]
UnitName = Annotated[
    str, StringConstraints(pattern=_UNIT), Wanted("the name of a systemd service, such as loom")
]
UserName = Annotated[str, StringConstraints(pattern=_USER), Wanted("a user name, such as ubuntu")]
Plain = Annotated[str, StringConstraints(pattern=_PLAIN), Wanted("text without control characters")]
Bucket = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$"),
    Wanted("the name of an S3 bucket alone, without s3:// and without a path"),
]
Region = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$"), Wanted("an AWS region, such as eu-central-1")
]
Url = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^\s@]+$"),
    Wanted("an http:// or https:// URL without a user name"),
]


def _size(value: object) -> object:
    """Also `512 MB`, as on the command line."""
    return read_size(value) if isinstance(value, str) else value


Size = Annotated[
    int,
    BeforeValidator(_size),
    Field(ge=0, strict=True),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": FORM}]}),
    Wanted(f"a size: {HOW}"),
]


Argument = Annotated[
    str,
    StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=4_000),
    Wanted("one argument of a command, without control characters; in quotes where it is a number"),
]
CommandLine = Annotated[
    tuple[Argument, ...],
    Field(min_length=1, max_length=100),
    Wanted("a list of at least one argument, the program first; there is no shell"),
]


SignerName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$"),
    Wanted("whose key it is: a name or mail address without blanks"),
]
PublicKey = Annotated[
    str,
    StringConstraints(max_length=20_000),
    AfterValidator(_public_key),
    Wanted("a public SSH key as its .pub file has it: ssh-ed25519 AAAA…, without options and certificates"),
]


def _length(value: object) -> timedelta:
    """A bare number would leave open of what."""
    if not isinstance(value, str):
        raise ValueError(LENGTH_HOW)
    return read_length(value)


Length = Annotated[
    timedelta,
    BeforeValidator(_length),
    WithJsonSchema({"type": "string", "pattern": LENGTH_FORM}),
    Wanted(LENGTH_HOW),
]


class Role(StrEnum):
    VALIDATOR = "validator"
    BACKUP = "backup"


class SudoMode(StrEnum):
    """How loomtui gets root rights on a node."""

    AUTO = "auto"  # root itself, or passwordless sudo, or a password that is asked for once
    NEVER = "never"  # the SSH user owns all that is needed


class AddressingStyle(StrEnum):
    """How a request to S3 names the bucket."""

    AUTO = "auto"  # as boto3 does: in the path if an endpoint is set, else in the host name
    PATH = "path"  # https://ENDPOINT/BUCKET/KEY
    VIRTUAL = "virtual"  # https://BUCKET.ENDPOINT/KEY


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


_Settings = TypeVar("_Settings", bound=_Model)


def _overlaid(below: _Settings, above: _Settings | None) -> _Settings:
    if above is None:
        return below
    return below.model_copy(update={name: getattr(above, name) for name in above.model_fields_set})


class SshSettings(_Model):
    user: UserName | None = Field(None, description="SSH user; default: from the SSH configuration, else you")
    port: Port | None = Field(None, description="SSH port of every node; default: SSH configuration, else 22")
    key_file: LocalPath | None = Field(None, description="private key; default: SSH configuration and agent")
    config_file: LocalPath | None = Field(Path("~/.ssh/config"), description="OpenSSH client configuration")
    known_hosts: LocalPath | None = Field(None, description="known hosts; default: SSH configuration")
    agent: bool = Field(True, description="ask the SSH agent for keys")
    connect_timeout: Seconds = Field(15, description="seconds until a node counts as unreachable")
    sudo: SudoMode = Field(SudoMode.AUTO, description="how loomtui gets root rights")


class Ports(_Model):
    p2p: Port = Field(46656, description="Tendermint P2P; peers dial it")
    rpc: Port = Field(46657, description="Tendermint RPC, asked on the node itself")
    api: Port = Field(46658, description="Loom's own HTTP port")


class LoomSettings(_Model):
    """What the node's unit says wins; these are checked against it and used where no unit is installed."""

    service: UnitName = Field("loom", description="systemd service")
    working_directory: RemotePath = Field("/home/ubuntu", description="WorkingDirectory of the unit")
    binary: RemotePath = Field("/usr/bin/loom", description="the loom program")
    unit_path: RemotePath | None = Field(None, description="default: /etc/systemd/system/SERVICE.service")
    ports: Ports = Field(default_factory=Ports)

    @property
    def unit_name(self) -> str:
        return self.service if self.service.endswith(".service") else f"{self.service}.service"

    @property
    def unit_file(self) -> str:
        return self.unit_path or f"/etc/systemd/system/{self.unit_name}"


class S3Settings(_Model):
    bucket: Bucket = Field(description="bucket that holds the backups")
    prefix: Plain = Field("", description="only keys that begin with it")
    region: Region | None = Field(None, description="default: from the AWS configuration")
    endpoint: Url | None = Field(None, description="URL of an S3 service other than AWS")
    profile: Plain | None = Field(None, description="profile of the AWS configuration files")
    addressing_style: AddressingStyle | None = Field(
        None,
        description="auto, path or virtual; default: AWS configuration, else path if endpoint is set",
    )
    look_limit: Size | None = Field(
        None,
        description="size up to which a data archive is read on this machine for a plan; default: 512 MB",
    )


class NotifySettings(_Model):
    """A command of this machine that is told what happens in a restore: see docs/operator.md."""

    command: CommandLine = Field(
        description="program and arguments, without a shell; ~/ at their beginning is your home folder"
    )
    timeout: Annotated[float, Field(gt=0, le=60), Wanted("a number of seconds, at most 60")] = Field(
        10, description="seconds until it is ended"
    )
    after: Annotated[float, Field(ge=0, le=3600), Wanted("a number of seconds, at most 3600")] = Field(
        60, description="seconds that a question of a run is left unanswered before it is told"
    )


class Signer(_Model):
    """Somebody who may sign plans. Who has several keys stands here several times, under one name."""

    name: SignerName = Field(description="whose key it is")
    key: PublicKey = Field(description="public SSH key, as the .pub file has it")

    @property
    def blob(self) -> bytes:
        """The key as it travels (RFC 4253, section 6.6)."""
        return base64.b64decode(self.key.split(" ")[1])


class Objectives(_Model):
    """What an incident may cost, as those who run the cluster have agreed. Only told, never enforced."""

    downtime: Length | None = Field(None, description="from the first stop until the chain moves (RTO)")
    data_loss: Length | None = Field(None, description="of the chain's time that a restore loses (RPO)")


class Node(_Model):
    name: Name = Field(description="what the node is called here; unique")
    role: Role = Field(Role.VALIDATOR, description="backup: full node that makes the data backups")
    host: Host = Field(description="SSH host name or address")
    port: Port | None = Field(None, description="SSH port")
    address: Host | None = Field(None, description="address at which peers dial it; default: host")
    backup_host: Host | None = Field(None, description="host name that its backups carry; default: name")
    ssh: SshSettings | None = Field(None, description="what differs for this node from the cluster's ssh")
    loom: LoomSettings | None = Field(None, description="what differs for this node from the cluster's loom")

    @property
    def peer_address(self) -> str:
        return self.address or self.host

    @property
    def backup_source(self) -> str:
        return self.backup_host or self.name


class Inventory(_Model):
    cluster: Name = Field(description="the cluster's name; typed to confirm dangerous acts")
    production: bool = Field(description="true: every dangerous act is marked, and asked for twice")
    ssh: SshSettings = Field(default_factory=SshSettings)
    loom: LoomSettings = Field(default_factory=LoomSettings)
    s3: S3Settings
    notify: NotifySettings | None = Field(
        None, description="a command that is run when a restore waits, fails or ends; default: none"
    )
    require_second: bool = Field(
        False, description="true: a plan has to be signed by somebody else than who runs it"
    )
    allowed_signers: tuple[Signer, ...] = Field((), description="who may sign plans, and who runs them")
    objectives: Objectives = Field(default_factory=Objectives, description="what an incident may cost")
    nodes: tuple[Node, ...] = Field(min_length=1)

    def node(self, name: str) -> Node:
        """Raises KeyError."""
        return next(node for node in self.nodes if node.name == name)

    def ssh_of(self, node: Node) -> SshSettings:
        """The cluster's settings with those on top that the node sets itself."""
        return _overlaid(self.ssh, node.ssh)

    def loom_of(self, node: Node) -> LoomSettings:
        """The cluster's settings with those on top that the node sets itself, port by port."""
        merged = _overlaid(self.loom, node.loom)
        if node.loom is None:
            return merged
        return merged.model_copy(update={"ports": _overlaid(self.loom.ports, node.loom.ports)})

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)
