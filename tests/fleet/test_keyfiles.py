"""Private keys in every form that `ssh` reads, and what is said of those that nobody reads."""

from __future__ import annotations

import base64
import contextlib
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PrivateFormat, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from paramiko import Message

from loomtui.fleet.fleet import Fleet
from loomtui.fleet.ssh.keyfiles import KeyFile, KeyUnusableError, LockedError, public_blob
from loomtui.fleet.ssh.negotiation import _left_out
from tests.fleet.agent import FakeAgent
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Sshd
from tests.fleet.test_connection import failure

KEYS: dict[str, serialization.SSHPrivateKeyTypes] = {
    "ed25519": ed25519.Ed25519PrivateKey.generate(),
    "nistp256": ec.generate_private_key(ec.SECP256R1()),
    "nistp384": ec.generate_private_key(ec.SECP384R1()),
    "nistp521": ec.generate_private_key(ec.SECP521R1()),
    "rsa": rsa.generate_private_key(65537, 2048),
}
FORMS = {
    "OpenSSH": PrivateFormat.OpenSSH,
    "PKCS8": PrivateFormat.PKCS8,
    "PEM": PrivateFormat.TraditionalOpenSSL,
}
#: PEM has no form for Ed25519.
BOTH = [(kind, form) for kind in KEYS for form in FORMS if (kind, form) != ("ed25519", "PEM")]
#: One is enough of those whose passphrases take a while to try.
LOCKED = [(kind, form) for kind, form in BOTH if form != "OpenSSH" or kind == "ed25519"]
PHRASE = "open sésame"


def write(path: Path, kind: str, form: str, passphrase: str = "") -> bytes:
    """Writes the private key, and gives its public one."""
    key = KEYS[kind]
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    path.write_bytes(key.private_bytes(Encoding.PEM, FORMS[form], encryption))
    path.chmod(0o600)
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return base64.b64decode(public.split()[1])


def keygen(path: Path, kind: str, *words: str) -> None:
    made = ["ssh-keygen", "-q", "-t", kind, *words, "-f", str(path)]
    subprocess.run(made, check=True, timeout=60, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize(("kind", "form"), BOTH)
def test_plain(tmp_path: Path, kind: str, form: str) -> None:
    public = write(tmp_path / "id", kind, form)
    file = KeyFile.read(tmp_path / "id")
    key = file.key(None)
    assert not file.is_locked
    assert key.asbytes() == public
    assert key.can_sign()
    assert key.sign_ssh_data(b"data", {"rsa": "rsa-sha2-512"}.get(kind)).asbytes()


@pytest.mark.parametrize(("kind", "form"), LOCKED)
def test_encrypted(tmp_path: Path, kind: str, form: str) -> None:
    public = write(tmp_path / "id", kind, form, PHRASE)
    file = KeyFile.read(tmp_path / "id")
    assert file.is_locked
    for passphrase in (None, "", "wrong"):
        with pytest.raises(LockedError):
            file.key(passphrase)
    assert file.key(PHRASE).asbytes() == public


@pytest.mark.usefixtures("ssh_client")
@pytest.mark.parametrize("form", ["PKCS8", "PEM", "RFC4716"])
@pytest.mark.parametrize("passphrase", ["", "sesame"])
def test_as_ssh_keygen_writes_them(tmp_path: Path, form: str, passphrase: str) -> None:
    path = tmp_path / "id"
    keygen(path, "ecdsa", "-m", form, "-N", passphrase)
    key = KeyFile.read(path).key(passphrase or None)
    assert key.asbytes() == public_blob(path.with_name("id.pub"))


def test_text_around_the_key(tmp_path: Path) -> None:
    """As `openssl ecparam -genkey` and `openssl pkcs12` write it, and as it comes from Windows."""
    path = tmp_path / "id"
    public = write(path, "nistp256", "PEM")
    around = b"Bag Attributes\n-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    path.write_bytes((around + path.read_bytes()).replace(b"\n", b"\r\n"))
    assert KeyFile.read(path).key(None).asbytes() == public


def unusable(path: Path) -> str:
    with pytest.raises(KeyUnusableError) as caught:
        KeyFile.read(path).key(None)
    return str(caught.value)


def test_kinds_that_no_server_takes(tmp_path: Path) -> None:
    path = tmp_path / "id"
    pem = (Encoding.PEM, PrivateFormat.PKCS8, serialization.NoEncryption())
    for key in (ed448.Ed448PrivateKey.generate(), ec.generate_private_key(ec.SECP256K1())):
        path.write_bytes(key.private_bytes(*pem))
        path.chmod(0o600)
        assert "`ssh-keygen -t ed25519` makes a new one" in unusable(path)


def test_what_cannot_be_read_names_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "my id"
    path.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)
    assert f"`ssh-keygen -p -f '{path}'` writes it in one that works" in unusable(path)
    path.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n")
    assert f"`ssh-keygen -y -f '{path}'`" in unusable(path)
    path.write_text("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n")
    assert f"`puttygen '{path}' -O private-openssh -o NEW`" in unusable(path)
    path.write_text(
        "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nAAAA\n---- END SSH2 ENCRYPTED PRIVATE KEY ----\n"
    )
    assert f"`ssh-keygen -i -f '{path}' > NEW` makes one that works" in unusable(path)
    path.write_text("no key at all")
    assert unusable(path) == "it holds no private key"


