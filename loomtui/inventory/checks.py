"""What no single field can tell: whether the nodes can be told apart.

Works on the data as read, so that these findings are there together with those about single fields.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from loomtui.inventory.document import Document, Location
from loomtui.inventory.model import Ports, Role
from loomtui.text import clean_line

_SSH_PORT = 22
_PAIR = 2


@dataclass(frozen=True)
class _Entry:
    """One node, or one of another list, as far as it can be read; `at` is where a finding about it points."""

    index: int
    data: Mapping[str, object]
    field: str = "nodes"

    def text(self, key: str) -> str | None:
        value = self.data.get(key)
        return value if isinstance(value, str) and value else None

    def at(self, *keys: str) -> Location:
        """The first of the keys that the node has."""
        present = [key for key in keys if key in self.data]
        return (self.field, self.index, *present[:1])


def cross_check(document: Document) -> None:
    """Adds a problem for every pair of nodes that share what must be unique."""
    data = document.data
    if not isinstance(data, dict):
        return
    listed = data.get("nodes")
    raw = listed if isinstance(listed, list) else []
    nodes = [_Entry(index, node) for index, node in enumerate(raw) if isinstance(node, dict)]
    _check_names(document, nodes)
    clashing = _check_hosts(document, nodes, data)
    _check_addresses(document, nodes, data, clashing)
    _check_backup_hosts(document, nodes)
    _check_roles(document, nodes)
    _check_signers(document, data)
    for location, ports in _port_settings(data, nodes):
        _check_ports(document, location, ports)


def _check_names(document: Document, nodes: list[_Entry]) -> None:
    first: dict[str, _Entry] = {}
    for node in nodes:
        if (name := node.text("name")) is None:
            continue
        other = first.setdefault(name.casefold(), node)
        if other is not node:
            document.blame(node.at("name"), f"'{name}', {_place_of(document, other)}", "a name of its own")


def _check_hosts(document: Document, nodes: list[_Entry], data: Mapping[str, object]) -> set[tuple[int, int]]:
    """Also gives the pairs of nodes that share a host, so that nothing is said twice."""
    first: dict[tuple[str, object], _Entry] = {}
    clashing = set()
    for node in nodes:
        if (host := node.text("host")) is None:
            continue
        port = _scalar(node.data, "port") or _scalar(node.data, "ssh", "port") or _scalar(data, "ssh", "port")
        port = port or _SSH_PORT
        other = first.setdefault((_canonical(host), port), node)
        if other is not node:
            found = f"'{host}' with SSH port {port}, {_place_of(document, other)}"
            document.blame(node.at("host"), found, "a host or port of its own")
            clashing.add((other.index, node.index))
    return clashing


def _check_addresses(
    document: Document, nodes: list[_Entry], data: Mapping[str, object], clashing: set[tuple[int, int]]
) -> None:
    first: dict[tuple[str, object], _Entry] = {}
    for node in nodes:
        address = node.text("address") or node.text("host")
        if address is None:
            continue
        port = _scalar(node.data, "loom", "ports", "p2p") or _scalar(data, "loom", "ports", "p2p")
        port = port or Ports().p2p
        other = first.setdefault((_canonical(address), port), node)
        if other is node:
            continue
        if "address" in node.data or "address" in other.data or (other.index, node.index) not in clashing:
            found = f"peer address '{address}' with P2P port {port}, {_place_of(document, other)}"
            document.blame(node.at("address", "host"), found, "an address or P2P port of its own")


def _check_backup_hosts(document: Document, nodes: list[_Entry]) -> None:
    first: dict[str, _Entry] = {}
    for node in nodes:
        source = node.text("backup_host") or node.text("name")
        if source is None:
            continue
        other = first.setdefault(source.casefold(), node)
        if other is not node and ("backup_host" in node.data or "backup_host" in other.data):
            found = f"'{source}' as the host name of its backups, {_place_of(document, other)}"
            document.blame(node.at("backup_host", "name"), found, "a host name of its own")


def _check_roles(document: Document, nodes: list[_Entry]) -> None:
    roles = {_scalar(node.data, "role") for node in nodes}
    if roles == {Role.BACKUP.value}:
        document.blame(("nodes",), "backup nodes only", "at least one node with role: validator")


def _check_signers(document: Document, data: Mapping[str, object]) -> None:
    """Two people are wanted, and nobody is two people."""
    listed = data.get("allowed_signers")
    raw = listed if isinstance(listed, list) else []
    signers = [
        _Entry(index, signer, "allowed_signers")
        for index, signer in enumerate(raw)
        if isinstance(signer, dict)
    ]
    if data.get("require_second") is True and len({signer.text("name") for signer in signers}) < _PAIR:
        document.blame(("require_second",), "fewer than two names in allowed_signers", "two people and more")
    first: dict[str, _Entry] = {}
    for signer in signers:
        key = " ".join((signer.text("key") or "").split()[:_PAIR])
        other = first.setdefault(key, signer)
        if key and other is not signer and other.text("name") != signer.text("name"):
            found = f"the key of {clean_line(other.text('name') or 'another', limit=80)}"
            document.blame(signer.at("key"), found, "a key of their own")


def _port_settings(
    data: Mapping[str, object], nodes: list[_Entry]
) -> Iterator[tuple[Location, dict[str, int]]]:
    cluster = Ports().model_dump() | _ports(data)
    yield ("loom", "ports"), cluster
    for node in nodes:
        if own := _ports(node.data):
            yield ("nodes", node.index, "loom", "ports"), cluster | own


def _check_ports(document: Document, location: Location, ports: Mapping[str, int]) -> None:
    first: dict[int, str] = {}
    for name in Ports.model_fields:
        other = first.setdefault(ports[name], name)
        if other != name:
            document.blame((*location, name), f"port {ports[name]}, as {other}", "three different ports")


def _place_of(document: Document, other: _Entry) -> str:
    return f"as nodes[{other.index}] in line {document.line(('nodes', other.index))}"


def _canonical(host: str) -> str:
    """One spelling for the same host: IP addresses in short form, names in lower case without a final dot."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.casefold().rstrip(".")


def _dig(data: object, *keys: str) -> object:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def _scalar(data: object, *keys: str) -> str | int | None:
    value = _dig(data, *keys)
    return value if isinstance(value, str | int) else None


def _ports(data: Mapping[str, object]) -> dict[str, int]:
    ports = _dig(data, "loom", "ports")
    items = ports.items() if isinstance(ports, dict) else ()
    return {key: value for key, value in items if isinstance(value, int)}
