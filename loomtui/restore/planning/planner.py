"""Makes a plan from what is there.

It looks at every node and reads the archives whole, and changes nothing.
"""

from __future__ import annotations

import getpass
import secrets
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import Contents
from loomtui.errors import LoomtuiError, Refused, Unreachable
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.fleet.probes.probe import node_details
from loomtui.inventory.model import Inventory, Node, Role
from loomtui.loom.config import read_loom_yml
from loomtui.loom.databases import EVM_DB, LOOM_CONFIG, TENDERMINT_GENESIS
from loomtui.restore.choices import Choices, check_redis_choice, look_limit, objectives_of
from loomtui.restore.findings import Finding, FindingCode, texts_of
from loomtui.restore.plan import PLAN_VERSION, Plan, PlannedChain, Scope, ValidatorPower
from loomtui.restore.planning import membership, units_after
from loomtui.restore.planning.chain import Chain, establish
from loomtui.restore.planning.choosing import Chooser, Chosen, Progress
from loomtui.restore.planning.external_addresses import try_redis
from loomtui.restore.planning.membership import is_whole_set, scope_of, select
from loomtui.restore.planning.node_plans import plan_nodes
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.places import look_at_all_places, place_refusals
from loomtui.restore.planning.refusals import foreign_files, refusals_of
from loomtui.restore.planning.rooms import look_at_rooms, settle_rooms
from loomtui.restore.planning.signing_choices import (
    SigningCase,
    choose_signing,
    predict,
    predict_catching_up,
    reset_choice,
)
from loomtui.restore.planning.unread import Staged, predict_unread, unknowns_of
from loomtui.text import clean_line

#: A backup's name tells when its script began, the last block when the data were read.
_TIMES_AGREE = timedelta(minutes=30)


async def make_plan(
    inventory: Inventory,
    fleet: Fleet,
    catalogue: Catalogue,
    choices: Choices,
    progress: Progress | None = None,
    staged: Staged | None = None,
) -> Plan:
    """The plan; if it must not be run, it has refusals.

    With `staged`, the plan that a run began with is completed by what its nodes have unpacked.

    Raises CallError (unknown node, no backup to take), NodeUnreachable, Refused (a node that cannot be worked
    on, no root rights), StoreUnreachable, ArchiveRejected.
    """
    tell = progress or (lambda _text: None)
    check_redis_choice(choices.redis)
    selected = select(inventory, choices)
    tell("looking at every node")
    looks = await node_details(fleet, inventory.names)
    details = _all_reached(selected, looks)
    for node in selected:  # without root rights a key that cannot be read would count as lost
        (await fleet.session(node.name).rights()).require(node.name)
    limit = look_limit(choices, inventory)
    chooser = Chooser(catalogue, choices, tell, staged.until if staged else None, look_limit_bytes=limit)
    configs = await chooser.configs(selected)
    needs_evm = any(_needs_evm(reached, configs.get(name)) for name, reached in details.items())
    data = staged.contents if staged else await chooser.data(needs_evm=needs_evm)
    configs = await _configs_of_chain(chooser, selected, data, configs, details)
    chosen = Chosen(chooser.read_by_now(data), configs, chooser.warnings, chooser.passed_over)
    if staged:
        warnings, passed_over = staged.warnings(chosen.warnings), staged.passed_over(chosen.passed_over)
        chosen = replace(chosen, warnings=warnings, passed_over=passed_over)
    scope = scope_of(inventory, selected, choices)
    left_out = {name: result for name, result in looks.items() if name not in details}
    redis = await try_redis(fleet, details, configs, choices.redis)
    sources = await units_after.read_sources(fleet, details, configs)
    places = await look_at_all_places(fleet, inventory, details, configs, choices)
    observations = Observations(
        inventory,
        selected,
        details,
        left_out,
        chosen,
        choices,
        scope,
        redis,
        sources,
        places,
        staged is not None,
        staged.unpacked if staged else frozenset(),
    )
    plan = assemble(observations, needs_evm=needs_evm)
    if not plan.room:
        return plan
    tell("looking for room")
    short = [room.node for room in plan.room]
    rooms = await look_at_rooms(fleet, details, short, has_twin=chosen.data.has_twin)
    return assemble(replace(observations, rooms=rooms), needs_evm=needs_evm)


