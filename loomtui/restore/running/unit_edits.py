"""Whether an operator's own text may become a node's unit. It is judged as any unit is. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from loomtui.loom.references import Mismatch, NodeFacts, compare
from loomtui.loom.secrets import mask_secrets
from loomtui.loom.units import EffectiveUnit, passed_over, with_text
from loomtui.restore.plan import NodePlan
from loomtui.restore.planning.config_choices import unified_diff
from loomtui.restore.planning.identities import ServiceFix
from loomtui.restore.running.operator import Judged
from loomtui.text import clean, clean_line

_MOST = 64 * 1024  # characters


def why_locked(fix: ServiceFix) -> str:
    """Why a unit cannot be edited here, in a sentence; empty means that it can."""
    for text in (fix.before, fix.after):
        if hidden := _hidden_line(text):
            return (
                f"Line {hidden} of {fix.path} holds a password, or what looks like one, or signs that cannot "
                "be shown. The editor would show it, the journal keep it: edit the unit by hand on the node."
            )
    return ""


def judge(text: str, fix: ServiceFix, node: NodeFacts, nodes: Sequence[NodeFacts], plan: NodePlan) -> Judged:
    """Compares the text with loomtui's own proposal.

    What is wrong with that, too, is no fault of the edit.
    """
    if problems := tuple(_unkeepable(text)):
        return Judged(problems)
    if node.unit is None:
        return Judged(("The unit on the node could not be read, so nothing can be compared with it.",))
    mine = with_text(node.unit, fix.path, text)
    proposed = with_text(node.unit, fix.path, fix.after)
    mismatches, known_mismatches = _mismatches(node, mine, nodes), _mismatches(node, proposed, nodes)
    new = [mismatch for mismatch in mismatches if mismatch not in known_mismatches]
    unit_problems = [problem for problem in mine.problems if problem not in proposed.problems]
    problems = (
        *_ignored_lines(text, fix),
        *unit_problems,
        *(mismatch.message for mismatch in new if mismatch.blocking),
        *_place_problems(mine, node.unit, plan),
    )
    warnings = [mismatch.message for mismatch in new if not mismatch.blocking]
    return Judged(
        problems,
        (
            *(warning for warning in warnings if warning not in unit_problems),
            *_start_warnings(mine, node.unit),
        ),
        unified_diff(fix.before, text, fix.path),
    )


def _mismatches(node: NodeFacts, unit: EffectiveUnit, nodes: Sequence[NodeFacts]) -> list[Mismatch]:
    """What is wrong on this node with this unit."""
    others = [replace(node, unit=unit) if one.name == node.name else one for one in nodes]
    return [mismatch for mismatch in compare(others).mismatches if mismatch.on == node.name]


def _hidden_line(text: str) -> int | None:
    """The first line that is not shown as it is, 1-based."""
    shown = mask_secrets(clean(text, limit=len(text) + 1))
    if shown == text:
        return None
    pairs = zip(text.split("\n"), shown.split("\n"), strict=False)
    return next((number for number, (one, other) in enumerate(pairs, 1) if one != other), 1)


def _unkeepable(text: str) -> Iterator[str]:
    if len(text) > _MOST:
        yield f"It is longer than {_MOST:,} characters: that is no unit file."
    elif hidden := _hidden_line(text):
        yield (
            f"Line {hidden} holds a password, or what looks like one, or signs that cannot be shown; the "
            "run's journal keeps what is approved. Put it, by hand, into a file that EnvironmentFile= names."
        )


def _ignored_lines(text: str, fix: ServiceFix) -> Iterator[str]:
    before = {content for _, content in passed_over(fix.before)}
    for line, content in passed_over(text):
        if content not in before:
            shown = clean_line(content, limit=60)
            yield f"Line {line} is neither a section nor a setting nor a comment: systemd ignores it: {shown}"


def _place_problems(mine: EffectiveUnit, present: EffectiveUnit, plan: NodePlan) -> Iterator[str]:
    """The plan was made for this account, which owns the files, and for this folder, in which they lie."""
    folder, user, group = mine.working_directory, mine.user, mine.group
    if folder not in (present.working_directory, plan.working_directory):
        yield f"WorkingDirectory= would be {folder}: the restored data lies in {plan.working_directory}."
    if user not in (present.user, plan.user):
        yield f"User= would be {user}: the restored files belong to {plan.user}, and it could not write them."
    if group not in (present.group, plan.group):
        yield f"Group= would be {group or 'that of the user'}: the restored files belong to {plan.group}."


def _start_warnings(mine: EffectiveUnit, present: EffectiveUnit) -> Iterator[str]:
    program, present_program = ((unit.exec_start or ("nothing",))[0] for unit in (mine, present))
    if program != present_program:
        yield f"It starts another program: {clean_line(program)} instead of {clean_line(present_program)}."
    if mine.exec_start_file != present.exec_start_file:
        yield f"The command that starts it would be that of {clean_line(mine.exec_start_file) or 'no file'}."
