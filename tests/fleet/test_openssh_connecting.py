"""Host keys, algorithms, addresses and proxies of an SSH configuration, on real connections."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from paramiko import HostKeys

from loomtui.errors import HostKeyRefused, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.inventory.model import Node
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Sshd
from tests.fleet.test_connection import configure, failure

Line = Callable[[Place, int], tuple[str, str]]


def plain(place: Place, port: int) -> tuple[str, str]:
    return "", f"[127.0.0.1]:{port}"


def hashed(place: Place, port: int) -> tuple[str, str]:
    return "HashKnownHosts yes\n", HostKeys.hash_host(f"[127.0.0.1]:{port}")


def alias(place: Place, port: int) -> tuple[str, str]:
    return "HostKeyAlias Loom-One\n", "loom-one"


def without_port(place: Place, port: int) -> tuple[str, str]:
    return "StrictHostKeyChecking no\n", f"other,[127.0.0.*]:{port}"


@pytest.mark.parametrize("name", [plain, hashed, alias, without_port])
async def test_a_changed_host_key_is_refused(either: str, place: Place, sshd: Sshd, name: Line) -> None:
    """The file is one that the configuration names, with tokens; nobody is asked, whatever it says."""
    option, called = name(place, sshd.port)
    known = place.root / "known_of_operator.127.0.0.1"
    other = write_key(place.root / "other")
    right = f"{called} {place.host_key.get_name()} {place.host_key.get_base64()}\n"
    wrong = f"{called} {other.get_name()} {other.get_base64()}\n"
    config = configure(
        place,
        f"Host loom\n HostName 127.0.0.1\n Port {sshd.port}\n User operator\n {option}"
        f" UserKnownHostsFile {place.root}/known_of_%r.%h {place.root}/none\n GlobalKnownHostsFile none\n",
    )
    inventory = place.inventory(sshd.port, known_hosts=None, user=None, **config)
    inventory = inventory.model_copy(update={"nodes": (Node(name="n1", host="loom"),)})
    known.write_text(f"# ours\n{right}")
    async with Fleet(inventory, place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    known.write_text(f"# ours\n\n{wrong}")
    async with Fleet(inventory, place.person) as fleet:
        error = (await fleet.connect())["n1"]
    assert isinstance(error, HostKeyRefused)
    assert error.exit_status == 3
    assert f"({known}:3)" in error.what
    assert place.person.asked == []
    assert not (place.root / "none").exists()


async def test_an_unknown_key_is_not_asked_about_where_the_configuration_is_strict(
    place: Place, sshd: Sshd
) -> None:
    place.known_hosts.write_text("")
    error = await failure(place, sshd.port, **configure(place, "StrictHostKeyChecking yes\n"))
    assert isinstance(error, HostKeyRefused)
    assert place.person.asked == []
    assert place.known_hosts.read_text() == ""


async def test_a_new_key_goes_to_the_file_of_the_configuration(place: Place, sshd: Sshd) -> None:
    config = configure(place, f"UserKnownHostsFile {place.root}/known.%h.%p\n")
    async with Fleet(place.inventory(sshd.port, known_hosts=None, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
    assert len(place.person.asked) == 1
    assert (place.root / f"known.127.0.0.1.{sshd.port}").read_text().startswith(f"[127.0.0.1]:{sshd.port} ")
    assert not [path for path in place.root.iterdir() if "%" in path.name]


async def test_a_revoked_host_key(place: Place, sshd: Sshd) -> None:
    revoked = place.root / "revoked"
    config = configure(place, f"RevokedHostKeys {revoked}\n")
    for content, said in (
        (f"# gone\nssh-ed25519 {place.host_key.get_base64()} host\n", f"is marked as revoked ({revoked}:2)"),
        ("SSHKRL\n\0", "cannot be looked up"),
        (None, "No such file"),
    ):
        revoked.unlink(missing_ok=True)
        if content:
            revoked.write_text(content)
        error = await failure(place, sshd.port, **config)
        assert isinstance(error, HostKeyRefused)
        assert said in error.what
    revoked.write_text("# nobody\n")
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}


@pytest.mark.usefixtures("ssh_client")
async def test_a_host_key_that_a_krl_has(place: Place, sshd: Sshd) -> None:
    other = write_key(place.root / "other")
    for name, key, is_revoked in (("mine", place.host_key, True), ("others", other, False)):
        public = place.root / f"{name}.pub"
        public.write_text(f"{key.get_name()} {key.get_base64()}\n")
        krl = make_krl(place.root / f"{name}.krl", public)
        async with Fleet(
            place.inventory(sshd.port, **configure(place, f"RevokedHostKeys {krl}\n")), place.person
        ) as fleet:
            error = (await fleet.connect())["n1"]
        assert isinstance(error, HostKeyRefused) is is_revoked
        assert error is None or f"is marked as revoked ({krl})" in error.what


def make_krl(krl: Path, public: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", krl, public], check=True, timeout=60, capture_output=True)
    return krl


async def test_algorithms_of_the_configuration(place: Place, sshd: Sshd) -> None:
    text = "Ciphers aes256-ctr\nMACs hmac-sha2-512\nKexAlgorithms curve25519-sha256\n"
    config = configure(place, text + "HostKeyAlgorithms ssh-ed25519\n")
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert await fleet.connect() == {"n1": None}
        server = vars(sshd.transports[-1])
        assert (server["remote_cipher"], server["remote_mac"]) == ("aes256-ctr", "hmac-sha2-512")


@pytest.mark.parametrize(
    ("text", "reached"),
    [("BindAddress 127.0.0.9\nAddressFamily inet\n", True), ("AddressFamily inet6\n", False)],
)
async def test_which_address_is_dialled_from_where(
    place: Place, sshd: Sshd, text: str, reached: bool
) -> None:
    config = configure(place, text)
    async with Fleet(place.inventory(sshd.port, **config), place.person) as fleet:
        assert ((await fleet.connect())["n1"] is None) is reached
        if reached:
            assert sshd.transports[-1].getpeername()[0] == "127.0.0.9"


HANDING = """
import socket, sys
connected = socket.create_connection((sys.argv[1], int(sys.argv[2])))
socket.send_fds(socket.socket(fileno=1), [b"\\0"], [connected.fileno()])
"""


@pytest.mark.parametrize("program", [HANDING, ""], ids=["hands over", "hands nothing over"])
async def test_a_proxy_command_that_hands_its_socket_over(place: Place, sshd: Sshd, program: str) -> None:
    (place.root / "handing.py").write_text(program)
    text = f"ProxyUseFdpass yes\nProxyCommand python3 {place.root}/handing.py %h %p\n"
    async with Fleet(place.inventory(sshd.port, **configure(place, text)), place.person) as fleet:
        error = (await fleet.connect())["n1"]
    if program:
        assert error is None
    else:
        assert isinstance(error, NodeUnreachable)
        assert "handed no connection over" in error.what


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ciphers chacha20-poly1305@openssh.com\n", "allows no cipher that loomtui has"),
        ("HostKeyAlgorithms ssh-dss\n", "allows no kind of host key that loomtui has"),
        ("PubkeyAcceptedAlgorithms rsa-sha2-512\n", "id (which PubkeyAcceptedAlgorithms leaves out)"),
    ],
)
async def test_algorithms_that_are_not_there(place: Place, sshd: Sshd, text: str, said: str) -> None:
    error = await failure(place, sshd.port, **configure(place, text))
    assert said in error.what