def _all_reached(
    selected: Sequence[Node], looks: Mapping[str, NodeDetails | LoomtuiError]
) -> dict[str, NodeDetails]:
    reached = {node.name: result for node in selected if isinstance(result := looks[node.name], NodeDetails)}
    errors = {node.name: result for node in selected if isinstance(result := looks[node.name], LoomtuiError)}
    if errors:
        name, error = next(iter(errors.items()))
        others = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        # Where a look itself stumbled over what lies there, no step could work on that node either.
        kind = type(error) if isinstance(error, Refused | Unreachable) else Refused
        raise kind(
            f"{error.what}{others}",
            node=name,
            advice=error.advice or "Mend it, or leave the node out of the plan with --nodes.",
        )
    return reached


async def _configs_of_chain(
    chooser: Chooser,
    selected: Sequence[Node],
    data: Contents,
    newest: Mapping[str, Contents],
    details: Mapping[str, NodeDetails],
) -> Mapping[str, Contents]:
    """Each node's newest config of the data's chain, or else the one in a data archive of its host.

    A cluster that was set up again also makes backups, and the newest ones hold its new keys.
    """
    chain = establish(data, newest, {})

    def foreign(config: Contents) -> bool:
        return chain.owns(TENDERMINT_GENESIS, config.texts.get(TENDERMINT_GENESIS)) is False

    configs = newest
    if any(map(foreign, newest.values())):
        configs = await chooser.configs(selected, foreign)
    missing = [node for node in selected if node.name not in configs]
    own = {
        node.name: await chooser.own_config(
            node, data, _is_lost(details[node.name], None if data.is_unread else chain)
        )
        for node in missing
    }
    return {**configs, **{name: config for name, config in own.items() if config is not None}}


def _is_lost(details: NodeDetails, chain: Chain | None) -> bool:
    """Whether the node's own keys are lost, so that it is worth reading a whole archive for them.

    Where nobody has read the data, so that its chain is not known, only keys that are not there count.
    """
    key, validator = details.status.node_key, details.status.validator
    if chain is None:
        no_validator = validator is None or validator.address is None
        no_key = key is None or key.node_id is None
        return no_key or (details.status.role is Role.VALIDATOR and no_validator)
    if (
        key is None
        or key.node_id is None
        or chain.owns(TENDERMINT_GENESIS, details.texts.get(TENDERMINT_GENESIS)) is False
    ):
        return True
    return details.status.role is Role.VALIDATOR and (
        validator is None or validator.address not in chain.known_addresses
    )


def _needs_evm(details: NodeDetails, config: Contents | None) -> bool:
    """evm.db is needed with AppStore.Version 3, the default since 2019-07 (loomchain store/config.go).

    The loom.yml that will be there counts: the backup's, if it has one.
    """
    restored = config.texts.get(LOOM_CONFIG) if config is not None else None
    text = details.texts.get(LOOM_CONFIG, "") if restored is None else restored
    version = read_loom_yml(text).app_store_version
    return version == 3 or (version is None and EVM_DB in details.databases)


