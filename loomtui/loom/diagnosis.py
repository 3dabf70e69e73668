"""Why a cluster does not move: from logs, statuses and the key report to the node, the file and the fix."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loomtui.inventory.model import Role
from loomtui.loom.databases import ADDRBOOK, NODE_KEY, TENDERMINT_CONFIG, UNIT, VALIDATOR
from loomtui.loom.health import NodeView
from loomtui.loom.logs import Explanation, Severity, explain
from loomtui.loom.references import KeyReport
from loomtui.loom.validator import SigningState, ValidatorFacts
from loomtui.text import clean_line

#: Refusals to sign; judged together with the heights instead of line by line.
_AHEAD = re.compile(r"(?:Height|Round|Step) regression|Error signing \w+: Conflicting data")
_UNIT_FILE = "the unit file"
#: Where a reference stands -> the file that holds it.
_FILES = {
    NODE_KEY: NODE_KEY,
    "loom nodekey": NODE_KEY,
    "addrbook.json": ADDRBOOK,
    "config.toml": TENDERMINT_CONFIG,
}


@dataclass(frozen=True)
class NodeEvidence:
    """What is known of one node when the deadline has passed."""

    name: str
    view: NodeView | None = None
    flapping: bool = False
    validator: ValidatorFacts | None = None
    lines: tuple[str, ...] = ()  # of its log since the start


@dataclass(frozen=True)
class Diagnosis:
    node: str | None  # None: the whole cluster
    file: str  # what to look at: a path relative to the working directory, or 'the unit file'; empty: no file
    cause: str
    fix: str
    evidence: tuple[str, ...] = ()  # lines that show it


def diagnose(
    evidence: Sequence[NodeEvidence],
    keys: KeyReport | None = None,
    validators: Sequence[tuple[str, int]] = (),
) -> tuple[Diagnosis, ...]:
    """The causes, the most serious first. `validators`: address and power of the set, where it is known."""
    found = [
        *_shared_validator_keys(evidence),
        *_from_logs(evidence, Severity.CRITICAL),
        *_signing_ahead(evidence, dict(validators)),
        *_not_validators(evidence, dict(validators)),
        *_from_keys(keys),
        *_from_logs(evidence, Severity.ERROR),
        *_down(evidence),
    ] or [*_from_logs(evidence, Severity.WARNING)]
    return tuple({(cause.node, cause.file, cause.cause): cause for cause in reversed(found)}.values())[::-1]


def _shared_validator_keys(evidence: Sequence[NodeEvidence]) -> Iterator[Diagnosis]:
    """Same key on all: nobody's votes count twice, so nothing moves. Same key on some: they sign twice."""
    owners: dict[str, list[str]] = {}
    for node in evidence:
        if node.validator and node.validator.address:
            owners.setdefault(node.validator.address, []).append(node.name)
    for address, names in owners.items():
        if len(names) > 1:
            yield Diagnosis(
                names[0],
                VALIDATOR,
                f"{_join(names)} have the same validator key ({address}): they sign twice or nobody signs.",
                "Stop them and give each its own priv_validator.json back, from its own config backup; "
                "set the abandoned copies aside.",
            )


def _signing_ahead(evidence: Sequence[NodeEvidence], powers: Mapping[str, int]) -> Iterator[Diagnosis]:
    """Signing states newer than the restored data."""
    height = max((node.view.height for node in evidence if node.view and node.view.height), default=None)
    if height is None:
        return
    refusing = {node.name: _lines(node, _AHEAD) for node in evidence}
    heights = {node.name: signing.height for node in evidence if (signing := _signing(node))}
    # one step ahead of the chain is usual: the vote for the next block
    ahead = [name for name, signed in heights.items() if signed > height + (0 if refusing[name] else 1)]
    if not ahead:
        return
    weights = {node.name: _power(node, powers) for node in evidence if node.name in heights}
    total = sum(powers.values()) or sum(weights.values())
    moves = 3 * sum(weights[name] for name in heights if name not in ahead) > 2 * total
    states = ", ".join(f"{name} {heights[name]}" for name in ahead)
    yield Diagnosis(
        ahead[0],
        VALIDATOR,
        f"The signing state is ahead of the data (signed: {states}; the chain is at {height}).",
        "Wait: they sign again when the chain has passed these heights."
        if moves
        else "Stop all nodes and plan again with --reset-signing-state, which sets every validator back.",
        tuple(line for name in ahead for line in refusing[name][:1]),
    )


def _signing(node: NodeEvidence) -> SigningState | None:
    return node.validator.signing if node.validator else None


def _power(node: NodeEvidence, powers: Mapping[str, int]) -> int:
    """Where the set is not known, every validator counts alike."""
    address = node.validator.address if node.validator else None
    return powers.get(address or "", 0) if powers else 1


def _not_validators(evidence: Sequence[NodeEvidence], powers: Mapping[str, int]) -> Iterator[Diagnosis]:
    """Validators whose key is not in the set, as after a restore of the backup node's whole chaindata."""
    if not powers:
        return
    for node in evidence:
        validator = node.view is not None and node.view.role is Role.VALIDATOR
        address = node.validator.address if node.validator else None
        if validator and address and address not in powers:
            yield Diagnosis(
                node.name,
                VALIDATOR,
                f"The validator key of {node.name} ({address}) is not in the chain's set: it does not sign.",
                f"Put the own priv_validator.json of {node.name} back, from its config backup.",
            )


def _from_keys(keys: KeyReport | None) -> Iterator[Diagnosis]:
    for mismatch in keys.mismatches if keys else ():
        if mismatch.blocking:
            file = _FILES.get(mismatch.where, _UNIT_FILE)
            found = mismatch.found or "nothing"
            evidence = (f"expected {mismatch.expected}, found {found}",) if mismatch.expected else ()
            cause, _, fix = mismatch.message.partition(": ")
            yield Diagnosis(mismatch.on, file, f"{cause}.", f"{fix[:1].upper()}{fix[1:]}", evidence)


def _from_logs(evidence: Sequence[NodeEvidence], severity: Severity) -> Iterator[Diagnosis]:
    """One cause for each kind of message and node, with its last line."""
    for node in evidence:
        last: dict[str, tuple[Explanation, str]] = {}
        for line in node.lines:
            explanation = explain(line)
            if explanation and explanation.severity is severity and not _AHEAD.search(line):
                last[explanation.title] = (explanation, clean_line(line, limit=300))
        for explanation, line in last.values():
            cause = f"{explanation.title} on {node.name}: {explanation.meaning}"
            file = _UNIT_FILE if explanation.file == UNIT else explanation.file
            yield Diagnosis(node.name, file, cause, explanation.advice, (line,))


def _down(evidence: Sequence[NodeEvidence]) -> Iterator[Diagnosis]:
    for node in evidence:
        if node.view is not None and not node.view.reachable:
            cause, fix = f"{node.name} cannot be reached.", "Check the host and the network, then look again."
        elif node.flapping:
            cause = f"loom on {node.name} ends and is started again, over and over."
            fix = f"Read its log: loomtui logs --node {node.name}."
        elif node.view is not None and not node.view.active:
            cause, fix = f"The service on {node.name} does not run.", "Start it, or roll the run back."
        else:
            continue
        last = tuple(clean_line(line, limit=300) for line in node.lines[-2:])
        yield Diagnosis(node.name, "", cause, fix, last)


def _lines(node: NodeEvidence, pattern: re.Pattern[str]) -> tuple[str, ...]:
    return tuple(clean_line(line, limit=300) for line in node.lines if pattern.search(line))


def _join(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
