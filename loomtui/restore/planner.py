"""From what is there to a plan. Looks at every node and reads the archives whole; changes nothing."""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import Compression, Contents, Item
from loomtui.errors import CallError, LoomtuiError, NodeUnreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probe import node_details
from loomtui.fleet.status import Active, NodeDetails
from loomtui.inventory.model import Inventory, Node, Role
from loomtui.loom.config import read_config_toml, read_loom_yml
from loomtui.loom.databases import EVM_DB, LOOM_CONFIG, TENDERMINT_CONFIG, TENDERMINT_GENESIS, UNIT
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.loom.peers import read_peers
from loomtui.loom.units import read_unit
from loomtui.restore.choosing import Choices, Chooser, Chosen, Progress, missing_evm
from loomtui.restore.config_choices import decide_files, live_text
from loomtui.restore.plan import (
    PLAN_VERSION,
    Archive,
    FileAction,
    NodePlan,
    Plan,
    Scope,
    SigningAction,
    SigningChoice,
    ValidatorPower,
)
from loomtui.restore.signing_choices import SigningCase, choose_signing, predict, reset_choice
from loomtui.text import clean_line


@dataclass(frozen=True)
class _Seen:
    """All that the plan is made of."""

    inventory: Inventory
    selected: tuple[Node, ...]
    details: Mapping[str, NodeDetails]
    left_out: Mapping[str, NodeDetails | LoomtuiError]
    chosen: Chosen
    choices: Choices
    scope: Scope

    @property
    def height(self) -> int | None:
        """Of the restored data: the block store's, for the app catches up with it at the start."""
        return self.chosen.data.store_height or self.chosen.data.app_height

    @property
    def living_height(self) -> int | None:
        """Of the chain that goes on on the nodes left out."""
        heights = [
            look.status.chain.height
            for look in self.left_out.values()
            if isinstance(look, NodeDetails) and look.status.chain is not None
        ]
        return max(heights, default=None)


async def make_plan(
    inventory: Inventory,
    fleet: Fleet,
    catalogue: Catalogue,
    choices: Choices,
    progress: Progress | None = None,
) -> Plan:
    """The plan, with its refusals where it must not be run.

    Raises CallError (unknown node, no backup to take), NodeUnreachable, StoreUnreachable, ArchiveRejected.
    """
    tell = progress or (lambda _text: None)
    selected = _select(inventory, choices)
    tell("looking at every node")
    looks = await node_details(fleet, inventory.names)
    details = _all_reached(selected, looks)
    needs_evm = any(_needs_evm(look) for look in details.values())
    chosen = await Chooser(catalogue, choices, tell).choose(selected, needs_evm=needs_evm)
    validators = {node.name for node in inventory.nodes if node.role is Role.VALIDATOR}
    scope = Scope.CLUSTER if validators <= set(details) else Scope.NODES
    left_out = {name: look for name, look in looks.items() if name not in details}
    return _assemble(_Seen(inventory, selected, details, left_out, chosen, choices, scope), needs_evm)


def _select(inventory: Inventory, choices: Choices) -> tuple[Node, ...]:
    if choices.nodes is None:
        return inventory.nodes
    unknown = [name for name in choices.nodes if name not in inventory.names]
    if unknown or not choices.nodes:
        raise CallError(
            f"no such node: {', '.join(map(clean_line, unknown)) or '(none named)'}",
            advice=f"The inventory has {', '.join(inventory.names)}.",
        )
    return tuple(node for node in inventory.nodes if node.name in choices.nodes)


def _all_reached(
    selected: Sequence[Node], looks: Mapping[str, NodeDetails | LoomtuiError]
) -> dict[str, NodeDetails]:
    reached = {node.name: look for node in selected if isinstance(look := looks[node.name], NodeDetails)}
    errors = {node.name: look for node in selected if isinstance(look := looks[node.name], LoomtuiError)}
    if errors:
        name, error = next(iter(errors.items()))
        others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        failure = type(error) if not isinstance(error, NodeUnreachable) else NodeUnreachable
        raise failure(
            f"{error.what}{others}",
            node=name,
            advice=error.advice or "Mend it, or leave the node out of the plan with --nodes.",
        )
    return reached


def _needs_evm(details: NodeDetails) -> bool:
    """evm.db is mandatory with AppStore.Version 3, the default since 2019-07 (loomchain store/config.go)."""
    version = read_loom_yml(details.texts.get(LOOM_CONFIG, "")).app_store_version
    return version == 3 or (version is None and EVM_DB in details.databases)