def assemble(observations: Observations, *, needs_evm: bool) -> Plan:
    """Makes the plan from what was seen alone."""
    powers = _validators(observations)
    signing = {
        node.name: choose_signing(
            _signing_case(observations, node.name), observations.scope, observations.living_height
        )
        for node in observations.selected
    }
    whole_set = is_whole_set(observations, signing, powers)
    data = observations.chosen.data
    if observations.scope is Scope.CLUSTER and data.is_unread:
        prediction = predict_unread()
    elif observations.scope is Scope.CLUSTER:
        prediction = predict(observations.height, signing, powers, whole_set_in_plan=whole_set)
    else:
        prediction = predict_catching_up(observations.living_height)
    refusals = refusals_of(observations, needs_evm=needs_evm)
    stands = not prediction.moves and not (observations.scope is Scope.CLUSTER and data.is_unread)
    if observations.choices.reset_signing and observations.scope is Scope.CLUSTER and stands:
        if whole_set and powers:
            addresses = {validator.address for validator in powers}
            signing = {
                name: reset_choice(choice) if choice.address in addresses else choice
                for name, choice in signing.items()
            }
            prediction = predict(observations.height, signing, powers, whole_set_in_plan=True)
        else:
            sentence = "the signing states may not be reset"
            refusals.append(Finding(FindingCode.RESET_REFUSED, None, sentence, prediction.remedy))
    if stands and not prediction.moves:  # also after what a reset would change
        refusals.append(Finding(FindingCode.CHAIN_STANDS, None, prediction.sentence, prediction.remedy))
    nodes, more_refusals, warnings = plan_nodes(observations, signing, powers)
    units = units_after.UnitsAfter(observations, nodes)
    refusals += [*more_refusals, *place_refusals(observations, nodes, units)]
    refusals += [*membership.refusals(observations, signing), *units.refusals()]
    rooms = settle_rooms(observations, nodes)
    nodes, refusals = units.shown(rooms.nodes), [*refusals, *rooms.refusals]
    key = clean_line(data.backup.key)
    return Plan(
        version=PLAN_VERSION,
        id=f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}",
        made_at=datetime.now(UTC),
        made_by=f"{getpass.getuser()}@{socket.gethostname()}",
        cluster=observations.cluster,
        production=observations.inventory.production,
        choices=observations.choices,
        scope=observations.scope,
        nodes=nodes,
        left_out=tuple(observations.left_out),
        validators=powers,
        prediction=prediction,
        passed_over=observations.chosen.passed_over,
        refusals=tuple(dict.fromkeys(refusals)),
        chain=None if data.is_unread else _planned_chain(observations),
        unknowns=tuple(unknowns_of(data, observations.scope, needs_evm=needs_evm)),
        room=rooms.short,
        objectives=objectives_of(observations.inventory),
        warnings=tuple(
            dict.fromkeys(
                [
                    *observations.chosen.warnings,
                    *(Finding(FindingCode.ARCHIVE_NOTE, None, f"{key}: {note}") for note in data.warnings),
                    *foreign_files(observations),
                    *_times_that_disagree(observations),
                    *warnings,
                    *membership.warnings(observations, nodes, powers),
                    *units.warnings(),
                    *rooms.warnings,
                ]
            )
        ),
    )


def _times_that_disagree(observations: Observations) -> Iterator[Finding]:
    """Tells if the data is older or newer than its archive's name says."""
    backup, last = observations.chosen.data.backup, observations.chain.block_time
    if last is not None and abs(last - backup.taken_at) > _TIMES_AGREE:
        sentence = (
            f"{clean_line(backup.key)} was taken at {backup.taken_at:%Y-%m-%d %H:%M} UTC by its name and S3, "
            f"but its last block was made at {last:%Y-%m-%d %H:%M} UTC: the block's time counts"
        )
        yield Finding(FindingCode.TIMES_DISAGREE, None, sentence)


def _planned_chain(observations: Observations) -> PlannedChain:
    chain, state = observations.chain, observations.chain.state
    return PlannedChain(
        chain_id=chain.chain_id,
        height=chain.height,
        block_hash=state.block_hash if state is not None else None,
        block_time=chain.block_time,
        evidence=chain.evidence,
        foreign_files=texts_of(foreign_files(observations)),
    )


def _signing_case(observations: Observations, name: str) -> SigningCase:
    """With --keep-keys a node keeps its key, unless only the backup's is of the chain's validators."""
    config, live = observations.chosen.config.get(name), observations.details[name].status.validator
    saved = config.validator if config else None
    if observations.choices.keep_keys and live is not None and live.address and saved is not None:
        addresses = observations.chain.known_addresses
        if live.address != saved.address and (live.address in addresses or saved.address not in addresses):
            saved = None
    return SigningCase(name, live, saved)


def _validators(observations: Observations) -> tuple[ValidatorPower, ...]:
    """Who decides on the next block of the data, and which node holds the key.

    Empty means that it is not known.
    """
    holders = _holders(observations)
    return tuple(
        ValidatorPower(power.address, power.power, holders.get(power.address))
        for power in observations.chain.deciders
    )


def _holders(observations: Observations) -> dict[str, str]:
    holders: dict[str, str] = {}
    for name in observations.details:
        case = _signing_case(observations, name)
        for facts in (case.live, case.backup):
            if facts is not None and facts.address:
                holders.setdefault(facts.address, name)
    return holders