@pytest.mark.usefixtures("ssh_client")
async def test_a_cipher_that_cannot_be_undone_is_told_before_anybody_is_asked(
    place: Place, sshd: Sshd
) -> None:
    path = place.root / "chacha"
    keygen(path, "ed25519", "-N", "sesame", "-Z", "chacha20-poly1305@openssh.com")
    error = await failure(place, sshd.port, key_file=path)
    assert f"`ssh-keygen -p -f {path}` writes it in one that works" in error.what
    assert place.person.asked == []


async def test_an_encrypted_key_of_no_use_is_not_asked_about_again(place: Place, sshd: Sshd) -> None:
    path = place.root / "ed448"
    locked = serialization.BestAvailableEncryption(PHRASE.encode())
    path.write_bytes(
        ed448.Ed448PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked)
    )
    path.chmod(0o600)
    place.person.answers = [PHRASE, PHRASE]
    error = await failure(place, sshd.port, key_file=path)
    assert "`ssh-keygen -t ed25519` makes a new one" in error.what
    assert len(place.person.asked) == 1


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """As by `ssh`, which says UNPROTECTED PRIVATE KEY FILE."""
    path = tmp_path / "id"
    write(path, "ed25519", "PKCS8")
    path.chmod(0o640)
    assert f"`chmod 600 {path}` mends that" in unusable(path)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(OSError, match="it is no file"):
            KeyFile.read(path)
        assert public_blob(path) is None


@given(form=st.sampled_from(sorted(FORMS)), at=st.integers(30, 300), byte=st.integers(0, 255))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_told_and_nothing_else(tmp_path: Path, form: str, at: int, byte: int) -> None:
    path = tmp_path / "id"
    write(path, "nistp256", form)
    content = bytearray(path.read_bytes())
    content[at % len(content)] = byte
    path.write_bytes(content)
    with contextlib.suppress(KeyUnusableError, LockedError):
        KeyFile.read(path).key(None)


# ── over SSH ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["nistp256", "rsa"])
async def test_pkcs8_lets_us_in(place: Place, sshd: Sshd, kind: str) -> None:
    place.behaviour.keys = frozenset({write(place.root / "id", kind, "PKCS8")})
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert place.person.asked == []


async def test_encrypted_pkcs8_is_asked_for(place: Place, sshd: Sshd) -> None:
    place.behaviour.keys = frozenset({write(place.root / "id", "nistp256", "PKCS8", PHRASE)})
    place.person.answers = ["wrong", PHRASE]
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert len(place.person.asked) == 2


async def test_a_file_that_cannot_be_used_says_why(place: Place, sshd: Sshd) -> None:
    (place.root / "id").chmod(0o644)
    error = await failure(place, sshd.port)
    assert f"key {place.root}/id (others may read it" in error.what
    assert f"`chmod 600 {place.root}/id`" in error.what


# ── with the agent ──────────────────────────────────────────────────────────────────────────────────────


