"""The lines above the rows: whether the cluster is healthy, degraded or halted, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from loomtui.loom.diagnosis import Diagnosis
from loomtui.loom.health import Verdict
from loomtui.wording.quantities import count
from screens.text import content
from screens.text.words import CLUSTER_MARKS, Tone, cut


def verdict_text(
    verdict: Verdict, causes: tuple[Diagnosis, ...], notes: tuple[str, ...], room: tuple[int, int]
) -> Content:
    """`room` is about so many lines, and so many cells for each finding.

    `notes` are what else the operator should know here, for example an unfinished run.
    """
    max_lines, cells = room
    parts = [
        content.row(
            content.mark(CLUSTER_MARKS[verdict.state]), "  ", content.line(verdict_sentence(verdict, causes))
        ),
        *_advice_line(causes),
        *(content.line(f"▲ {note}", Tone.WARN) for note in notes),
    ]
    lines_left = max(1, max_lines - len(parts))
    findings = [*verdict.reasons, *(cause.meaning for cause in causes[1:])]
    shown_findings = findings if len(findings) <= lines_left else findings[: lines_left - 1]
    parts += [content.row("  · ", content.line(cut(reason, cells - 4))) for reason in shown_findings]
    if len(shown_findings) < len(findings):
        parts.append(
            content.line(f"  · and {count(len(findings) - len(shown_findings), 'finding')} more", Tone.DIM)
        )
    return content.lines(parts)


def verdict_sentence(verdict: Verdict, causes: tuple[Diagnosis, ...]) -> str:
    """For example: the chain stands still at 120455 since 14:02, all nodes up: signing states are ahead."""
    if not causes:
        return verdict.sentence
    first = causes[0].meaning
    return f"{verdict.sentence.rstrip('.')}: {_continued(first).rstrip('.')}."


def _continued(text: str) -> str:
    """A sentence that goes on after a colon. Names keep their capital letters."""
    first_word, blank, rest = text.partition(" ")
    return f"{first_word.lower()}{blank}{rest}" if first_word in ("The", "Its", "No") else text


def _advice_line(causes: tuple[Diagnosis, ...]) -> Iterator[Content]:
    if causes:
        yield content.row(content.line("  → Do next: ", Tone.ACCENT), content.line(causes[0].advice.text))
