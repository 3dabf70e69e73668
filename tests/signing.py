"""People with SSH keys who sign plans with the real `ssh-keygen`."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from loomtui.inventory.model import Signer
from tests import ability


@dataclass(frozen=True)
class Person:
    """`key` is the private file; its public half lies beside it."""

    name: str
    key: Path

    @classmethod
    def made(cls, name: str, folder: Path, *, passphrase: str = "") -> Person:
        ability.program("ssh-keygen", "openssh-client")
        folder.mkdir(exist_ok=True, parents=True)
        key = folder / f"key_of_{name}"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", f"{name}@desk", "-f", str(key)]
        subprocess.run(words, check=True)
        return cls(name, key)

    @property
    def public(self) -> str:
        return self.key.with_name(f"{self.key.name}.pub").read_text("utf-8").strip()

    @property
    def signer(self) -> Signer:
        return Signer(name=self.name, key=self.public)

    def sign(self, text: bytes, *, namespace: str = "loomtui-plan") -> bytes:
        words = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(self.key), "-n", namespace]
        return subprocess.run(words, input=text, capture_output=True, check=True).stdout

    def sits_here(self, home: Path) -> None:
        """Their key is in ~/.ssh."""
        folder = home / ".ssh"
        folder.mkdir(mode=0o700, exist_ok=True)
        for path in (self.key, self.key.with_name(f"{self.key.name}.pub")):
            (folder / path.name).write_bytes(path.read_bytes())
            (folder / path.name).chmod(0o600)


@pytest.fixture
def anna(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """She runs plans: her key is in ~/.ssh."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    person = Person.made("anna", tmp_path / "keys")
    person.sits_here(home)
    return person
