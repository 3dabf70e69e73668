"""A plan in words, and what it offers. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from textual.content import Content

from loomtui.restore.findings import FindingCode, texts_of
from loomtui.restore.plan import (
    Archive,
    FileAction,
    NodePlan,
    Plan,
    RemedyKind,
    SigningAction,
    passed_over_words,
)
from loomtui.restore.room import RoomRemedyKind
from loomtui.wording.quantities import ago, count, joined, number, size, time_of
from loomtui.wording.states import FILE_ACTIONS, POLICIES, SCOPES, prepared_words
from screens.diff.diff_text import Difference, Page, page
from screens.text import content
from screens.text.words import Tone, short_id


@dataclass(frozen=True)
class Offer:
    """A way on that the operator may take. The cluster's name is typed before any of it is done."""

    remedy: RemedyKind
    nodes: tuple[str, ...]
    effect: str
    danger: str
    verb: str  # reset the signing states
    why: str = "As it is, this plan must not be run. There is one safe way:"


def offer_of(plan: Plan) -> Offer | None:
    """What the plan offers, in words, or None if it offers nothing."""
    match plan.offer:
        case RemedyKind.RAISE:
            return _raise_offer(plan)
        case RemedyKind.RESET:
            return _reset_offer(plan)
        case RemedyKind.GIVE_UP:
            return _give_up_offer(plan)
        case _:
            return None


def _raise_offer(plan: Plan) -> Offer:
    nodes = tuple(node.name for node in plan.nodes if node.signing.action is SigningAction.RAISE)
    return Offer(
        RemedyKind.RAISE,
        nodes,
        f"The last signed height of {joined(nodes)} is set to the living chain's height.",
        "Safe only if the old machine with this validator key is dead and will never come back.",
        "raise the signing states",
    )


def _reset_offer(plan: Plan) -> Offer:
    addresses = {validator.address for validator in plan.validators}
    signers = tuple(node.name for node in plan.nodes if node.signing.address in addresses)
    height = plan.prediction.height
    height_text = "the height of the data" if height is None else f"height {number(height)}"
    some_absent = len(addresses) > len(signers)
    places = "in this plan and stopped, or is gone for good" if some_absent else "in this plan and stopped"
    return Offer(
        RemedyKind.RESET,
        signers,
        f"Each validator's last signed height is set to 0, so that it can sign after {height_text} again. "
        "Their keys stay.",
        f"Safe only because every validator is {places}. No other machine may run with one of their keys.",
        "reset the signing states",
    )


def _give_up_offer(plan: Plan) -> Offer:
    nodes = tuple(room.node for room in plan.room)
    return Offer(
        RemedyKind.GIVE_UP,
        nodes,
        f"After the stop, the old databases of {joined(nodes)} are deleted, so that there is room for the "
        "new ones. Keys, signing states and config stay.",
        "No rollback brings them back: only the archive does. The other nodes keep theirs.",
        "give up the old databases",
        f"Old and new databases do not fit together on {joined(nodes)}. What can be done:",
    )


def may_take_delta(plan: Plan) -> bool:
    """Whether --delta is not chosen and would save room where that is short."""
    return any(room.remedy(RoomRemedyKind.DELTA) is not None for room in plan.room)


def has_backup_jobs(plan: Plan) -> bool:
    return any(node.backup_jobs for node in plan.nodes)


def names_redis(plan: Plan) -> bool:
    """Whether a config file to be restored names a Redis on another machine."""
    return any(
        "redis" in external.address.lower() for node in plan.nodes for external in node.external_addresses
    )


def lacks_redis(plan: Plan) -> bool:
    """Whether only Redis forbids the plan, so that a decision about it is all that is needed."""
    return any(refusal.code is FindingCode.REDIS_UNREACHED for refusal in plan.refusals)


def may_start(plan: Plan) -> bool:
    return not plan.refusals


