"""A bastion that asks two things at each login, before nodes of an inventory file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paramiko.server import InteractiveQuery

from tests.fleet.machine import install
from tests.fleet.place import Place, write_key
from tests.fleet.sshd import Behaviour, Questions, Sshd

NODES = 3


@contextmanager
def bastion_before_nodes(root: Path, *codes: str) -> Iterator[Sshd]:
    """The nodes n0, n1 … of `root/inventory.yml` are behind it. It wants `blue7` and a code, each once."""
    place = Place(root, write_key(root / "id"), write_key(root / "host"))
    keys = place.behaviour.keys = frozenset({place.key.asbytes()})
    for folder in (place.bin, place.working_directory, root / "units"):
        folder.mkdir()
    install(place)
    rounds = (
        InteractiveQuery("", "", ("Use the \x1b]0;evil\x07blue token.\nSerial: ", True)),
        InteractiveQuery("", "", ("Verification code: ", False)),
    )
    behaviour = Behaviour(
        keys=keys,
        second="keyboard-interactive",
        questions=Questions(rounds, [("blue7", code) for code in codes]),
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
