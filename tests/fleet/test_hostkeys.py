from __future__ import annotations

import asyncio
import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from paramiko import HostKeys

from loomtui.errors import HostKeyRefused
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.ssh.hostkeys import KnownHosts, Verdict, fingerprint, host_name, parse
from tests.fleet.place import Person, Place, write_key
from tests.fleet.sshd import Sshd

KEY, OTHER = b"\0\0\0\x0bssh-ed25519-one", b"\0\0\0\x0bssh-ed25519-two"
SALT = base64.b64encode(bytes(20)).decode()  # fixed: test names must not change from run to run
A, B = base64.b64encode(KEY).decode(), base64.b64encode(OTHER).decode()


def known(tmp_path: Path, *lines: str) -> KnownHosts:
    path = tmp_path / "known_hosts"
    path.write_text("\n".join(lines))
    return KnownHosts((tmp_path / "absent", path))


@pytest.mark.parametrize(
    ("line", "host", "port", "verdict"),
    [
        (f"node ssh-ed25519 {A} comment", "node", 22, Verdict.KNOWN),
        (f"NODE ssh-ed25519 {A}", "Node", 22, Verdict.KNOWN),
        (f"node ssh-ed25519 {A}", "node", 2222, Verdict.KNOWN),
        (f"[node]:2222 ssh-ed25519 {A}", "node", 2222, Verdict.KNOWN),
        (f"[node]:2222 ssh-ed25519 {A}", "node", 22, Verdict.UNKNOWN),
        (f"node ssh-ed25519 {B}", "node", 22, Verdict.CHANGED),
        (f"node ssh-rsa {B}", "node", 22, Verdict.CHANGED),
        (f"node ssh-ed25519 {B}", "node", 2222, Verdict.UNKNOWN),
        (f"[node]:2222 ssh-ed25519 {B}", "node", 2222, Verdict.CHANGED),
        (f"*.example.com,!db.example.com ssh-ed25519 {A}", "n1.example.com", 22, Verdict.KNOWN),
        (f"*.example.com,!db.example.com ssh-ed25519 {A}", "db.example.com", 22, Verdict.UNKNOWN),
        (f"n?,10.2.0.4 ssh-ed25519 {A}", "n1", 22, Verdict.KNOWN),
        (f"{HostKeys.hash_host('node', SALT)} ssh-ed25519 {A}", "node", 22, Verdict.KNOWN),
        (f"{HostKeys.hash_host('[node]:2222', SALT)} ssh-ed25519 {A}", "node", 2222, Verdict.KNOWN),
        (f"{HostKeys.hash_host('node', SALT)} ssh-ed25519 {B}", "node", 22, Verdict.CHANGED),
        (f"{HostKeys.hash_host('other', SALT)} ssh-ed25519 {A}", "node", 22, Verdict.UNKNOWN),
        (f"|1|broken|x ssh-ed25519 {A}", "node", 22, Verdict.UNKNOWN),
        (f"@revoked * ssh-ed25519 {A}", "node", 22, Verdict.REVOKED),
        (f"@revoked node ssh-ed25519 {B}", "node", 22, Verdict.UNKNOWN),
        (f"@cert-authority node ssh-ed25519 {A}", "node", 22, Verdict.UNKNOWN),
        (f"# node ssh-ed25519 {A}", "node", 22, Verdict.UNKNOWN),
        ("node ssh-ed25519 !!!", "node", 22, Verdict.UNKNOWN),
        ("node ssh-ed25519", "node", 22, Verdict.UNKNOWN),
    ],
)
def test_verdicts(tmp_path: Path, line: str, host: str, port: int, verdict: Verdict) -> None:
    assert known(tmp_path, "", line).judge(host, port, "ssh-ed25519", KEY)[0] is verdict


def test_the_line_is_named_and_the_types_are_known(tmp_path: Path) -> None:
    hosts = known(tmp_path, "# a comment", f"node ecdsa-sha2-nistp256 {B}", f"node ssh-ed25519 {B}")
    verdict, where = hosts.judge("node", 22, "ssh-ed25519", KEY)
    assert verdict is Verdict.CHANGED
    assert where.endswith("known_hosts:2")
    assert hosts.types("node", 22) == ("ecdsa-sha2-nistp256", "ssh-ed25519")


@given(st.text(), st.text())
def test_no_line_breaks_the_reader(text: str, host: str) -> None:
    for entry in parse(text, "file"):
        entry.covers(host)