def headline(plan: Plan) -> Content:
    """The prediction in large letters, because it is read first."""
    prediction = plan.prediction
    verdict = "✓ THE CHAIN CAN MOVE" if prediction.moves else "✗ THE CHAIN WOULD STAND STILL"
    tone = Tone.GOOD if prediction.moves else Tone.BAD
    if not prediction.moves and not plan.is_complete:
        verdict, tone = "? NOT KNOWN YET", Tone.WARN
    return content.lines(
        [
            Content.styled(f" {verdict} ", f"bold reverse {tone.value}"),
            content.line(prediction.sentence, Tone.STRONG),
        ]
    )


def plan_page(plan: Plan, now: datetime) -> Page:
    """The whole plan. The reasons why it must not be run come first."""
    return page(list(_plan_parts(plan, now)))


def completed_page(first: Plan, completed: Plan, now: datetime) -> Page:
    """The plan that the data completed, and what the first one could not tell."""
    before = tuple(unknown.sentence for unknown in first.unknowns)
    return page(
        [
            headline(completed),
            Content(""),
            # No tick: it would be read as a yes to each, and the answers stand above and below.
            *_section_lines(
                "Not known before; the nodes have unpacked the data, and told", before, "·", Tone.DIM
            ),
            *_plan_parts(completed, now),
        ]
    )


def _plan_parts(plan: Plan, now: datetime) -> Iterator[Content | Difference]:
    unknowns = tuple(unknown.sentence for unknown in plan.unknowns)
    yield from _section_lines("This plan must not be run as it is", _refusal_texts(plan), "✗", Tone.BAD)
    title = "Not known yet: the nodes tell it before anything is stopped"
    yield from _section_lines(title, unknowns, "?", Tone.WARN)
    yield from _section_lines("Newer, but passed over", passed_over_words(plan), "▲", Tone.WARN)
    yield from _section_lines("Worth knowing", _other_warnings(plan), "▲", Tone.WARN)
    yield from _overview_lines(plan, now)
    for node in plan.nodes:
        yield from _node_parts(node, now)


def _other_warnings(plan: Plan) -> tuple[str, ...]:
    return texts_of(warning for warning in plan.warnings if warning.code is not FindingCode.PASSED_OVER)


def _refusal_texts(plan: Plan) -> tuple[str, ...]:
    """The refusals without the prediction's sentence, which the headline has."""
    return tuple(
        (refusal.code is FindingCode.CHAIN_STANDS and refusal.advice) or refusal.text
        for refusal in plan.refusals
    )


def _section_lines(title: str, sentences: tuple[str, ...], sign: str, tone: Tone) -> Iterator[Content]:
    if sentences:
        yield content.text(title, Tone.ACCENT)
        for sentence in sentences:
            yield content.row(content.text(f"{sign} ", tone), sentence)
        yield Content("")


def _overview_lines(plan: Plan, now: datetime) -> Iterator[Content]:
    names = tuple(node.name for node in plan.nodes)
    yield content.text("Plan", Tone.ACCENT)
    yield content.fact("Restores", f"{joined(names, 12)}: {SCOPES[plan.scope]}")
    if plan.left_out:
        yield content.fact("Leaves out", content.line(joined(plan.left_out, 12), Tone.WARN))
    for archive in dict.fromkeys(node.data for node in plan.nodes if node.data is not None):
        yield content.fact("Data", _archive_text(archive, now))
        if archive.manifest is not None:
            yield content.fact("", prepared_words(archive.manifest, has_twin=archive.has_twin))
    if plan.is_complete:
        yield from _outlook_lines(plan)
    if plan.reset_confirmed:
        yield content.fact("Signing", content.line("the signing states are reset, as you chose", Tone.WARN))
    if plan.gives_up:
        text = f"the old databases of {joined(plan.gives_up)} are deleted, as you chose: no way back"
        yield content.fact("Gives up", content.line(text, Tone.BAD))
    if has_backup_jobs(plan):
        yield content.fact("backup.sh", content.line(POLICIES[plan.backup_policy], Tone.WARN))
    if not (plan.stage_first or plan.unknowns):
        yield content.fact("Order", "the data is fetched after the services stopped")
    yield Content("")


