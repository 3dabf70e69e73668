"""What RevokedHostKeys takes away: a key, a certificate, and all that an authority has signed."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from paramiko import Message, PKey

from loomtui.fleet.ssh.revocation import keys_behind, revoked_in
from tests.fleet.place import write_key
from tests.fleet.test_hostcerts import AUTHORITY, GOOD, HOST


@pytest.fixture
def shown(tmp_path: Path) -> PKey:
    """A host key with its certificate, as a server shows it."""
    key = write_key(tmp_path / "host", key=HOST)
    key.load_certificate(Message(GOOD))
    return key


def line(key: PKey | bytes) -> str:
    blob = key if isinstance(key, bytes) else key.asbytes()
    return f"{blob[4 : 4 + blob[3]].decode()} {base64.b64encode(blob).decode()} it was lost\n"


def test_each_of_them_revokes(shown: PKey, tmp_path: Path) -> None:
    revoked = tmp_path / "revoked"
    authority = AUTHORITY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    for each in (line(shown), line(GOOD), f"{authority}\n"):
        revoked.write_text(f"# gone\n\n{each}")
        assert revoked_in(revoked, keys_behind(shown)) == f"{revoked}:3"
    revoked.write_text(line(write_key(tmp_path / "other")))
    assert revoked_in(revoked, keys_behind(shown)) == ""


@pytest.mark.parametrize(
    "text", ["ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa {blob}", "host {key}", "{blob}"]
)
def test_a_line_that_names_no_key(shown: PKey, tmp_path: Path, text: str) -> None:
    """`ssh` refuses the host then: nobody knows which key was meant."""
    revoked = tmp_path / "revoked"
    key = line(write_key(tmp_path / "other")).strip()
    revoked.write_text(text.format(key=key, blob=key.split()[1]) + "\n")
    with pytest.raises(ValueError, match="line 1 is no public key"):
        revoked_in(revoked, keys_behind(shown))
