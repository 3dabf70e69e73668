"""The lines above the rows: whether the cluster is healthy, degraded or halted, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from loomtui.loom.diagnosis import Diagnosis
from loomtui.loom.health import Verdict
from screens.text import content
from screens.text.words import CLUSTER_MARKS, Tone, count, cut


def verdict_text(
    verdict: Verdict, causes: tuple[Diagnosis, ...], notes: tuple[str, ...], room: tuple[int, int]
) -> Content:
    """`room` is about so many lines, and so many cells for each finding.

    `notes` are what else the operator should know here, for example an unfinished run.
    """
    most, cells = room
    parts = [
        content.row(
            content.mark(CLUSTER_MARKS[verdict.state]), "  ", content.line(sentence(verdict, causes))
        ),
        *_advice(causes),
        *(content.line(f"▲ {note}", Tone.WARN) for note in notes),
    ]
    left = max(1, most - len(parts))
    others = [*verdict.reasons, *(cause.meaning for cause in causes[1:])]
    shown = others if len(others) <= left else others[: left - 1]
    parts += [content.row("  · ", content.line(cut(reason, cells - 4))) for reason in shown]
    if len(shown) < len(others):
        parts.append(content.line(f"  · and {count(len(others) - len(shown), 'finding')} more", Tone.DIM))
    return content.lines(parts)


def sentence(verdict: Verdict, causes: tuple[Diagnosis, ...]) -> str:
    """For example: the chain stands still at 120455 since 14:02, all nodes up: signing states are ahead."""
    if not causes:
        return verdict.sentence
    first = causes[0].meaning
    return f"{verdict.sentence.rstrip('.')}: {_within(first).rstrip('.')}."


def _within(text: str) -> str:
    """A sentence that goes on after a colon. Names keep their capital letters."""
    first, blank, rest = text.partition(" ")
    return f"{first.lower()}{blank}{rest}" if first in ("The", "Its", "No") else text


def _advice(causes: tuple[Diagnosis, ...]) -> Iterator[Content]:
    if causes:
        yield content.row(content.line("  → Do next: ", Tone.ACCENT), content.line(causes[0].advice.text))