async def test_a_public_key_names_one_of_the_agent(
    place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `IdentityFile k.pub` with `IdentitiesOnly yes`, where the private half lies nowhere."""
    others = [write_key(place.root / f"other-{number}") for number in range(3)]
    public = place.root / "only.pub"
    public.write_text(f"ssh-ed25519 {place.key.get_base64()} comment\n")
    config = place.root / "config"
    config.write_text(f"Host *\n IdentitiesOnly yes\n IdentityFile {public}\n")
    with FakeAgent(place.root / "agent", *others, place.key) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        ways = {"agent": True, "key_file": None, "config_file": config}
        async with Fleet(place.inventory(sshd.port, **ways), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
        assert agent.signed == 1
    error = await failure(place, sshd.port, **ways)
    assert "only.pub (it is a public key, and the agent does not hold its private half)" in error.what


async def test_the_agent_s_keys_come_before_files_that_nobody_named(
    home: Path, place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that takes a few keys only (MaxAuthTries) would never get to them."""
    (home / ".ssh").mkdir()
    for kind in ("ed25519", "ecdsa", "rsa"):
        write_key(home / ".ssh" / f"id_{kind}")
    with FakeAgent(place.root / "agent", place.key) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        async with Fleet(place.inventory(sshd.port, agent=True, key_file=None), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
            handler = sshd.transports[-1].auth_handler
            assert handler is not None
            assert handler.auth_fail_count == 0


async def test_the_agent_is_asked_before_a_passphrase_even_without_a_public_key_beside(
    place: Place, sshd: Sshd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSH's own form shows the public key of an encrypted private one."""
    place.behaviour.keys = frozenset({write(place.root / "id", "nistp256", "OpenSSH", PHRASE)})
    bare = KeyFile.read(place.root / "id").key(PHRASE)
    with FakeAgent(place.root / "agent", bare) as agent:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        async with Fleet(place.inventory(sshd.port, agent=True), place.person) as fleet:
            assert await fleet.connect() == {"n1": None}
        assert agent.signed == 1
    assert place.person.asked == []


def test_a_security_key_is_left_to_the_agent(tmp_path: Path) -> None:
    public = Message()
    public.add_string("sk-ssh-ed25519@openssh.com")
    public.add_string(bytes(32))
    public.add_string("ssh:")
    body = Message()
    body.add_bytes(b"openssh-key-v1\0")
    for part in (b"none", b"none", b""):
        body.add_string(part)
    body.add_int(1)
    body.add_string(public.asbytes())
    body.add_string(bytes(64))
    text = base64.encodebytes(body.asbytes()).decode()
    path = tmp_path / "id_sk"
    path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}-----END OPENSSH PRIVATE KEY-----\n")
    path.chmod(0o600)
    assert public_blob(path) == public.asbytes()
    assert f"`ssh-add {path}` lets the agent use it" in unusable(path)


@pytest.mark.parametrize(
    ("wanted", "left_out"),
    [
        ("", []),
        ("rsa-sha2-512", ["ssh-ed25519", "rsa-sha2-256"]),
        ("rsa-sha2-512-cert-v01@openssh.com,ssh-ed25519", ["rsa-sha2-256"]),
        ("-rsa-sha2-256*", ["rsa-sha2-256"]),
    ],
)
def test_by_what_no_key_may_sign(wanted: str, left_out: list[str]) -> None:
    """PubkeyAcceptedAlgorithms: a key of RSA has two ways, of which one may be left."""
    assert _left_out(wanted, ("ssh-ed25519", "rsa-sha2-512", "rsa-sha2-256")) == left_out


def test_a_key_is_opened_once_for_all_nodes(tmp_path: Path) -> None:
    """Its passphrase costs a tenth of a second each time, and that for each of hundreds of nodes."""
    path = tmp_path / "id"
    write_key(path, "horse")
    first = KeyFile.read(path).key("horse")
    assert KeyFile.read(path).key("horse") is first
    for _ in range(2):
        with pytest.raises(LockedError):
            KeyFile.read(path).key("cow")
    write_key(path, "horse")
    assert KeyFile.read(path).key("horse") != first
