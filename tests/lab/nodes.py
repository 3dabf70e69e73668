"""What is on the nodes: the stand-in as /usr/bin/loom, its service, keys and databases, and how to log in."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import loomtui.drill.node
from loomtui.drill.history import Keys
from loomtui.drill.node.keys import node_key_text
from loomtui.drill.node.settings import config_toml
from loomtui.inventory.model import Role
from tests.lab.tree import PASSWORD_USER, PLAIN_USER, SUDO_USER

HOME = Path("/home/ubuntu")
UNIT = Path("/etc/systemd/system/loom.service")
P2P_PORT = 46656
BLOCK_SECONDS = 1.0
_OWNER = 1000  # uid and gid of tree.SERVICE_USER

_LOOM = """#!/usr/bin/python3 -I
import os
import sys

os.environ["LOOM_PRACTICE_MACHINE"] = "/usr/lib/loom/machine.json"
sys.path.insert(0, "/usr/lib/loom")
import loomtui.drill.node.__main__
"""

#: The official Ansible role's template leaves the blank lines.
_UNIT = """

[Unit]
Description=Loom
After=network.target

[Service]
Type=simple
User=ubuntu
WorkingDirectory=/home/ubuntu
ExecStart=/usr/bin/loom run --persistent-peers {peers}
Restart=always
RestartSec=2
StartLimitInterval=0
StandardOutput=syslog

[Install]
WantedBy=multi-user.target
"""

_LOOM_YML = """ChainID: default
RegistryVersion: 2
DPOSVersion: 3
RPCListenAddress: "tcp://127.0.0.1:46657"
RPCBindAddress: "tcp://127.0.0.1:46658"
BlockchainLogLevel: "error"
LogDestination: ""
AppStore:
  Version: 3
EvmStore:
  DBName: "evm"
"""


@dataclass(frozen=True)
class LabNode:
    name: str
    role: Role
    address: str
    keys: Keys


@dataclass(frozen=True)
class LoginKey:
    """An SSH key pair in OpenSSH's formats."""

    private: bytes
    public: bytes

    @classmethod
    def new(cls) -> LoginKey:
        key = Ed25519PrivateKey.generate()
        encodings = serialization.Encoding, serialization.NoEncryption()
        private = key.private_bytes(encodings[0].PEM, serialization.PrivateFormat.OpenSSH, encodings[1])
        public = key.public_key().public_bytes(encodings[0].OpenSSH, serialization.PublicFormat.OpenSSH)
        return cls(private, public + b"\n")


def unit_text(node: LabNode, nodes: Sequence[LabNode]) -> str:
    """Every node lists all validators but itself; nobody lists the backup node."""
    others = [other for other in nodes if other.role is Role.VALIDATOR and other.name != node.name]
    peers = ",".join(f"tcp://{other.keys.node_id}@{other.address}:{P2P_PORT}" for other in others)
    return _UNIT.format(peers=peers)


def chain_config(node: LabNode, tendermint_genesis: str, signing_state: str) -> dict[str, bytes]:
    """The files of chaindata/config."""
    external = f"tcp://{node.address}:{P2P_PORT}"
    texts = {
        "genesis.json": tendermint_genesis,
        "node_key.json": node_key_text(node.keys.node),
        "priv_validator.json": signing_state,
        "config.toml": config_toml(node.name, P2P_PORT, external_address=external),
    }
    return {name: text.encode() for name, text in texts.items()}


def loom_yml() -> bytes:
    return _LOOM_YML.encode()


def install_system(
    root: Path, node: LabNode, nodes: Sequence[LabNode], host: LoginKey, user: LoginKey
) -> None:
    """Names, host key, who may log in, and the stand-in program."""
    _write(root / "etc/hostname", f"{node.name}\n")
    hosts = "".join(f"{other.address} {other.name}\n" for other in nodes)
    _write(root / "etc/hosts", f"127.0.0.1 localhost\n{hosts}")
    _write(root / "etc/machine-id", f"{uuid.uuid4().hex}\n", mode=0o444)
    _write(root / "etc/ssh/ssh_host_ed25519_key", host.private, mode=0o600)
    _write(root / "etc/ssh/ssh_host_ed25519_key.pub", host.public)
    for name in (SUDO_USER, PASSWORD_USER, PLAIN_USER):
        home = root / "home" / name
        _write(home / ".ssh/authorized_keys", user.public, mode=0o600)
        _own(home / ".ssh", home.stat().st_uid)
    program = root / "usr/lib/loom"
    skip = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(loomtui.drill.node.__file__).parent, program / "loomtui/drill/node", ignore=skip)
    for package in ("loomtui", "loomtui/drill"):
        _write(program / package / "__init__.py", "")
    _write(program / "machine.json", json.dumps({"address": node.address, "block_seconds": BLOCK_SECONDS}))
    _write(root / "usr/bin/loom", _LOOM, mode=0o755)


def install_service(
    root: Path, unit: str, databases: Path, own: Mapping[str, bytes], config: Mapping[str, bytes]
) -> None:
    """`own` lies in the working directory, `config` in chaindata/config. The service starts at boot."""
    home = root / HOME.relative_to("/")
    shutil.copytree(databases, home, dirs_exist_ok=True)
    for name, content in own.items():
        _write(home / name, content)
    for name, content in config.items():
        private = name in ("node_key.json", "priv_validator.json")
        _write(home / "chaindata/config" / name, content, mode=0o600 if private else 0o644)
    _own(home, _OWNER)
    for folder in (home / "chaindata", home / "chaindata/config", home / "chaindata/data"):
        folder.chmod(0o700)
    _write(root / UNIT.relative_to("/"), unit)
    wanted = root / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / UNIT.name).symlink_to(UNIT)


def _write(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)


def _own(top: Path, owner: int) -> None:
    for folder, _, files in os.walk(top):
        os.chown(folder, owner, owner)
        for name in files:
            os.chown(Path(folder) / name, owner, owner)