def _assemble(seen: _Seen, needs_evm: bool) -> Plan:
    powers = _validators(seen)
    signing = {
        node.name: choose_signing(_signing_case(seen, node.name), seen.scope, seen.living_height)
        for node in seen.selected
    }
    whole_set = all(
        any(choice.address == validator.address for choice in signing.values()) for validator in powers
    )
    prediction = predict(seen.height, signing, powers, whole_set_in_plan=whole_set)
    refusals = _refusals(seen, needs_evm)
    if seen.choices.reset_signing and seen.scope is Scope.CLUSTER and not prediction.moves:
        if whole_set and powers:
            signing = {name: reset_choice(choice) for name, choice in signing.items()}
            prediction = predict(seen.height, signing, powers, whole_set_in_plan=True)
        else:
            refusals.append(f"the signing states may not be reset. {prediction.remedy}")
    if not prediction.moves and seen.scope is Scope.CLUSTER:
        refusals.append(f"{prediction.sentence} {prediction.remedy}".strip())
    nodes, more_refusals, warnings = _nodes(seen, signing, powers)
    refusals += more_refusals + _raise_refusals(seen, signing)
    return Plan(
        version=PLAN_VERSION,
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        made_at=datetime.now(UTC),
        made_by=f"{getpass.getuser()}@{socket.gethostname()}",
        cluster=seen.inventory.cluster,
        production=seen.inventory.production,
        scope=seen.scope,
        stage_first=seen.choices.stage_first,
        nodes=nodes,
        left_out=tuple(seen.left_out),
        validators=powers,
        prediction=prediction,
        reset_confirmed=seen.choices.reset_signing,
        refusals=tuple(dict.fromkeys(refusals)),
        warnings=tuple(dict.fromkeys([*seen.chosen.warnings, *seen.chosen.data.warnings, *warnings])),
    )


def _signing_case(seen: _Seen, name: str) -> SigningCase:
    config = seen.chosen.config.get(name)
    return SigningCase(name, seen.details[name].status.validator, config.validator if config else None)


def _validators(seen: _Seen) -> tuple[ValidatorPower, ...]:
    """The set of the genesis; where nodes disagree about it, the one that most of them hold."""
    texts = [config.texts.get(TENDERMINT_GENESIS) for config in seen.chosen.config.values()]
    texts += [look.texts.get(TENDERMINT_GENESIS) for look in seen.details.values()]
    holders = _holders(seen)
    sets: list[tuple[ValidatorPower, ...]] = []
    for text in filter(None, texts):
        try:
            genesis = read_tendermint_genesis(text)
        except ValueError:
            continue
        sets.append(
            tuple(
                ValidatorPower(validator.address, validator.power, holders.get(validator.address))
                for validator in genesis.validators
            )
        )
    return max(sets, key=sets.count, default=())


def _holders(seen: _Seen) -> dict[str, str]:
    holders = {}
    for name in seen.details:
        case = _signing_case(seen, name)
        for facts in (case.live, case.backup):
            if facts is not None and facts.address:
                holders.setdefault(facts.address, name)
    return holders


def _refusals(seen: _Seen, needs_evm: bool) -> list[str]:
    refusals = []
    data = seen.chosen.data
    no_evm = missing_evm(data)
    if needs_evm and no_evm:
        refusals.append(no_evm)
    if data.app_height and data.store_height and data.app_height > data.store_height:
        refusals.append(
            f"{clean_line(data.backup.key)} is torn: app.db is at {data.app_height}, the block store only at "
            f"{data.store_height}; every node would refuse to start"
        )
    for name, look in seen.left_out.items():
        running = isinstance(look, NodeDetails) and look.status.service is not None
        if seen.scope is Scope.CLUSTER and running and _is_active(look):
            refusals.append(
                f"{name} is not in the plan and runs: it would give the abandoned blocks back to the others. "
                "Restore it too, or stop it first"
            )
    return refusals


def _is_active(look: NodeDetails | LoomtuiError) -> bool:
    if isinstance(look, LoomtuiError) or look.status.service is None:
        return False
    return look.status.service.active not in {Active.INACTIVE, Active.FAILED}


def _raise_refusals(seen: _Seen, signing: Mapping[str, SigningChoice]) -> list[str]:
    return [
        f"{name} lost its signing state: {choice.reason}. Only when its old machine is dead for certain; "
        "confirm with the cluster's name"
        for name, choice in signing.items()
        if choice.action is SigningAction.RAISE and not seen.choices.reset_signing
    ]


def _nodes(
    seen: _Seen, signing: Mapping[str, SigningChoice], powers: Sequence[ValidatorPower]
) -> tuple[tuple[NodePlan, ...], list[str], list[str]]:
    refusals: list[str] = []
    warnings: list[str] = []
    identities = {node.name: _identity(seen, node) for node in seen.selected}
    former = {node.name: _former_ids(seen, node.name) for node in seen.selected}
    addresses = _former_addresses(seen, identities, former)
    right = {(identities[node.name], node.peer_address) for node in seen.selected}
    plans = []
    for node in seen.selected:
        details, config = seen.details[node.name], seen.chosen.config.get(node.name)
        stale = any((peer_id, _host(place)) not in right for peer_id, place in details.addrbook)
        decision = decide_files(
            details,
            config,
            keep_key=seen.choices.keep_keys,
            signing=signing[node.name],
            addrbook_stale=stale,
        )
        refusals += decision.refusals
        warnings += decision.warnings + _node_warnings(node, details, config)
        plan = _node_plan(seen, node, details, config)
        restored = any(choice.action is FileAction.RESTORE for choice in decision.files)
        plans.append(
            replace(
                plan,
                files=decision.files,
                config=plan.config if restored else None,
                signing=signing[node.name],
                node_id=identities[node.name],
                former_ids=tuple(sorted(former[node.name])),
                former_addresses=tuple(sorted(addresses[node.name])),
            )
        )
    refusals += _duplicates(plans)
    warnings += _unsigned_validators(plans, powers)
    return tuple(plans), refusals, warnings