def test_adding_keeps_what_is_there_and_is_private(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_text("old ssh-ed25519 AAAA")
    link = tmp_path / "known_hosts"
    link.symlink_to(real)
    KnownHosts((link,)).add("Node", 2222, "ssh-ed25519", KEY)
    assert link.is_symlink()
    assert real.read_text() == f"old ssh-ed25519 AAAA\n[node]:2222 ssh-ed25519 {A}\n"
    assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_adding_makes_the_folder_and_leaves_devices_alone(tmp_path: Path) -> None:
    KnownHosts((tmp_path / "new" / "known_hosts",)).add("node", 22, "ssh-ed25519", KEY)
    assert (tmp_path / "new" / "known_hosts").read_text() == f"node ssh-ed25519 {A}\n"
    KnownHosts((Path("/dev/null"),)).add("node", 22, "ssh-ed25519", KEY)
    assert Path("/dev/null").is_char_device()
    KnownHosts(()).add("node", 22, "ssh-ed25519", KEY)


def test_a_fingerprint_reads_as_ssh_keygen_prints_it() -> None:
    assert fingerprint(b"key") == "SHA256:LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM"
    assert host_name("Node", 22) == "node"


async def test_an_unknown_key_is_asked_about_once_and_kept(place: Place, sshd: Sshd) -> None:
    place.known_hosts.write_text("")
    inventory = place.inventory(sshd.port)
    async with Fleet(inventory, place.person) as fleet:
        await fleet.session("n1").connect()
        sshd.drop()
        await fleet.session("n1").rights()
    [(node, host, kind, shown)] = place.person.asked
    assert (node, host, kind) == ("n1", f"127.0.0.1:{sshd.port}", "ssh-ed25519")
    assert shown == fingerprint(place.host_key.asbytes())
    async with Fleet(inventory, Refuse()) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_an_unknown_key_that_is_not_accepted(place: Place, sshd: Sshd) -> None:
    place.known_hosts.write_text("")
    async with Fleet(place.inventory(sshd.port), Refuse()) as fleet:
        with pytest.raises(HostKeyRefused, match="unknown and was not accepted: SHA256:") as caught:
            await fleet.session("n1").connect()
        assert caught.value.exit_status == 3
        assert caught.value.node == "n1"
    assert place.known_hosts.read_text() == ""
    assert not place.behaviour.logins


async def test_a_changed_key_is_refused_without_a_question(place: Place, sshd: Sshd) -> None:
    other = write_key(place.root / "other")
    encoded = base64.b64encode(other.asbytes()).decode()
    place.known_hosts.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {encoded}\n")
    async with Fleet(place.inventory(sshd.port), place.person) as fleet:
        with pytest.raises(HostKeyRefused, match=r"not the one that is known .*known_hosts:1"):
            await fleet.session("n1").connect()
    assert place.person.asked == []
    assert not place.behaviour.logins


async def test_a_server_with_several_keys_is_asked_for_the_known_one(place: Place) -> None:
    place.host_key = write_key(place.root / "ecdsa", key=ec.generate_private_key(ec.SECP256R1()))
    extra = write_key(place.root / "extra")
    with Sshd(place.behaviour, place.host_key, place.bin, more_host_keys=(extra,)) as server:
        place.knows(server.port)
        async with Fleet(place.inventory(server.port), Refuse()) as fleet:
            assert await fleet.connect() == {"n1": None}


async def test_a_hashed_name_is_known(place: Place, sshd: Sshd) -> None:
    encoded = base64.b64encode(place.host_key.asbytes()).decode()
    hashed = HostKeys.hash_host(f"[127.0.0.1]:{sshd.port}")
    place.known_hosts.write_text(f"{hashed} ssh-ed25519 {encoded}\n")
    async with Fleet(place.inventory(sshd.port), Refuse()) as fleet:
        assert await fleet.connect() == {"n1": None}


async def test_one_question_serves_all_and_holds_up_nobody_who_is_known(place: Place, sshd: Sshd) -> None:
    """n1 and n3 are the same unknown server, n2 is known and must not wait for the operator."""
    with Sshd(place.behaviour, place.host_key, place.bin) as known_server:
        place.knows(known_server.port)
        answer = asyncio.Event()

        class Slow(Person):
            async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
                await answer.wait()
                return await super().host_key(node, host, key_type, fingerprint)

        person = Slow()
        inventory = place.inventory(sshd.port, known_server.port, sshd.port)
        async with Fleet(inventory, person) as fleet:
            connecting = asyncio.create_task(fleet.connect())
            async with asyncio.timeout(10):
                await fleet.session("n2").connect()
            assert person.asked == []
            answer.set()
            assert await connecting == {"n1": None, "n2": None, "n3": None}
        assert len(person.asked) == 1


async def test_a_key_that_cannot_be_kept_holds_for_the_session(place: Place, sshd: Sshd) -> None:
    inventory = place.inventory(sshd.port, known_hosts=place.root / "id" / "under-a-file")
    async with Fleet(inventory, place.person) as fleet:
        await fleet.session("n1").connect()
        sshd.drop()
        await fleet.session("n1").rights()
    assert len(place.person.asked) == 1


async def test_a_server_that_hangs_up_while_the_operator_thinks(place: Place, sshd: Sshd) -> None:
    class Thinking(Person):
        async def host_key(self, node: str, host: str, key_type: str, fingerprint: str) -> bool:
            await asyncio.to_thread(sshd.drop)
            return True

    place.known_hosts.write_text("")
    async with Fleet(place.inventory(sshd.port), Thinking()) as fleet:
        assert await fleet.connect() == {"n1": None}
