"""User certificates: which are offered with a key, from files and from an agent."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import SSHCertificateBuilder, SSHCertificateType

from loomtui.fleet.ssh.credentials import _read_key
from loomtui.fleet.ssh.sshconfig import Target
from tests.fleet.place import write_key

AUTHORITY = ed25519.Ed25519PrivateKey.generate()
KINDS: dict[str, serialization.SSHPrivateKeyTypes] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "ecdsa": ec.generate_private_key(ec.SECP256R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}
_FOR_EVER = 2**64 - 1


def certify(key: serialization.SSHPrivateKeyTypes, path: Path) -> Path:
    public = key.public_key()
    assert isinstance(public, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    builder = SSHCertificateBuilder().public_key(public).serial(1).type(SSHCertificateType.USER)
    builder = builder.key_id(b"me").valid_principals([b"oncall"]).valid_after(0).valid_before(_FOR_EVER)
    path.write_bytes(builder.sign(AUTHORITY).public_bytes() + b" comment\n")
    return path


def target(*certificates: Path) -> Target:
    return Target("n1", "host", 22, "op", (), (), 5, certificate_files=certificates)


@pytest.mark.parametrize("kind", KINDS)
def test_certificate_first_then_the_bare_key(tmp_path: Path, kind: str) -> None:
    key = KINDS[kind]
    path = tmp_path / "id"
    bare = write_key(path, key=key)
    certify(key, tmp_path / "id-cert.pub")
    elsewhere = certify(key, tmp_path / "elsewhere")
    offered = _read_key(path, None, target(elsewhere))
    assert [each.public_blob is not None for each in offered] == [True, True, False]
    assert {each.asbytes() for each in offered} == {bare.asbytes()}


def test_certificate_of_another_key_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "id"
    write_key(path, key=KINDS["ed25519"])
    certify(ed25519.Ed25519PrivateKey.generate(), tmp_path / "id-cert.pub")
    certify(KINDS["rsa"], tmp_path / "rsa")
    (tmp_path / "junk").write_text("junk")
    (tmp_path / "text").write_text("ssh-ed25519-cert-v01@openssh.com AAAA comment")
    others = target(tmp_path / "rsa", tmp_path / "junk", tmp_path / "text", tmp_path / "absent")
    assert [each.public_blob for each in _read_key(path, None, others)] == [None]