def _node_warnings(node: Node, details: NodeDetails, config: Contents | None) -> tuple[str, ...]:
    warnings = [f"{node.name}: {text}" for text in (config.warnings if config else ())]
    warnings += [f"{node.name}: a backup job is there and may start the service: {job}" for job in details.backup_jobs]
    if read_loom_yml(details.texts.get(LOOM_CONFIG, "")).root_dir not in {"", "."}:
        warnings.append(f"{node.name}: loom.yml sets RootDir, which Loom joins twice; check where its data lies")
    offset = details.status.clock_offset_seconds
    if offset is not None and abs(offset) > 5:
        warnings.append(f"{node.name}: its clock is {offset:+.0f} s from this machine's; votes carry the time")
    return tuple(warnings)


def _duplicates(plans: Sequence[NodePlan]) -> list[str]:
    refusals = []
    for label, key in (("node key", lambda plan: plan.node_id), ("validator key", lambda plan: plan.signing.address)):
        seen: dict[str, str] = {}
        for plan in plans:
            value = key(plan)
            if value is not None and value in seen:
                refusals.append(f"{seen[value]} and {plan.name} would have the same {label} ({value})")
            elif value is not None:
                seen[value] = plan.name
    return refusals


def _unsigned_validators(plans: Sequence[NodePlan], powers: Sequence[ValidatorPower]) -> list[str]:
    held = {plan.signing.address for plan in plans}
    return [
        f"validator {power.address[:12]} (power {power.power}) is on no node of this plan"
        for power in powers
        if power.address not in held
    ]


def _identity(seen: _Seen, node: Node) -> str | None:
    live = seen.details[node.name].status.node_key
    config = seen.chosen.config.get(node.name)
    then = config.node_key.node_id if config is not None and config.node_key is not None else None
    now = live.node_id if live is not None else None
    return now if (seen.choices.keep_keys and now) or then is None else then


def _former_ids(seen: _Seen, name: str) -> set[str]:
    config = seen.chosen.config.get(name)
    live = seen.details[name].status.node_key
    ids = {config.node_key.node_id if config and config.node_key else None, live.node_id if live else None}
    return {value for value in ids if value}


def _former_addresses(
    seen: _Seen, identities: Mapping[str, str | None], former: Mapping[str, set[str]]
) -> dict[str, set[str]]:
    """Where peers dialled each node, as the backups' units say: the ID in an entry names the node."""
    owner = {value: name for name, ids in former.items() for value in ids}
    owner |= {value: name for name, value in identities.items() if value}
    addresses: dict[str, set[str]] = {name: set() for name in identities}
    for config in seen.chosen.config.values():
        for flag in read_unit("unit", config.texts.get(UNIT, "")).peer_values:
            for peer in read_peers(flag.value).peers:
                name = owner.get(peer.id.lower())
                if name is not None:
                    addresses[name].add(peer.host)
    return addresses


def _host(place: str) -> str:
    return place.rsplit(":", 1)[0]


def _node_plan(seen: _Seen, node: Node, details: NodeDetails, config: Contents | None) -> NodePlan:
    settings = seen.inventory.loom_of(node)
    unit = details.status.unit
    toml = (config.texts.get(TENDERMINT_CONFIG) if config else None) or live_text(details, TENDERMINT_CONFIG) or ""
    return NodePlan(
        name=node.name,
        working_directory=details.working_directory,
        unit_path=unit.files[0].path if unit is not None and unit.files else settings.unit_file,
        user=details.user,
        group=details.group,
        data=_archive(seen.chosen.data, seen.chosen.data.data_items),
        config=_archive(config, config.config_items) if config else None,
        files=(),
        signing=SigningChoice(SigningAction.NONE, None, None, None, None, ""),
        node_id=None,
        address=node.peer_address,
        port=read_config_toml(toml).p2p_port or settings.ports.p2p,
    )


def _archive(contents: Contents, items: tuple[Item, ...]) -> Archive:
    backup = contents.backup
    return Archive(
        key=backup.key,
        etag=backup.etag,
        sha256=contents.sha256,
        size_bytes=backup.size_bytes,
        unpacked_bytes=contents.unpacked_bytes,
        file_count=contents.file_count,
        compression=backup.compression or Compression.NONE,
        taken_at=backup.taken_at,
        items=items,
    )