def _outlook_lines(plan: Plan) -> Iterator[Content]:
    """What the data tells of the chain."""
    yield content.fact("To height", number(plan.prediction.height))
    for index, evidence in enumerate(plan.chain.evidence if plan.chain is not None else ()):
        yield content.fact("" if index else "Chain by", evidence)
    power_text = f"{number(plan.prediction.signing_power)} of {number(plan.prediction.total_power)}"
    yield content.fact("Can sign", f"{power_text} of the voting power (more than 2/3 is needed)")
    if plan.prediction.stuck:
        yield content.fact("Cannot sign", content.line(joined(plan.prediction.stuck), Tone.BAD))


def _archive_text(archive: Archive, now: datetime) -> str:
    doubt = "" if archive.taken_by.sure else ", not sure"
    taken_text = f"taken {ago(archive.taken_at, now)} ago ({time_of(archive.taken_at)}{doubt})"
    unread = "" if archive.is_known else f", unpacked about {size(archive.unpacked_bytes)}; not read yet"
    return f"{archive.key}, {taken_text}, {size(archive.size_bytes)}{unread}"


def _node_parts(node: NodePlan, now: datetime) -> Iterator[Content | Difference]:
    yield content.line(f"Node {node.name}", Tone.ACCENT)
    yield content.fact("Node ID", f"{short_id(node.node_id)}  at {node.address}:{node.port}")
    if node.data is None:
        yield content.fact("Data", content.line("none", Tone.WARN))
    if node.gives_up is not None:
        lost = f"{joined(node.gives_up.names, 20)} ({size(node.gives_up.bytes)})"
        yield content.fact(
            "Old data", content.line(f"given up after the stop, no way back: {lost}", Tone.BAD)
        )
    if node.taken_over_bytes:
        yield content.fact(
            "Has already", f"about {size(node.taken_over_bytes)} of the data, by its own files"
        )
    yield content.fact(
        "Config",
        _archive_text(node.config, now)
        if node.config
        else content.line("none: its own files stay", Tone.DIM),
    )
    for choice in node.files:
        if choice.changes or choice.action is not FileAction.KEEP:
            action_text = (
                f"{FILE_ACTIONS[choice.action] if choice.changes else 'same bytes'}: {choice.reason}"
            )
            yield content.row(content.fact(f"  {choice.target}", "", 40), action_text)
    if node.staging is not None:
        yield content.fact(
            "Staging", f"{node.staging} is set aside: the next backup would hold its old files"
        )
    for external in node.external_addresses:
        tried_text = f": {external.tried}" if external.tried else ""
        tone = Tone.BAD if external.reached is False else Tone.WARN
        yield content.fact(
            "Elsewhere", content.line(f"{external.field} {external.address}{tried_text}", tone)
        )
    signing = node.signing
    heights_text = f"found {number(signing.found_height)}, will be {number(signing.result_height)}"
    tone = Tone.WARN if signing.action in (SigningAction.RESET, SigningAction.RAISE) else Tone.PLAIN
    yield content.fact(
        "Signing", content.line(f"{signing.action.value}: {heights_text}. {signing.reason}", tone)
    )
    for warning in node.warnings:
        yield content.fact("", content.line(f"▲ {warning}", Tone.WARN))
    for choice in node.files:
        if choice.diff:
            yield Difference(choice.diff)
    if node.unit_change is not None:
        path = node.unit_change.path
        yield content.fact("Unit", content.line(f"its peers are corrected in {path}", Tone.WARN))
        yield Difference(node.unit_change.diff)
    yield Content("")


def summary(plan: Plan) -> str:
    """One line for the panel at the bottom."""
    changed_files = sum(1 for node in plan.nodes for choice in node.files if choice.changes)
    height = f"height {number(plan.prediction.height)}" if plan.is_complete else "the data is not read yet"
    return f"{count(len(plan.nodes), 'node')}, {count(changed_files, 'config file')} to change, {height}"
