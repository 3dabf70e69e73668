"""Ways to a node, and what proves that it is the right one: bastions, proxy commands, known_hosts."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from loomtui.errors import HostKeyRefused, NodeUnreachable
from loomtui.fleet.fleet import Fleet, Refuse
from loomtui.fleet.scripts import InspectScript
from loomtui.inventory.model import Inventory
from tests.lab.client import Lab
from tests.lab.desk import Desk
from tests.lab.test_ssh_keys import outcome
from tests.lab.tree import SUDO_USER
from tests.lab.wild import changed, file, journal, keygen, moment, of, sshd

RIGHTS = InspectScript("rights")
_BASTION, _TARGET = "192.0.2.1", "192.0.2.2"  # TEST-NET-1: no way leads there from here


@pytest.fixture
def inner(shared: Lab, tmp_path: Path) -> Iterator[Path]:
    """val-2 listens in a network that only val-1 is in too; the known_hosts file for that."""
    known = tmp_path / "known_hosts"
    text = (shared.folder / "known_hosts").read_text()
    known.write_text(text + text.replace(f"{shared.addresses['val-2']} ", f"{_TARGET} "))
    with (
        changed(
            shared, "val-1", f"ip addr add {_BASTION}/30 dev eth0", f"ip addr del {_BASTION}/30 dev eth0"
        ),
        changed(shared, "val-2", f"ip addr add {_TARGET}/30 dev eth0", f"ip addr del {_TARGET}/30 dev eth0"),
        sshd(shared, "val-2", f"ListenAddress {_TARGET}\n"),
    ):
        yield known


def through(lab: Lab, known: Path, folder: Path, way: str) -> Inventory:
    """The inventory in which val-2 is reached by what this line of an SSH configuration says."""
    config = folder / "config"
    config.write_text(f"Host *\n IdentityFile {lab.folder}/id_ed25519\nHost {_TARGET}\n {way}\n")
    return of(lab, "val-2", hosts={"val-2": _TARGET}, known_hosts=known, config_file=config)


async def test_bastion_before_the_node(shared: Lab, inner: Path, tmp_path: Path) -> None:
    since = moment(shared, "val-2")
    way = f"ProxyJump oncall@{shared.addresses['val-1']}"
    assert await outcome(through(shared, inner, tmp_path, way)) is None
    assert f"Accepted publickey for oncall from {_BASTION}" in journal(shared, "val-2", since)


def forget(known: Path, host: str) -> None:
    lines = known.read_text().splitlines()
    known.write_text("\n".join(line for line in lines if not line.startswith(host)))


async def test_bastion_whose_key_is_not_known(shared: Lab, inner: Path, tmp_path: Path) -> None:
    forget(inner, shared.addresses["val-1"])
    way = f"ProxyJump oncall@{shared.addresses['val-1']}"
    error = await outcome(through(shared, inner, tmp_path, way))
    assert isinstance(error, HostKeyRefused)
    assert shared.addresses["val-1"] in error.what


async def test_bastion_that_forwards_nothing(shared: Lab, inner: Path, tmp_path: Path) -> None:
    with sshd(shared, "val-1", "AllowTcpForwarding no\n"):
        way = f"ProxyJump oncall@{shared.addresses['val-1']}"
        error = await outcome(through(shared, inner, tmp_path, way))
    assert isinstance(error, NodeUnreachable)
    assert "the jump host could not get there" in error.what


async def test_proxy_command(shared: Lab, inner: Path, tmp_path: Path) -> None:
    options = f"-i {shared.folder}/id_ed25519 -F none -o UserKnownHostsFile={inner}"
    way = f"ProxyCommand ssh {options} -W %h:%p oncall@{shared.addresses['val-1']}"
    since = moment(shared, "val-2")
    assert await outcome(through(shared, inner, tmp_path, way)) is None
    assert f"Accepted publickey for oncall from {_BASTION}" in journal(shared, "val-2", since)


# ── the machine's own configuration ─────────────────────────────────────────────────────────────────────

_IN_ANOTHER_ETC_SSH = 'mount --bind "$1" /etc/ssh && shift && exec "$@"'


@pytest.mark.parametrize("asked", ["the program", "our reading"])
def test_system_wide_configuration(shared: Lab, tmp_path: Path, asked: str) -> None:
    """In a mount namespace of its own, so that this machine's /etc/ssh stays as it is.

    The program looks the home folder up in the user database; our reading takes the place of the program
    where HOME names another one.
    """
    etc = tmp_path / "etc"
    (etc / "ssh_config.d").mkdir(parents=True)
    (etc / "ssh_config").write_text("Include /etc/ssh/ssh_config.d/*.conf\nHost *\n    SendEnv LANG LC_*\n")
    (etc / "ssh_config.d/99-loom.conf").write_text(
        f"Host loom-n9\n  HostName {shared.addresses['val-1']} # the first\n  User {SUDO_USER}\n"
        f"  IdentityFile {shared.folder}/id_ed25519\n  UserKnownHostsFile {shared.folder}/known_hosts\n"
    )
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        "cluster: etc\nproduction: false\nssh: {agent: false}\ns3: {bucket: loom-example}\n"
        "nodes:\n- {name: n9, host: loom-n9}\n"
    )
    home = pwd.getpwuid(os.getuid()).pw_dir if asked == "the program" else str(tmp_path)
    loomtui = (sys.executable, "-m", "loomtui", "-i", inventory, "status", "--json")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", _IN_ANOTHER_ETC_SSH, "sh", etc, *loomtui],
        env={**os.environ, **Desk(shared, tmp_path).environment, "HOME": home},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    [node] = json.loads(done.stdout)["nodes"]
    assert node["name"] == "n9"
    assert node["height"], done.stdout + done.stderr


# ── known_hosts ─────────────────────────────────────────────────────────────────────────────────────────


async def test_hashed_names(shared: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    known.write_text((shared.folder / "known_hosts").read_text())
    keygen("-H", "-f", known)
    assert shared.addresses["val-1"] not in known.read_text()
    assert await outcome(of(shared, "val-1", known_hosts=known)) is None


async def test_revoked_key(shared: Lab, tmp_path: Path) -> None:
    known = tmp_path / "known_hosts"
    good = (shared.folder / "known_hosts").read_text()
    line = next(line for line in good.splitlines() if line.startswith(shared.addresses["val-1"]))
    known.write_text(f"{good}@revoked * {line.partition(' ')[2]}\n")
    async with Fleet(of(shared, "val-1", "val-2", known_hosts=known), Refuse()) as fleet:
        outcomes = await fleet.connect()
    assert isinstance(outcomes["val-1"], HostKeyRefused)
    assert "is marked as revoked" in outcomes["val-1"].what
    assert outcomes["val-2"] is None


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    path = tmp_path / "authority"
    keygen("-t", "ed25519", "-N", "", "-f", path)
    return path


@pytest.fixture
def certified(shared: Lab, authority: Path, tmp_path: Path) -> Certified:
    return Certified(shared, authority, tmp_path)


class Certified:
    """val-1's host key with a certificate, and a known_hosts file that knows the authority alone."""

    def __init__(self, lab: Lab, authority: Path, folder: Path) -> None:
        self.lab = lab
        self.known = folder / "known_hosts"
        self.public = authority.with_suffix(".pub").read_text().strip()
        self._authority = authority
        self._folder = folder

    def certificate(self, *options: str) -> str:
        host = self._folder / "host.pub"
        host.write_text(self.lab.run("val-1", "cat /etc/ssh/ssh_host_ed25519_key.pub").stdout)
        keygen("-s", self._authority, "-I", "val-1", "-h", *options, host)
        return (self._folder / "host-cert.pub").read_text()

    async def outcome(self, certificate: str, known: str) -> HostKeyRefused | None:
        self.known.write_text(known)
        settings = "HostCertificate /etc/ssh/host-cert.pub\n"
        with (
            file(self.lab, "val-1", "/etc/ssh/host-cert.pub", certificate),
            sshd(self.lab, "val-1", settings),
        ):
            error = await outcome(of(self.lab, "val-1", known_hosts=self.known))
        assert error is None or isinstance(error, HostKeyRefused), error
        return error


