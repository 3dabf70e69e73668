"""A bastion that wants a code at every login: asked for at a terminal once, refused where nobody is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from paramiko.server import InteractiveQuery

from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.fleet.machine import install
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Behaviour, Questions, Sshd

NODES = 3


@pytest.fixture
def bastion(tmp_path: Path) -> Iterator[Sshd]:
    """A jump host that asks two things, and nodes behind it of which `inventory.yml` tells."""
    place = Place(tmp_path, write_key(tmp_path / "id"), write_key(tmp_path / "host"))
    keys = place.behaviour.keys = frozenset({place.key.asbytes()})
    for folder in (place.bin, place.working_directory, tmp_path / "units"):
        folder.mkdir()
    install(place)
    rounds = (
        InteractiveQuery("", "", ("Use the \x1b]0;evil\x07blue token.\nSerial: ", True)),
        InteractiveQuery("", "", ("Verification code: ", False)),
    )
    behaviour = Behaviour(
        keys=keys, second="keyboard-interactive", questions=Questions(rounds, [("blue7", "424242")])
    )
    with (
        Sshd(behaviour, place.host_key) as jump,
        Sshd(place.behaviour, place.host_key, place.bin) as node,
    ):
        place.knows(jump.port, node.port)
        write_inventory(place, jump.port, node.port)
        yield jump


def write_inventory(place: Place, jump: int, node: int) -> None:
    root = place.root
    (root / "config").write_text(
        f"Host bastion\n HostName 127.0.0.1\n Port {jump}\n User jumper\n IdentityFile {root}/id\n"
        f"Host node-*\n HostName 127.0.0.1\n Port {node}\n ProxyJump bastion\n"
    )
    nodes = "".join(f"  - {{name: n{number}, host: node-{number}}}\n" for number in range(NODES))
    (root / "inventory.yml").write_text(
        f"cluster: test\nproduction: false\ns3: {{bucket: bucket}}\n"
        f"ssh: {{user: operator, key_file: {root}/id, config_file: {root}/config, agent: false,\n"
        f"  known_hosts: {place.known_hosts}}}\n"
        f"loom: {{working_directory: {place.working_directory}, binary: {place.bin}/loom,\n"
        f"  unit_path: {root}/units/loom.service}}\nnodes:\n{nodes}"
    )


def begun(bastion: Sshd) -> int:
    assert bastion.behaviour.questions is not None
    return bastion.behaviour.questions.begun


def test_it_is_asked_for_once_at_a_terminal(bastion: Sshd, tmp_path: Path, home: Path) -> None:
    with Terminal(
        "nodekeys", "-i", str(tmp_path / "inventory.yml"), env={"HOME": str(home)}, cwd=tmp_path
    ) as terminal:
        terminal.expect(f"jump host jumper@127.0.0.1:{bastion.port} asks.")
        terminal.expect("> Use the")
        terminal.expect("blue token.")
        terminal.expect("> Serial: ")
        terminal.type("blue7\r")
        terminal.expect("> Verification code: ")
        terminal.type("424242\r")
        assert terminal.end() in {0, 1}
        assert "blue7" in terminal.shown
        assert "424242" not in terminal.shown
        assert b"\x1b]0;evil" not in terminal.raw
        assert terminal.shown.count("asks.") == 2
    assert bastion.behaviour.logins == ["jumper"]


@pytest.mark.parametrize("command", [("status", "--json"), ("nodekeys", "--json"), ("status",)])
def test_nobody_is_there(bastion: Sshd, tmp_path: Path, loomtui: Run, command: tuple[str, ...]) -> None:
    done = loomtui(*command, "-i", str(tmp_path / "inventory.yml"))
    assert done.status == 4
    told = " ".join((done.out + done.err).split())
    assert f"jumper@127.0.0.1:{bastion.port} wants a code that changes with every login" in told
    assert "a batch run cannot give one" in told
    assert begun(bastion) == 1
