"""Tells from what was seen of a cluster why it is not well.

What the nodes themselves contradict is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loomtui.inventory.model import Role
from loomtui.loom.advice import Act, Advice, AnyAdvice, Do, ResetSigningStates, StartService
from loomtui.loom.databases import ADDRBOOK, NODE_KEY, TENDERMINT_CONFIG, VALIDATOR
from loomtui.loom.diagnosis.evidence import Cluster, NodeEvidence
from loomtui.loom.diagnosis.lines import UNIT_FILE, from_logs
from loomtui.loom.diagnosis.model import (
    Code,
    Connected,
    DatabaseMissing,
    Diagnosis,
    Fact,
    HoldsKey,
    Open,
    Refers,
    Said,
    Signed,
    StandsAt,
)
from loomtui.loom.health import Verdict
from loomtui.loom.holders import SoleHolder, StandingChain, Unproven
from loomtui.loom.logs import Severity
from loomtui.text import clean_line
from loomtui.wording.quantities import all_of

#: Where a reference stands -> the file that holds it.
_FILES = {
    NODE_KEY: NODE_KEY,
    "loom nodekey": NODE_KEY,
    "addrbook.json": ADDRBOOK,
    "config.toml": TENDERMINT_CONFIG,
}
#: Blocks behind the highest that a node may be for its word on the set to count: looks are not of one moment.
_AT_THE_TIP = 5
#: What a verdict says in its own reasons.
_IN_VERDICT = frozenset({Code.UNREACHABLE, Code.NOT_RUNNING, Code.FLAPPING, Code.PEERS_MISSING})


def diagnose(cluster: Cluster) -> tuple[Diagnosis, ...]:
    """The causes, the most serious one first, each cause once."""
    causes = [
        *_shared_validator_keys(cluster),
        *_no_blocks(cluster),
        *from_logs(cluster, Severity.CRITICAL),
        *_signing_ahead(cluster),
        *_not_in_set(cluster),
        *_from_keys(cluster),
        *from_logs(cluster, Severity.ERROR),
        *_peers_missing(cluster),
        *_down(cluster),
    ] or [*from_logs(cluster, Severity.WARNING)]
    return tuple({(one.code, one.nodes, one.meaning): one for one in reversed(causes)}.values())[::-1]


def beyond(verdict: Verdict, causes: Sequence[Diagnosis]) -> tuple[Diagnosis, ...]:
    """The causes without those that the verdict's own reasons tell already."""
    return tuple(one for one in causes if one.code not in _IN_VERDICT or not verdict.reasons)


def _shared_validator_keys(cluster: Cluster) -> Iterator[Diagnosis]:
    """If all nodes have the same key, nobody's votes count twice, so nothing moves.

    If some have, they sign twice.
    """
    owners: dict[str, list[str]] = {}
    for node in cluster.nodes:
        for address in sorted(node.addresses or ()):
            owners.setdefault(address, []).append(node.name)
    for address, names in owners.items():
        if len(names) > 1:
            meaning = (
                f"{all_of(names)} have the same validator key ({address}): they sign twice or nobody signs."
            )
            held = tuple(HoldsKey(name, address) for name in names)
            code = Code.SHARED_VALIDATOR_KEY
            yield Diagnosis(code, tuple(names), meaning, Do.LEAVE_ONE_HOLDER.advice(), held, VALIDATOR)


def _no_blocks(cluster: Cluster) -> Iterator[Diagnosis]:
    """Height 0 is a height: the databases of such a node are gone, or are new and empty."""
    blank = [node for node in cluster.nodes if _is_blank(node)]
    if not blank:
        return
    names = tuple(node.name for node in blank)
    evidence: list[Fact] = []
    for node in blank:
        evidence += [StandsAt(node.name, 0)] if node.height == 0 else []
        missing = node.view.missing_databases if node.view else None
        evidence += [DatabaseMissing(node.name, name) for name in missing or ()]
        evidence += [Signed(node.name, node.signing.height)] if node.signing and node.signing.height else []
    have = f"{all_of(names)} {'have' if len(names) > 1 else 'has'} no blocks"
    if any(node.height for node in cluster.nodes):
        meaning = f"{have}, while other nodes of the cluster do: {_describe_missing(blank)}."
        advice = Do.RESTORE_ONE.advice(node=",".join(names))
        yield Diagnosis(Code.NO_BLOCKS_HERE, names, meaning, advice, tuple(evidence))
    elif any(isinstance(fact, Signed | DatabaseMissing) for fact in evidence):
        signed = max((fact.height for fact in evidence if isinstance(fact, Signed)), default=0)
        once = f" They have signed blocks up to {signed}, so there was a chain." if signed else ""
        meaning = f"{have}: {_describe_missing(blank)}.{once}"
        yield Diagnosis(Code.NO_BLOCKS, names, meaning, Do.RESTORE_ALL.advice(), tuple(evidence))
    else:
        meaning = f"{have}, and no validator has signed one: this is a chain before its first block."
        yield Diagnosis(Code.NEW_CHAIN, names, meaning, Do.WAIT_OR_RESTORE.advice(), tuple(evidence))


def _is_blank(node: NodeEvidence) -> bool:
    if node.height is not None or node.view is None or not node.reachable:
        return node.height == 0
    return bool(node.view.missing_databases)


def _describe_missing(blank: Sequence[NodeEvidence]) -> str:
    """The names of the databases; nodes that miss the same ones are told together."""
    gone = {node.name: node.view.missing_databases or () for node in blank if node.view}
    missing = {databases for databases in gone.values() if databases}
    if not missing:
        return "their databases are empty"
    names_by_databases = {
        databases: [name for name in gone if gone[name] == databases] for databases in sorted(missing)
    }
    parts = (
        f"{all_of(databases)} missing on {all_of(names)}" for databases, names in names_by_databases.items()
    )
    return "; ".join(parts)


