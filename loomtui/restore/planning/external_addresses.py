"""Finds, tries and corrects addresses of other machines in the config that a restore puts in place."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import replace

from loomtui.backups.model import Contents
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.ssh.reach import Reach
from loomtui.inventory.model import Inventory
from loomtui.loom.config import read_config_toml, read_loom_yml, redis_place, with_redis
from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG
from loomtui.restore.choices import KEEP_REDIS
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import ExternalAddress, FileAction, FileChoice
from loomtui.restore.planning.config_choices import live_text, unified_diff
from loomtui.restore.planning.observations import Observations

_TRY_SECONDS = 5.0

Tried = Mapping[tuple[str, str, int], Reach]


def text_to_be(details: NodeDetails, config: Contents | None, target: str) -> str:
    """The file as it will be after the restore: the backup's if there is one, otherwise the node's own."""
    restored = config.texts.get(target) if config is not None else None
    return restored if restored is not None else live_text(details, target) or ""


async def try_redis(
    fleet: Fleet, details: Mapping[str, NodeDetails], configs: Mapping[str, Contents], choice: str | None
) -> Tried:
    """Opens a connection to each node's Redis from that node, to all at once. Raises NodeUnreachable."""
    wanted = {
        (name, *place)
        for name, node_details in details.items()
        for place in _places(text_to_be(node_details, configs.get(name), LOOM_CONFIG), choice)
    }

    async def one(name: str, host: str, port: int) -> Reach:
        return await fleet.session(name).reach(host, port, timeout=_TRY_SECONDS)

    places = sorted(wanted)
    return dict(zip(places, await asyncio.gather(*(one(*place) for place in places)), strict=True))


def _places(loom_yml: str, choice: str | None) -> list[tuple[str, int]]:
    """Where loomtui will try Redis.

    If the operator gave an address, it counts for every URI that there is.
    """
    uris = read_loom_yml(loom_yml).redis_uris
    if uris and choice not in (None, KEEP_REDIS):
        uris = (f"redis://{choice}",)
    return [place for uri in uris if (place := redis_place(uri)) is not None]


def foreign_addresses(observations: Observations, name: str) -> tuple[ExternalAddress, ...]:
    """The addresses in the config to be restored that name a machine outside the inventory."""
    details, config = observations.details[name], observations.chosen.config.get(name)
    own = _own_hosts(observations.inventory)
    texts = (text_to_be(details, config, target) for target in (LOOM_CONFIG, TENDERMINT_CONFIG))
    chosen = observations.choices.redis if observations.choices.redis != KEEP_REDIS else None
    addresses = []
    for entry in named_addresses(*texts):
        address = entry.address
        if entry.file == TENDERMINT_CONFIG:
            if _host_of(address) != observations.inventory.node(name).peer_address.strip("[]").lower():
                addresses.append(entry)
            continue
        place = redis_place(address)
        if place is not None and chosen is not None:
            place = redis_place(f"redis://{chosen}")
            entry = replace(entry, address=f"{address} → {chosen}")
        tried = observations.redis.get((name, *place)) if place is not None else None
        if tried is not None:
            entry = replace(entry, reached=tried.reached, tried=tried.words)
        if _host_of(address) not in own or place is not None:
            addresses.append(entry)
    return tuple(addresses)


def named_addresses(loom_yml: str, config_toml: str) -> tuple[ExternalAddress, ...]:
    """The addresses of other machines, and the own one for peers, that a node's files name."""
    addresses = [
        ExternalAddress(LOOM_CONFIG, field, address)
        for field, address in read_loom_yml(loom_yml).foreign_addresses
    ]
    external = read_config_toml(config_toml).external_address
    if external:
        addresses.append(ExternalAddress(TENDERMINT_CONFIG, "p2p.external_address", external))
    return tuple(addresses)


def _own_hosts(inventory: Inventory) -> set[str]:
    hosts = {node.host for node in inventory.nodes} | {node.peer_address for node in inventory.nodes}
    return {host.strip("[]").lower() for host in hosts}


def _host_of(address: str) -> str:
    place = address.rpartition("://")[2].partition("/")[0].rpartition("@")[2]
    host = place.partition("]")[0] if place.startswith("[") else place.partition(":")[0]
    return host.strip("[").lower()


def redis_refusals(name: str, addresses: tuple[ExternalAddress, ...], choice: str | None) -> list[Finding]:
    """A node that does not reach its Redis exits at once and is restarted for ever (loomchain, events)."""
    if choice == KEEP_REDIS:
        return []
    return [
        Finding(
            FindingCode.REDIS_UNREACHED,
            name,
            f"{name}: Redis of {entry.file} ({entry.field}: {entry.address}) is not reached from the node: "
            f"{entry.tried}; it would exit and be restarted for ever",
            "Give the right address with --redis HOST:PORT, or keep it knowingly with --redis keep",
        )
        for entry in addresses
        if entry.reached is False
    ]


def correct_redis(
    choice: FileChoice, details: NodeDetails, config: Contents | None, place: str
) -> FileChoice:
    """The choice for loom.yml with another Redis address. Raises ValueError with a sentence."""
    restores = choice.action is FileAction.RESTORE
    text = text_to_be(details, config if restores else None, LOOM_CONFIG)
    if not read_loom_yml(text).redis_uris:
        return choice
    known = config.digests.get(LOOM_CONFIG) if restores and config is not None else None
    known = known or details.digests.get(LOOM_CONFIG)
    if known != hashlib.sha256(text.encode()).hexdigest():
        raise ValueError("its bytes are not known for certain")
    after = with_redis(text, place)
    if after == text:
        return choice
    before = live_text(details, LOOM_CONFIG)
    digest = hashlib.sha256(after.encode()).hexdigest()
    return replace(
        choice,
        reason=f"{choice.reason}; Redis becomes {place}",
        changes=details.digests.get(LOOM_CONFIG) != digest,
        digest=digest,
        diff=unified_diff(before or "", after, LOOM_CONFIG),
        redis=place,
    )
