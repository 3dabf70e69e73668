"""What a plan says about each node: its archives, its files, and its identity before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from loomtui.backups.members import extent_of
from loomtui.backups.model import Compression, Contents, Item
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.inventory.model import Node
from loomtui.loom.config import read_config_toml
from loomtui.loom.databases import LOOM_CONFIG, TENDERMINT_CONFIG, UNIT
from loomtui.loom.peers import read_peers
from loomtui.loom.units import read_unit
from loomtui.restore.choices import KEEP_REDIS
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import (
    Archive,
    ExternalAddress,
    FileAction,
    FileChoice,
    NodePlan,
    SigningAction,
    SigningChoice,
    ValidatorPower,
)
from loomtui.restore.planning.amino_files import unreadable_files
from loomtui.restore.planning.config_choices import decide_files, live_text
from loomtui.restore.planning.external_addresses import correct_redis, foreign_addresses, redis_refusals
from loomtui.restore.planning.moved_files import moved_files
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.places import place_warnings, unit_path_of
from loomtui.restore.planning.unit_choices import keep_right_units
from loomtui.restore.planning.unread import unread_archive
from loomtui.text import clean_line

#: What may take its bytes from the node's config archive.
_FROM_ARCHIVE = frozenset({FileAction.RESTORE, FileAction.RESET, FileAction.RAISE})


def plan_nodes(
    observations: Observations, signing: Mapping[str, SigningChoice], powers: Sequence[ValidatorPower]
) -> tuple[tuple[NodePlan, ...], list[Finding], list[Finding]]:
    """The nodes of the plan, why the plan must not be run, and what is worth knowing."""
    refusals: list[Finding] = []
    warnings: list[Finding] = []
    identities = {node.name: _identity(observations, node) for node in observations.selected}
    former = {node.name: _former_ids(observations, node.name) for node in observations.selected}
    addresses = _former_addresses(observations, identities, former)
    right = _right_places(observations, identities)
    data = _archive(
        observations.chosen.data, observations.chosen.data.data_items
    )  # one for all: it may list many files
    plans = []
    for node in observations.selected:
        details, config = observations.details[node.name], observations.chosen.config.get(node.name)
        stale = any(
            right.isdisjoint({(peer_id, _host_of(place)), (None, _host_of(place))})
            for peer_id, place in details.addrbook
        )
        decision = decide_files(
            details,
            config,
            keep_key=observations.choices.keep_keys,
            signing=signing[node.name],
            addrbook_stale=stale,
            chain=observations.chain,
        )
        files, external_addresses, foreign_refusals = _with_foreign(observations, node.name, decision.files)
        refusals += [*decision.refusals, *foreign_refusals, *moved_files(details, config)]
        refusals += unreadable_files(details, config, files, signing[node.name])
        warnings += [*decision.warnings, *_node_warnings(node, details, config)]
        plan = _node_plan(observations, node, details, config, data)
        restored = any(choice.action in _FROM_ARCHIVE and choice.text is None for choice in files)
        plans.append(
            replace(
                plan,
                files=files,
                external_addresses=external_addresses,
                config=plan.config if restored else None,
                signing=signing[node.name],
                node_id=identities[node.name],
                former_ids=tuple(sorted(former[node.name])),
                former_addresses=tuple(sorted(addresses[node.name])),
            )
        )
    refusals += _duplicates(plans, observations)
    warnings += _unsigned_validators(plans, powers)
    kept, unit_findings = keep_right_units(observations, plans)
    return kept, refusals, [*warnings, *unit_findings, *place_warnings(observations, kept)]


def _with_foreign(
    observations: Observations, name: str, files: tuple[FileChoice, ...]
) -> tuple[tuple[FileChoice, ...], tuple[ExternalAddress, ...], list[Finding]]:
    """The choices with the given Redis address, the addresses of other machines, and the refusals."""
    addresses, chosen = foreign_addresses(observations, name), observations.choices.redis
    refusals = redis_refusals(name, addresses, chosen)
    if chosen in (None, KEEP_REDIS):
        return files, addresses, refusals
    details, config = observations.details[name], observations.chosen.config.get(name)
    corrected = []
    for choice in files:
        try:
            is_loom = choice.target == LOOM_CONFIG
            corrected.append(correct_redis(choice, details, config, str(chosen)) if is_loom else choice)
        except ValueError as error:
            sentence = f"{name}: Redis cannot be corrected in loom.yml: {error}"
            advice = "Plan with --redis keep, and change it by hand after the restore"
            refusals.append(Finding(FindingCode.REDIS_NOT_CORRECTED, name, sentence, advice))
    return tuple(corrected), addresses, refusals


def _node_warnings(node: Node, details: NodeDetails, config: Contents | None) -> Iterator[Finding]:
    def finding(code: FindingCode, sentence: str, advice: str = "") -> Finding:
        return Finding(code, node.name, f"{node.name}: {sentence}", advice)

    for note in config.warnings if config is not None else ():
        key = clean_line(config.backup.key) if config is not None else ""
        yield finding(FindingCode.ARCHIVE_NOTE, f"{key}: {note}")
    for job in details.backups.jobs:
        yield finding(FindingCode.BACKUP_JOB, f"a backup job is there: {job}")
    offset = details.status.clock_offset_seconds
    if offset is not None and abs(offset) > 5:
        sentence = f"its clock is {offset:+.0f} s from this machine's; votes carry the time"
        yield finding(FindingCode.CLOCK_OFF, sentence)


def _duplicates(plans: Sequence[NodePlan], observations: Observations) -> list[Finding]:
    """Two nodes with one key sign twice, or never meet. A node that is not in the plan counts too."""
    identities = {
        "node key": [(plan.name, plan.node_id) for plan in plans],
        "validator key": [(plan.name, plan.signing.address) for plan in plans],
    }
    for name, details in _others(observations):
        key, validator = details.status.node_key, details.status.validator
        identities["node key"].append((name, key.node_id if key else None))
        identities["validator key"].append((name, validator.address if validator else None))
    refusals = []
    for label, held in identities.items():
        first: dict[str, str] = {}
        for name, value in held:
            if value is not None and first.setdefault(value, name) != name:
                sentence = f"{first[value]} and {name} would have the same {label} ({value})"
                advice = "Choose other backups for one of them (--map), or --keep-keys"
                refusals.append(Finding(FindingCode.DUPLICATE_KEY, None, sentence, advice))
    return refusals


def _unsigned_validators(plans: Sequence[NodePlan], powers: Sequence[ValidatorPower]) -> list[Finding]:
    held = {plan.signing.address for plan in plans}
    return [
        Finding(
            FindingCode.VALIDATOR_ABSENT,
            power.node,
            f"validator {power.address[:12]} (power {power.power}) is on no node of this plan",
        )
        for power in powers
        if power.address not in held
    ]


def _identity(observations: Observations, node: Node) -> str | None:
    live_key = observations.details[node.name].status.node_key
    config = observations.chosen.config.get(node.name)
    backup_id = config.node_key.node_id if config is not None and config.node_key is not None else None
    live_id = live_key.node_id if live_key is not None else None
    return live_id if (observations.choices.keep_keys and live_id) or backup_id is None else backup_id


def _former_ids(observations: Observations, name: str) -> set[str]:
    config = observations.chosen.config.get(name)
    live = observations.details[name].status.node_key
    ids = {config.node_key.node_id if config and config.node_key else None, live.node_id if live else None}
    return {value for value in ids if value}


def _former_addresses(
    observations: Observations, identities: Mapping[str, str | None], former: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """Where peers dialled each node.

    The backups' units have entries with its ID, and its own config.toml says it too.
    """
    owner = {value: name for name, ids in former.items() for value in ids}
    owner |= {value: name for name, value in identities.items() if value}
    addresses: dict[str, set[str]] = {name: set() for name in identities}
    for own, config in observations.chosen.config.items():
        external_address = read_config_toml(config.texts.get(TENDERMINT_CONFIG, "")).external_address
        if own in addresses and external_address:
            addresses[own].add(_host_of(external_address.rpartition("://")[2]))
        for flag in read_unit("unit", config.texts.get(UNIT, "")).peer_values:
            for peer in read_peers(flag.value).peers:
                name = owner.get(peer.id.lower())
                if name is not None:
                    addresses[name].add(peer.host)
    return addresses


def _right_places(
    observations: Observations, identities: Mapping[str, str | None]
) -> set[tuple[str | None, str]]:
    """The ID and host of every node as it will be.

    Nodes outside the plan stay as they are; None stands for an unknown ID.
    """
    right = {(identities[node.name], _bare_host(node.peer_address)) for node in observations.selected}
    for name, details in _others(observations):
        key = details.status.node_key
        right.add((key.node_id if key else None, _bare_host(observations.inventory.node(name).peer_address)))
    for name in observations.left_out.keys() - {name for name, _ in _others(observations)}:
        right.add((None, _bare_host(observations.inventory.node(name).peer_address)))
    return right


def _others(observations: Observations) -> Iterator[tuple[str, NodeDetails]]:
    """The nodes that are not in the plan, as far as they could be looked at."""
    yield from (
        (name, result) for name, result in observations.left_out.items() if isinstance(result, NodeDetails)
    )


def _host_of(place: str) -> str:
    return _bare_host(place.rsplit(":", 1)[0])


def _bare_host(host: str) -> str:
    return host.strip("[]").lower()


def _node_plan(
    observations: Observations, node: Node, details: NodeDetails, config: Contents | None, data: Archive
) -> NodePlan:
    settings = observations.inventory.loom_of(node)
    toml = (
        (config.texts.get(TENDERMINT_CONFIG) if config else None)
        or live_text(details, TENDERMINT_CONFIG)
        or ""
    )
    return NodePlan(
        name=node.name,
        working_directory=details.working_directory,
        unit_path=unit_path_of(details, settings.unit_file),
        user=details.user,
        group=details.group,
        data=data,
        config=_archive(config, config.config_items) if config else None,
        files=(),
        signing=SigningChoice(SigningAction.NONE, None, None, None, None, ""),
        node_id=None,
        address=node.peer_address,
        port=read_config_toml(toml).p2p_port or settings.ports.p2p,
        backup_jobs=tuple(str(job) for job in details.backups.jobs),
        staging=details.backups.staging,
    )


def _archive(contents: Contents, items: tuple[Item, ...]) -> Archive:
    if contents.is_unread:
        return unread_archive(contents)
    backup, extent = contents.backup, extent_of(contents.members, items)
    return Archive(
        key=backup.key,
        etag=backup.etag,
        sha256=contents.sha256,
        size_bytes=backup.size_bytes,
        unpacked_bytes=extent.bytes,
        file_count=extent.files,
        compression=backup.compression or Compression.NONE,
        taken_at=backup.taken_at,
        taken_by=backup.taken_by,
        items=items,
        manifest=contents.manifest,
        has_twin=contents.has_twin,
    )