def _signing_ahead(cluster: Cluster) -> Iterator[Diagnosis]:
    """Signing states newer than the data.

    If a chain has no blocks, this says nothing, because its data is gone.
    """
    height = cluster.top
    if not height:
        return
    ahead = [holder for holder in cluster.holders if holder.ahead(height)]
    if not ahead:
        return
    names = tuple(holder.name for holder in ahead)
    states = ", ".join(f"{holder.name} {holder.signed}" for holder in ahead)
    meaning = f"The signing state is ahead of the data (signed: {states}; the chain is at {height})."
    refused = {node.name: node.refusals()[:1] for node in cluster.nodes}
    evidence: list[Fact] = [Signed(holder.name, holder.signed or 0) for holder in ahead]
    evidence += [Said(name, line) for name in names for line in refused[name]]
    if cluster.moves:
        code, advice = Code.SIGNING_AHEAD, Do.WAIT_FOR_HEIGHTS.advice()
        yield Diagnosis(code, names, meaning, advice, tuple(evidence), VALIDATOR)
        return
    reset, why = _reset_advice(cluster)
    evidence += [Open(why)] if why else []
    yield Diagnosis(Code.SIGNING_AHEAD_HALTS, names, meaning, reset, tuple(evidence), VALIDATOR)


def _reset_advice(cluster: Cluster) -> tuple[AnyAdvice, str]:
    """What may be said of the signing states of a chain that was not seen to move, and what is still open."""
    try:
        return ResetSigningStates(StandingChain(cluster.holders, cluster.strangers)), ""
    except Unproven as error:
        why = str(error)
        return Do.KNOW_ALL_HOLDERS.advice(open=why), why


def _not_in_set(cluster: Cluster) -> Iterator[Diagnosis]:
    """Validators whose key has no power: by their own chain, at its tip, and in no other node's set.

    Genesis files are not asked: one node may have a foreign one, and elections change the set.
    """
    tip = cluster.top or 0
    sets = [{address for address, power in view.members if power} for view in cluster.views if view.members]
    for node in cluster.nodes:
        view = node.view
        if view is None or view.role is not Role.VALIDATOR or not view.address or view.voting_power != 0:
            continue
        at_tip = bool(view.height) and not view.catching_up and tip - (view.height or 0) <= _AT_THE_TIP
        if not at_tip or not sets or any(view.address in members for members in sets):
            continue
        meaning = (
            f"The validator key of {node.name} ({view.address}) has no voting power on the chain: it does "
            "not sign. It was voted out, or it is not the node's own key."
        )
        evidence = (HoldsKey(node.name, view.address, 0), StandsAt(node.name, view.height or 0))
        advice = Do.COMPARE_KEY.advice(node=node.name)
        yield Diagnosis(Code.NOT_IN_SET, (node.name,), meaning, advice, evidence, VALIDATOR)


def _from_keys(cluster: Cluster) -> Iterator[Diagnosis]:
    """Wrong references, with what mends them if that is known."""
    for mismatch in cluster.keys.mismatches if cluster.keys else ():
        if mismatch.blocking:
            file = _FILES.get(mismatch.where, UNIT_FILE)
            evidence = (Refers(mismatch.expected, mismatch.found),) if mismatch.expected else ()
            compare = Do.COMPARE_REFERENCES.advice(node=mismatch.on)
            fix, cause = mismatch.fix, mismatch.cause.rstrip(".")
            advice = Advice(Act.MEND, f"{fix[:1].upper()}{fix[1:]}") if fix else compare
            yield Diagnosis(Code.WRONG_REFERENCE, (mismatch.on,), f"{cause}.", advice, evidence, file)


def _peers_missing(cluster: Cluster) -> Iterator[Diagnosis]:
    """Nodes that run and see too few others. A node that is down itself explains its absence everywhere."""
    up = {node.name for node in cluster.nodes if node.active and not node.flapping}
    for name, connections in cluster.connections.items():
        missing = tuple(other for other in connections.missing if other in up)
        if name in up and missing:
            runs = "run" if len(missing) > 1 else "runs"
            meaning = f"{name} is not connected to {all_of(missing)}, which {runs}."
            fact = Connected(name, connections.seen, missing, connections.strangers)
            advice = Do.COMPARE_REFERENCES.advice(node=name)
            yield Diagnosis(Code.PEERS_MISSING, (name,), meaning, advice, (fact,))


def _down(cluster: Cluster) -> Iterator[Diagnosis]:
    for node in cluster.nodes:
        advice: AnyAdvice
        if node.view is None:
            continue
        if not node.reachable:
            code, meaning, advice = (
                Code.UNREACHABLE,
                f"{node.name} cannot be reached.",
                Do.CHECK_HOST.advice(),
            )
        elif node.flapping:
            code, meaning = Code.FLAPPING, f"Loom on {node.name} crashes and is restarted, over and over."
            advice = Do.READ_LOG.advice(node=node.name)
        elif not node.active:
            code, meaning = Code.NOT_RUNNING, f"The service on {node.name} does not run."
            advice = _start(cluster, node.name)
        else:
            continue
        last = tuple(Said(node.name, clean_line(line, limit=300)) for line in node.lines[-2:])
        yield Diagnosis(code, (node.name,), meaning, advice, last)


def _start(cluster: Cluster, name: str) -> AnyAdvice:
    try:
        return StartService(SoleHolder(name, cluster.holders, cluster.strangers))
    except Unproven as error:
        return Do.SEE_BEFORE_START.advice(node=name, open=str(error))
