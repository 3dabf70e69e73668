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
from loomtui.wording.quantities import ago, count, joined, number, size, time_of
from loomtui.wording.states import FILE_ACTIONS, POLICIES, SCOPES
from screens.diff.diff_text import Difference, Page, page
from screens.text import content
from screens.text.words import Tone, short_id


@dataclass(frozen=True)
class Offer:
    """A way on for which the cluster's name has to be typed."""

    remedy: RemedyKind
    nodes: tuple[str, ...]
    effect: str
    danger: str


def offer_of(plan: Plan) -> Offer | None:
    """What the plan offers, in words, or None if it offers nothing."""
    match plan.offer:
        case RemedyKind.RAISE:
            return _raise_offer(plan)
        case RemedyKind.RESET:
            return _reset_offer(plan)
        case _:
            return None


def _raise_offer(plan: Plan) -> Offer:
    nodes = tuple(node.name for node in plan.nodes if node.signing.action is SigningAction.RAISE)
    return Offer(
        RemedyKind.RAISE,
        nodes,
        f"The last signed height of {joined(nodes)} is set to the living chain's height.",
        "Safe only if the old machine with this validator key is dead and will never come back.",
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
    )


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
    return content.lines(
        [
            Content.styled(f" {verdict} ", f"bold reverse {tone.value}"),
            content.line(prediction.sentence, Tone.STRONG),
        ]
    )


def plan_page(plan: Plan, now: datetime) -> Page:
    """The whole plan. The reasons why it must not be run come first."""
    return page(
        [
            *_section_lines("This plan must not be run as it is", _refusal_texts(plan), "✗", Tone.BAD),
            *_section_lines("Newer, but passed over", passed_over_words(plan), "▲", Tone.WARN),
            *_section_lines("Worth knowing", _other_warnings(plan), "▲", Tone.WARN),
            *_overview_lines(plan, now),
            *(part for node in plan.nodes for part in _node_parts(node, now)),
        ]
    )


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
    yield content.fact("To height", number(plan.prediction.height))
    for index, evidence in enumerate(plan.chain.evidence if plan.chain is not None else ()):
        yield content.fact("" if index else "Chain by", evidence)
    power_text = f"{number(plan.prediction.signing_power)} of {number(plan.prediction.total_power)}"
    yield content.fact("Can sign", f"{power_text} of the voting power (more than 2/3 is needed)")
    if plan.prediction.stuck:
        yield content.fact("Cannot sign", content.line(joined(plan.prediction.stuck), Tone.BAD))
    if plan.reset_confirmed:
        yield content.fact(
            "Signing", content.line("the signing states are reset, as you confirmed", Tone.WARN)
        )
    if has_backup_jobs(plan):
        yield content.fact("backup.sh", content.line(POLICIES[plan.backup_policy], Tone.WARN))
    if plan.stage_first:
        yield content.fact("Order", "the data is fetched while the services still run")
    yield Content("")


def _archive_text(archive: Archive, now: datetime) -> str:
    doubt = "" if archive.taken_by.sure else ", not sure"
    taken_text = f"taken {ago(archive.taken_at, now)} ago ({time_of(archive.taken_at)}{doubt})"
    return f"{archive.key}, {taken_text}, {size(archive.size_bytes)}"


def _node_parts(node: NodePlan, now: datetime) -> Iterator[Content | Difference]:
    yield content.line(f"Node {node.name}", Tone.ACCENT)
    yield content.fact("Node ID", f"{short_id(node.node_id)}  at {node.address}:{node.port}")
    if node.data is None:
        yield content.fact("Data", content.line("none", Tone.WARN))
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
    yield Content("")


def summary(plan: Plan) -> str:
    """One line for the panel at the bottom."""
    changed_files = sum(1 for node in plan.nodes for choice in node.files if choice.changes)
    height = number(plan.prediction.height)
    return (
        f"{count(len(plan.nodes), 'node')}, {count(changed_files, 'config file')} to change, height {height}"
    )
