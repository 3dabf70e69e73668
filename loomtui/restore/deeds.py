"""All that a plan will do to a cluster, for the one consent that a run wants. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from loomtui.restore.choices import BackupPolicy
from loomtui.restore.plan import NodePlan, Plan, SigningAction
from loomtui.text import clean_line
from loomtui.wording.quantities import count, joined, number, size, time_of

_NAMES = 12  # nodes that are named; the others are counted


class DeedKind(StrEnum):
    STOP = "stop"
    SWAP = "swap"
    GIVE_UP = "give up"  # nothing takes it back
    CONFIG = "config"
    SIGNING = "signing"
    UNITS = "units"
    START = "start"
    COMPLETE = "complete"  # what nobody knows yet: it is consented to when the data has told


@dataclass(frozen=True)
class Deed:
    """One thing that a run does. Two that are equal do the same to the same nodes."""

    kind: DeedKind
    sentence: str  # for reading


def deeds_of(plan: Plan) -> tuple[Deed, ...]:
    """In the order in which a run does them."""
    return tuple(Deed(kind, sentence) for kind, sentence in _deeds(plan))


def _deeds(plan: Plan) -> Iterator[tuple[DeedKind, str]]:
    yield DeedKind.STOP, f"The services of {_names(plan.nodes, plan)} are stopped and held.{_jobs(plan)}"
    takers = [node for node in plan.nodes if node.data is not None]
    given_up = [node for node in plan.nodes if node.gives_up is not None]
    if given_up:
        freed = size(sum(node.gives_up.bytes for node in given_up if node.gives_up is not None))
        text = (
            f"The old databases of {_names(given_up, plan)} ({freed}) are deleted: nothing brings them back."
        )
        yield DeedKind.GIVE_UP, text
    for archive in dict.fromkeys(node.data for node in takers if node.data is not None):
        nodes = [node for node in takers if node.data == archive]
        taken = f"{clean_line(archive.key, limit=200)} of {time_of(archive.taken_at)}"
        yield DeedKind.SWAP, f"The data of {_names(nodes, plan)} becomes that in {taken}."
    yield from _of_files(plan)
    unknown = "; ".join(one.sentence for one in plan.unknowns)
    if unknown:
        text = f"You are asked again when the nodes have told, before anything is stopped: {unknown}."
        yield DeedKind.COMPLETE, text
    yield DeedKind.START, "The services are started, and watched until the chain moves."


def _of_files(plan: Plan) -> Iterator[tuple[DeedKind, str]]:
    changed = [node for node in plan.nodes if any(choice.changes for choice in node.files)]
    if changed:
        files = count(sum(choice.changes for node in changed for choice in node.files), "config file")
        yield DeedKind.CONFIG, f"{files} of {_names(changed, plan)} are replaced as the plan shows it."
    yield from _of_signing(plan)
    units = [node for node in plan.nodes if node.unit_change is not None]
    if units:
        text = f"The peers in the units of {_names(units, plan)} are corrected as the plan shows it."
        yield DeedKind.UNITS, text


def _of_signing(plan: Plan) -> Iterator[tuple[DeedKind, str]]:
    """What becomes of signing states that are not simply kept, and what has to be true for that."""
    sentences = {
        SigningAction.RESET: "The last signed height of {} is set to 0. No other machine may run with "
        "one of their keys.",
        SigningAction.RAISE: "The last signed height of {} is set to the living chain's. The old machine "
        "with this key must be dead for good.",
        SigningAction.RESTORE: "{}: the signing state comes from the backup. No other machine may run with "
        "this key.",
    }
    for action, sentence in sentences.items():
        nodes = [node for node in plan.nodes if node.signing.action is action]
        if nodes:
            yield DeedKind.SIGNING, sentence.format(_heights(nodes, plan))


def _heights(nodes: list[NodePlan], plan: Plan) -> str:
    found = {node.signing.found_height for node in nodes}
    now = f" ({number(found.pop())})" if len(found) == 1 and None not in found else ""
    return f"{_names(nodes, plan)}{now}"


def _jobs(plan: Plan) -> str:
    if plan.backup_policy is BackupPolicy.LEAVE or not any(node.backup_jobs for node in plan.nodes):
        return ""
    return " backup.sh is suspended until the start."


def _names(nodes: list[NodePlan] | tuple[NodePlan, ...], plan: Plan) -> str:
    if len(nodes) == len(plan.nodes) > 1:
        return f"all {count(len(nodes), 'node')}"
    return joined(tuple(node.name for node in nodes), _NAMES)
