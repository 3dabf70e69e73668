"""Why a plan must not be run as it is, judged by what was seen of the nodes and the archives. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from loomtui.backups.databases import torn_heights
from loomtui.fleet.probes.node_status import NodeStatus
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.genesis import read_tendermint_genesis
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import Scope
from loomtui.restore.planning.chain import GENESIS_FILES
from loomtui.restore.planning.choosing import missing_evm
from loomtui.restore.planning.observations import Observations
from loomtui.text import clean_line

_ONE_CHAIN = "Choose backups of one chain (--data, --before, --map)"


def refusals_of(observations: Observations, *, needs_evm: bool) -> list[Finding]:
    """One finding for each reason. What only the data tells is no reason as long as nobody has read it."""
    of_data = []
    if not observations.chosen.data.is_unread:
        of_data = [*_data_problems(observations, needs_evm), *_chain_problems(observations)]
    return [*of_data, *_node_problems(observations)]


def _data_problems(observations: Observations, needs_evm: bool) -> Iterator[Finding]:
    data = observations.chosen.data
    no_evm = missing_evm(data)
    if needs_evm and no_evm:
        yield Finding(FindingCode.NO_EVM, None, no_evm)
    torn = torn_heights(data.app_height, data.state_height, data.store_height)
    if torn:
        sentence = f"{clean_line(data.backup.key)} is torn: every node would refuse to start. {torn}"
        yield Finding(FindingCode.TORN_DATA, None, sentence)


def _chain_problems(observations: Observations) -> Iterator[Finding]:
    """Refuses if it is not known which chain the data is of, or if the others go on with another one."""
    if observations.chain.undecided:
        several = "; ".join(
            f"{genesis.origin}: {_describe_genesis(genesis.text)}" for genesis in observations.chain.undecided
        )
        sentence = f"which chain the data is of cannot be told, the sources disagree ({several})"
        yield Finding(FindingCode.CHAIN_UNDECIDED, None, sentence, _ONE_CHAIN)
    elif observations.chain.tendermint is None:
        chain = f" ({clean_line(observations.chain.chain_id)})" if observations.chain.chain_id else ""
        sentence = (
            f"no genesis of the data's chain{chain} is in a backup or on a node: what is there is of other "
            "chains, or cannot be read"
        )
        yield Finding(FindingCode.CHAIN_UNKNOWN, None, sentence, _ONE_CHAIN)
    strangers = sorted(set(observations.others) - set(observations.kin))
    if observations.scope is Scope.NODES and strangers and not observations.kin:
        yield Finding(
            FindingCode.OTHER_CHAIN,
            None,
            f"the nodes outside the plan ({', '.join(strangers)}) are of another chain than the data "
            f"({_describe_genesis(_own_genesis(observations))})",
            "Choose backups of their chain (--data), or restore every validator together",
        )


def foreign_files(observations: Observations) -> Iterator[Finding]:
    """Every genesis file on a node, in the plan or not, that is of another chain than the data."""
    if observations.chosen.data.is_unread:
        return
    for name, details in (*observations.details.items(), *observations.others.items()):
        for target in GENESIS_FILES:
            text = details.texts.get(target)
            if text is None or observations.chain.owns(target, text) is not False:
                continue
            description = f" ({_describe_genesis(text)})" if target == TENDERMINT_GENESIS else ""
            becomes = (
                "it is set aside, the chain's own takes its place"
                if name in observations.details
                else "the node is not in the plan, and it stays"
            )
            sentence = f"{name}: {target} is of another chain than the data{description}; {becomes}"
            yield Finding(FindingCode.FOREIGN_GENESIS, name, sentence)


def _own_genesis(observations: Observations) -> str:
    return observations.chain.tendermint.text if observations.chain.tendermint is not None else ""


def _describe_genesis(text: str) -> str:
    """Describes what tells one genesis from another, because all of them are called `default`."""
    try:
        genesis = read_tendermint_genesis(text)
    except ValueError:
        return "not readable"
    begun = (
        f"begun {genesis.genesis_time:%Y-%m-%d %H:%M:%S} UTC" if genesis.genesis_time else "begun at no time"
    )
    return f"chain {genesis.chain_id}, {begun}, {len(genesis.validators)} validators"


def _node_problems(observations: Observations) -> Iterator[Finding]:
    for name, details in observations.details.items():
        yield from _state_problems(name, details.status, is_held=observations.is_staged)
        keys = {NODE_KEY: details.status.node_key, VALIDATOR: details.status.validator}
        closed = [
            f"{path} ({facts.problem})" for path, facts in keys.items() if facts is not None and facts.closed
        ]
        if closed:
            yield Finding(
                FindingCode.KEYS_UNREADABLE,
                name,
                f"{name}: {' and '.join(closed)} cannot be read, so whether it is lost is not known",
                "Plan as somebody with root rights there, have its configuration name its files plainly, "
                "and plan again when the node is not short of memory or processes",
            )


def _state_problems(name: str, status: NodeStatus, *, is_held: bool) -> Iterator[Finding]:
    """What the node's first step would refuse: another run's lock, and a unit that systemd does not start.

    `is_held`: by the very run that the plan is for, whose scripts see to it that it stays so.
    """
    if status.lock is not None and not is_held:
        sentence = f"{name}: another run holds the node: {status.lock}"
        ways = status.holder.ways if status.holder is not None else "See whose it is: loomtui runs --on-nodes"
        advice = f"{ways}. Then plan again"
        yield Finding(FindingCode.NODE_LOCKED, name, sentence, advice)
    service = status.service
    if service is not None and service.load_state == "masked":
        sentence = f"{name}: its unit {service.unit} is masked: systemd would not start it"
        yield Finding(FindingCode.CANNOT_START, name, sentence, f"On {name}: systemctl unmask {service.unit}")
