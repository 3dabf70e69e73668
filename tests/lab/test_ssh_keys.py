"""Logging in at a real sshd: the agent, encrypted keys, certificates, more than one method."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from paramiko import Message, PKey

from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.scripts import InspectScript
from loomtui.inventory.model import Inventory
from tests.fleet.agent import FakeAgent
from tests.lab.client import Lab
from tests.lab.tree import PASSWORD, PASSWORD_USER, SUDO_USER
from tests.lab.wild import Person, file, keygen, of, sshd

RIGHTS = InspectScript("rights")


class SecurityKey(PKey):
    """What an agent does with a key of a security key (PROTOCOL.u2f of OpenSSH), without one."""

    KIND = "sk-ssh-ed25519@openssh.com"
    _APPLICATION, _TOUCHED, _COUNTER = b"ssh:", b"\x01", bytes([0, 0, 0, 7])

    def __init__(self) -> None:
        self._private = ed25519.Ed25519PrivateKey.generate()

    def asbytes(self) -> bytes:
        public = Message()
        public.add_string(self.KIND)
        public.add_string(self._private.public_key().public_bytes_raw())
        public.add_string(self._APPLICATION)
        return public.asbytes()

    def sign_ssh_data(self, data: bytes, algorithm: str | None = None) -> Message:
        digests = [hashlib.sha256(each).digest() for each in (self._APPLICATION, data)]
        signature = Message()
        signature.add_string(self.KIND)
        signature.add_string(self._private.sign(digests[0] + self._TOUCHED + self._COUNTER + digests[1]))
        signature.add_bytes(self._TOUCHED + self._COUNTER)
        return signature


async def outcome(inventory: Inventory, person: Person | Refuse | None = None) -> LoomtuiError | None:
    """Connects to the one node, and runs a script there."""
    async with Fleet(inventory, person or Refuse()) as fleet:
        [(name, error)] = (await fleet.connect()).items()
        if error is None:
            await fleet.session(name).inspect(RIGHTS)
        return error


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real, empty ssh-agent."""
    socket = tmp_path / "agent"
    monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it listens
        yield
        process.terminate()


@pytest.fixture
def key(shared: Lab, tmp_path: Path) -> Path:
    """The lab's key, in a folder of the test's own."""
    path = tmp_path / "id_ed25519"
    shutil.copy(shared.folder / "id_ed25519", path)
    path.chmod(0o600)
    path.with_suffix(".pub").write_bytes(subprocess.check_output(["ssh-keygen", "-y", "-f", path]))
    return path


def add(path: Path) -> None:
    subprocess.run(["ssh-add", "-q", str(path)], check=True, capture_output=True, timeout=60)


def forget_all() -> None:
    subprocess.run(["ssh-add", "-q", "-D"], check=True, capture_output=True, timeout=60)


