"""The lines above the rows: whether the cluster is healthy, degraded or halted, why, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from loomtui.loom.diagnosis import Diagnosis, Headline, Way, headline
from loomtui.loom.health import Verdict
from loomtui.wording.quantities import count
from loomtui.wording.ways import WAYS
from screens.input import keys
from screens.text import content
from screens.text.words import CLUSTER_MARKS, Tone, cut

_KEYS = {
    Way.RESTORE: "app.restore",
    Way.RUNS: "app.runs",
    Way.LOGS: "app.logs",
    Way.NODE_KEYS: "app.keys",
}


def verdict_text(
    verdict: Verdict,
    causes: tuple[Diagnosis, ...],
    notes: tuple[str, ...],
    room: tuple[int, int],
    *,
    can_restore: bool,
    runs_way: str | None = None,
) -> Content:
    """`room` is about so many lines, and so many cells for each finding.

    `notes` are what else the operator should know here, for example an unfinished run. Where nothing can be
    restored from the screens, the command that does it is named. `runs_way`: what the runs screen is good for
    while somebody else's run holds nodes.
    """
    max_lines, cells = room
    head = headline(verdict, causes)
    parts = [
        content.row(content.mark(CLUSTER_MARKS[verdict.state]), "  ", content.line(head.sentence)),
        *_next_lines(head, can_restore=can_restore, runs_way=runs_way),
        *(content.line(f"▲ {note}", Tone.WARN) for note in notes),
    ]
    lines_left = max(1, max_lines - len(parts))
    findings = head.findings
    shown_findings = findings if len(findings) <= lines_left else findings[: lines_left - 1]
    parts += [content.row("  · ", content.line(cut(reason, cells - 4))) for reason in shown_findings]
    if len(shown_findings) < len(findings):
        parts.append(
            content.line(f"  · and {count(len(findings) - len(shown_findings), 'finding')} more", Tone.DIM)
        )
    return content.lines(parts)


def _next_lines(head: Headline, *, can_restore: bool, runs_way: str | None) -> Iterator[Content]:
    """The keys first: they are what an incident is short of time for."""
    label = content.line("  → Do next: ", Tone.ACCENT)
    ways = [_way(way, can_restore=can_restore) for way in head.ways if not (runs_way and way is Way.RUNS)]
    if runs_way:
        ways.insert(0, content.keycap(keys.name(_KEYS[Way.RUNS]), runs_way))
    if ways:
        yield content.row(label, *(part for way in ways for part in (way, "  ")))
        label = content.line("    ")
    if head.advice:
        yield content.row(label, content.line(head.advice))


def _way(way: Way, *, can_restore: bool) -> Content:
    words = WAYS[way]
    if way is Way.RESTORE and not can_restore:
        return content.row(content.line(words.command, Tone.STRONG), content.line(f" {words.does}"))
    return content.keycap(keys.name(_KEYS[way]), words.does)