async def test_host_certificate(shared: Lab, certified: Certified) -> None:
    address = shared.addresses["val-1"]
    good = certified.certificate("-n", f"val-1,{address}")
    assert await certified.outcome(good, f"@cert-authority 10.213.* {certified.public}\n") is None


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("-n", "val-2"), "is for val-2"),
        ((), "is for no host at all"),
        (("-n", "ADDRESS", "-V", "20200101:20200102"), "has expired"),
        (("-n", "ADDRESS", "-V", "20990101:20990102"), "is not valid yet"),
    ],
)
async def test_host_certificate_that_does_not_hold(
    shared: Lab, certified: Certified, options: tuple[str, ...], said: str
) -> None:
    given = [option.replace("ADDRESS", shared.addresses["val-1"]) for option in options]
    error = await certified.outcome(certified.certificate(*given), f"@cert-authority * {certified.public}\n")
    assert error is not None
    assert said in error.what


async def test_host_certificate_of_a_revoked_authority(shared: Lab, certified: Certified) -> None:
    good = certified.certificate("-n", shared.addresses["val-1"])
    known = f"@cert-authority * {certified.public}\n@revoked * {certified.public}\n"
    error = await certified.outcome(good, known)
    assert error is not None
    assert "is marked as revoked" in error.what


async def test_host_certificate_of_another_authority_proves_nothing(
    shared: Lab, certified: Certified, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    keygen("-t", "ed25519", "-N", "", "-f", other)
    good = certified.certificate("-n", shared.addresses["val-1"])
    authorities = f"@cert-authority * {other.with_suffix('.pub').read_text()}"
    error = await certified.outcome(good, authorities)
    assert error is not None
    assert "is unknown" in error.what
    bare = (shared.folder / "known_hosts").read_text()  # the key itself still counts
    assert await certified.outcome(good, authorities + bare) is None