async def test_key_that_only_the_agent_has(shared: Lab, agent: None, key: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    keygen("-t", "rsa", "-b", "2048", "-N", "", "-f", other)
    for path in (other, key):
        add(path)
        path.unlink()
    inventory = of(shared, "val-1", agent=True, key_file=tmp_path / "absent")
    assert await outcome(inventory) is None

    forget_all()
    error = await outcome(inventory)
    assert isinstance(error, NodeUnreachable)
    assert "absent (no such file)" in error.what


async def test_passphrase_is_asked_for_once_for_all_nodes(shared: Lab, key: Path) -> None:
    keygen("-p", "-P", "", "-N", "open sesame", "-f", key)
    person = Person(["wrong", "open sesame"])
    async with Fleet(of(shared, *shared.names, key_file=key), person) as fleet:
        assert await fleet.connect() == dict.fromkeys(shared.names)
    assert person.asked == [
        f"Passphrase of the SSH key {key}",
        f"That was not right (try 2 of 3). Passphrase of the SSH key {key}",
    ]


async def test_encrypted_key_in_a_batch_run(shared: Lab, key: Path) -> None:
    keygen("-p", "-P", "", "-N", "open sesame", "-f", key)
    error = await outcome(of(shared, "val-1", key_file=key))
    assert isinstance(error, NodeUnreachable)
    assert f"key {key} (encrypted, and nobody gave its passphrase)" in error.what
    assert "ssh-add" in error.advice


async def test_server_that_hangs_up_while_the_passphrase_is_typed(shared: Lab, key: Path) -> None:
    """As sshd does at LoginGraceTime."""

    def hang_up() -> None:
        shared.run("val-1", r"pkill -f '^sshd: .*\[(priv|net)\]'")

    keygen("-p", "-P", "", "-N", "open sesame", "-f", key)
    person = Person(["open sesame"], meanwhile=hang_up)
    assert await outcome(of(shared, "val-1", key_file=key), person) is None
    assert len(person.asked) == 1


# ── forms of keys ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def authorized(lab: Lab, public: str) -> Iterator[None]:
    """This public key opens val-1, and nothing else does."""
    with (
        file(lab, "val-1", "/etc/ssh/mine", public + "\n"),
        sshd(lab, "val-1", "AuthorizedKeysFile /etc/ssh/mine\n"),
    ):
        yield


@pytest.mark.parametrize("form", ["PKCS8", "PEM", "RFC4716"])
@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
async def test_forms_of_keys(shared: Lab, tmp_path: Path, kind: str, form: str) -> None:
    key = tmp_path / "mine"
    keygen("-t", kind, "-m", form, "-N", "open sesame", "-f", key)
    inventory = of(shared, "val-1", key_file=key)
    with authorized(shared, key.with_name("mine.pub").read_text()):
        person = Person(["wrong", "open sesame"])
        assert await outcome(inventory, person) is None
        assert len(person.asked) == 2
        keygen("-p", "-P", "open sesame", "-N", "", "-m", form, "-f", key)
        assert await outcome(inventory) is None


async def test_security_key_that_the_agent_holds(
    shared: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`IdentityFile` names its public half, as many do who have several."""
    key = SecurityKey()
    public = tmp_path / "id_ed25519_sk.pub"
    public.write_text(f"{SecurityKey.KIND} {base64.b64encode(key.asbytes()).decode()} mine\n")
    config = tmp_path / "config"
    config.write_text(f"Host *\n IdentitiesOnly yes\n IdentityFile {public}\n")
    inventory = of(shared, "val-1", key_file=None, agent=True, config_file=config)
    with FakeAgent(tmp_path / "agent", key) as agent, authorized(shared, public.read_text()):
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent.path))
        assert await outcome(inventory) is None
        assert agent.signed == 1


# ── certificates ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def authority(shared: Lab, tmp_path: Path) -> Iterator[Path]:
    """Its certificates let in at val-1, and nothing else does."""
    path = tmp_path / "authority"
    keygen("-t", "ed25519", "-N", "", "-f", path)
    public = path.with_suffix(".pub").read_text()
    settings = "TrustedUserCAKeys /etc/ssh/users.pub\nAuthorizedKeysFile none\n"
    with file(shared, "val-1", "/etc/ssh/users.pub", public), sshd(shared, "val-1", settings):
        yield path


def certify(authority: Path, key: Path, *options: str) -> Path:
    """The certificate that the authority gave for this key."""
    keygen("-s", authority, "-I", "on-call", "-n", SUDO_USER, *options, key.with_name(key.name + ".pub"))
    return key.with_name(f"{key.name}-cert.pub")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_certificate_beside_the_key(shared: Lab, authority: Path, tmp_path: Path, kind: str) -> None:
    key = tmp_path / "mine"
    keygen("-t", kind, "-N", "", "-f", key)
    inventory = of(shared, "val-1", key_file=key)
    error = await outcome(inventory)
    assert isinstance(error, NodeUnreachable)
    certificate = certify(authority, key)
    assert await outcome(inventory) is None
    if kind == "ecdsa":
        certificate.rename(tmp_path / "elsewhere")
        config = tmp_path / "config"
        config.write_text(f"Host *\n CertificateFile {tmp_path}/elsewhere\n")
        assert await outcome(of(shared, "val-1", key_file=key, config_file=config)) is None


async def test_certificate_that_the_server_does_not_know(shared: Lab, key: Path, tmp_path: Path) -> None:
    """The bare key opens the door as before."""
    unknown = tmp_path / "authority"
    keygen("-t", "ed25519", "-N", "", "-f", unknown)
    assert certify(unknown, key).exists()
    assert await outcome(of(shared, "val-1", key_file=key)) is None


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
@pytest.mark.parametrize("beside", [True, False], ids=["files beside", "agent alone"])
async def test_certificate_from_the_agent(
    shared: Lab, authority: Path, agent: None, tmp_path: Path, kind: str, beside: bool
) -> None:
    key = tmp_path / "mine"
    keygen("-t", kind, "-N", "", "-f", key)
    certificate = certify(authority, key)
    add(key)
    key.unlink()
    if not beside:
        certificate.unlink()
    assert await outcome(of(shared, "val-1", key_file=key, agent=True)) is None


# ── several methods ─────────────────────────────────────────────────────────────────────────────────────

_METHODS = "PasswordAuthentication yes\nKbdInteractiveAuthentication yes\nAuthenticationMethods {}\n"


@pytest.mark.parametrize(
    "methods", ["publickey,password", "publickey,keyboard-interactive", "password", "keyboard-interactive"]
)
async def test_password_besides_the_key_is_asked_for_once(shared: Lab, methods: str) -> None:
    settings = _METHODS.format(methods)
    person = Person(["guess", PASSWORD])
    inventory = of(shared, "val-1", "val-2", user=PASSWORD_USER)
    with sshd(shared, "val-1", settings), sshd(shared, "val-2", settings):
        async with Fleet(inventory, person) as fleet:
            assert await fleet.connect() == {"val-1": None, "val-2": None}
    assert len(person.asked) == 2
    assert person.asked[0].startswith(f"Password of {PASSWORD_USER} at ")


@pytest.mark.parametrize("methods", ["publickey,password", "publickey,keyboard-interactive"])
async def test_password_besides_the_key_in_a_batch_run(shared: Lab, methods: str) -> None:
    second = methods.partition(",")[2]
    with sshd(shared, "val-1", _METHODS.format(methods)):
        error = await outcome(of(shared, "val-1", user=PASSWORD_USER))
        assert isinstance(error, NodeUnreachable)
        assert (
            f"The key is right, but the server also wants: {second}. Nobody gave the password." in error.what
        )
        person = Person(["one", "two", "three"])
        error = await outcome(of(shared, "val-1", user=PASSWORD_USER), person)
    assert error is not None
    assert "2 wrong passwords were tried, and no more are" in error.what
    assert len(person.asked) == 2


async def test_method_that_is_not_supported(shared: Lab) -> None:
    with sshd(
        shared, "val-1", "AuthenticationMethods publickey,publickey,hostbased\nHostbasedAuthentication yes\n"
    ):
        error = await outcome(of(shared, "val-1"))
    assert isinstance(error, NodeUnreachable)
    assert "also wants: publickey. That is not supported here." in error.what
