"""The cluster as its YAML file describes it, typed. Made by `loomtui.inventory.load` only."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
_HOST = r"^[A-Za-z0-9\[\]:][A-Za-z0-9._:\[\]%-]{0,252}$"
_UNIT = r"^[A-Za-z0-9:_.@-]{1,200}$"


def _absolute(value: str) -> str:
    path = PurePosixPath(value)
    if not value.startswith("/") or ".." in path.parts or not re.fullmatch(r"[^\x00-\x1f\x7f]+", value):
        raise ValueError("an absolute path without '..' and control characters")
    return str(path)


Name = Annotated[str, StringConstraints(pattern=_NAME)]
Host = Annotated[str, StringConstraints(pattern=_HOST)]
RemotePath = Annotated[str, AfterValidator(_absolute)]
Port = Annotated[int, Field(ge=1, le=65535, strict=True)]


class Role(StrEnum):
    VALIDATOR = "validator"
    BACKUP = "backup"


class SudoMode(StrEnum):
    """How root rights are had on a node."""

    AUTO = "auto"  # root itself, or passwordless sudo, or a password that is asked for once
    NEVER = "never"  # the SSH user owns all that is needed


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SshSettings(_Model):
    user: str | None = Field(None, description="SSH user; default: from the SSH configuration, else you")
    port: Port | None = Field(None, description="SSH port of every node; default: SSH configuration, else 22")
    key_file: Path | None = Field(None, description="private key; default: SSH configuration and agent")
    config_file: Path | None = Field(Path("~/.ssh/config"), description="OpenSSH client configuration")
    known_hosts: Path | None = Field(None, description="known hosts; default: SSH configuration")
    agent: bool = Field(True, description="ask the SSH agent for keys")
    connect_timeout: float = Field(15, gt=0, le=300, description="seconds until a node counts as unreachable")
    sudo: SudoMode = Field(SudoMode.AUTO, description="how root rights are had")


class Ports(_Model):
    p2p: Port = Field(46656, description="Tendermint P2P; peers dial it")
    rpc: Port = Field(46657, description="Tendermint RPC, asked on the node itself")
    api: Port = Field(46658, description="Loom's own HTTP port")


class LoomSettings(_Model):
    """What the node's unit says wins; these are checked against it and used where no unit is installed."""

    service: Annotated[str, StringConstraints(pattern=_UNIT)] = Field("loom", description="systemd service")
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
    bucket: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$")]
    prefix: str = Field("", description="only keys that begin with it")
    region: str | None = None
    endpoint: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$")] | None = Field(
        None, description="URL of an S3 service other than AWS"
    )
    profile: str | None = Field(None, description="profile of the AWS configuration files")


class Node(_Model):
    name: Name
    role: Role = Role.VALIDATOR
    host: Host = Field(description="SSH host name or address")
    port: Port | None = Field(None, description="SSH port")
    address: Host | None = Field(None, description="address at which peers dial it; default: host")
    backup_host: Host | None = Field(None, description="host name that its backups carry; default: name")
    ssh: SshSettings | None = Field(None, description="replaces the cluster's ssh settings for this node")
    loom: LoomSettings | None = Field(None, description="replaces the cluster's loom settings for this node")

    @property
    def peer_address(self) -> str:
        return self.address or self.host

    @property
    def backup_source(self) -> str:
        return self.backup_host or self.name


class Inventory(_Model):
    cluster: Name
    production: bool = Field(description="true: every dangerous act is marked and confirmed by name")
    ssh: SshSettings = Field(default_factory=SshSettings)
    loom: LoomSettings = Field(default_factory=LoomSettings)
    s3: S3Settings
    nodes: tuple[Node, ...] = Field(min_length=1)

    def node(self, name: str) -> Node:
        """Raises KeyError."""
        return next(node for node in self.nodes if node.name == name)

    def ssh_of(self, node: Node) -> SshSettings:
        return node.ssh or self.ssh

    def loom_of(self, node: Node) -> LoomSettings:
        return node.loom or self.loom

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(node.name for node in self.nodes)
