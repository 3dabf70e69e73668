"""A folder with a client key, known_hosts and stand-ins; a person who answers; an inventory."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from paramiko import PKey

from loomtui.fleet.ssh.prompter import Question, Unanswered
from loomtui.inventory.model import Inventory, LoomSettings, Node, S3Settings, SshSettings
from tests.fleet.sshd import Behaviour, Sshd


def write_key(
    path: Path, passphrase: str | None = None, key: serialization.SSHPrivateKeyTypes | None = None
) -> PKey:
    """Writes a private key as ssh-keygen does, and returns it."""
    key = key or ed25519.Ed25519PrivateKey.generate()
    openssh = serialization.PrivateFormat.OpenSSH
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, openssh, serialization.NoEncryption()))
    path.chmod(0o600)
    written = PKey.from_path(path)
    if passphrase:
        locked = serialization.BestAvailableEncryption(passphrase.encode())
        path.write_bytes(key.private_bytes(serialization.Encoding.PEM, openssh, locked))
    return written


async def _nothing() -> None:
    """Happens."""


@dataclass
class Person:
    """Answers by what the test says, and notes what was asked."""

    accepts: bool = True
    answers: list[str] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)  # that servers asked at a login
    told: list[tuple[str, ...]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] = _nothing  # what happens while a code is typed

    async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
        self.asked.append((node, host, key_type, fingerprint))
        return self.accepts

    async def secret(self, node: str, prompt: str) -> str | None:
        self.asked.append((node, prompt))
        return self.answers.pop(0) if self.answers else None

    async def answer(self, question: Question) -> str | Unanswered:
        self.questions.append(question)
        await self.meanwhile()
        return self.codes.pop(0) if self.codes else Unanswered.DECLINED

    def tell(self, asker: str, lines: tuple[str, ...]) -> None:
        self.told.append((asker, *lines))


@dataclass
class Place:
    """A folder with a client key, known_hosts and stand-ins, and the servers that run in it."""

    root: Path
    key: PKey
    host_key: PKey
    person: Person = field(default_factory=Person)
    behaviour: Behaviour = field(default_factory=Behaviour)
    servers: list[Sshd] = field(default_factory=list)

    @property
    def bin(self) -> Path:
        return self.root / "bin"

    @property
    def known_hosts(self) -> Path:
        return self.root / "known_hosts"

    @property
    def working_directory(self) -> Path:
        return self.root / "W"

    def command(self, name: str, text: str) -> None:
        """A stand-in for a command of the node."""
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    def knows(self, *ports: int) -> None:
        """Writes known_hosts for the servers on these ports."""
        encoded = base64.b64encode(self.host_key.asbytes()).decode()
        lines = [f"[127.0.0.1]:{port} {self.host_key.get_name()} {encoded}\n" for port in ports]
        self.known_hosts.write_text("".join(lines))

    def settings(self, **changes: object) -> SshSettings:
        values: dict[str, object] = {
            "user": "operator",
            "key_file": self.root / "id",
            "config_file": None,
            "known_hosts": self.known_hosts,
            "agent": False,
            "connect_timeout": 5,
        }
        return SshSettings.model_validate({**values, **changes})

    def inventory(self, *ports: int, **ssh: object) -> Inventory:
        nodes = tuple(Node(name=f"n{i}", host="127.0.0.1", port=port) for i, port in enumerate(ports, 1))
        loom = LoomSettings(
            working_directory=str(self.working_directory),
            binary=str(self.bin / "loom"),
            unit_path=str(self.root / "units" / "loom.service"),
        )
        return Inventory(
            cluster="test",
            production=False,
            ssh=self.settings(**ssh),
            loom=loom,
            s3=S3Settings(bucket="bucket"),
            nodes=nodes,
        )
