"""What the debriefing's screen says. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from textual.content import Content

from loomtui.drill.debriefing import Debriefing
from loomtui.wording.objectives import STANDING_GRADES
from screens.health.trend import sparkline
from screens.text import content
from screens.text.words import Tone, tone_of

_NAME_CELLS = 10
_MOST_DRAWN = 40
_FULL = 100.0  # points of a full bar


def debriefing_text(told: Debriefing, width: int) -> Content:
    """Laid out for so many cells."""
    return content.lines(_lines(told, width))


def _lines(told: Debriefing, width: int) -> Iterator[Content | str]:
    yield content.text(told.headline, tone_of(told.state.grade))
    yield content.line(told.when, Tone.DIM)
    yield from (content.beside(content.line("  − ", Tone.WARN), cost, width) for cost in told.costs)
    yield from _title("Where the way was lost")
    lost = told.lost
    if lost is None:
        yield content.text(told.lost_words, Tone.GOOD)
    else:
        yield content.beside(content.line(f"{told.clock(lost.at)}  ", Tone.BAD), lost.sentence, width)
        yield content.beside(content.line("          ", Tone.BAD), content.text(lost.lost, Tone.BAD), width)
    yield from _title("The shortest way")
    for number, move in enumerate(told.way, 1):
        yield content.beside(content.line(f"{number:>2}. ", Tone.ACCENT), move, width)
    yield from _title("Times")
    for one in told.times:
        tone = tone_of(STANDING_GRADES[one.standing]) if one.standing else Tone.STRONG
        value = content.row(content.text(one.words, tone), content.text(f"  {one.what}", Tone.DIM))
        yield content.fact_beside(one.name, value, width, _NAME_CELLS)
    yield from _title("What was looked at")
    yield from (content.beside(content.line(f"{one[:1]} "), one[2:], width) for one in told.checks)
    yield from _title("The way that was taken")
    for taken in told.moves:
        tone = Tone.BAD if taken.lost else Tone.DIM
        yield content.beside(content.line(f"{told.clock(taken.at)}  ", tone), taken.sentence, width)
    if told.earlier:
        points = [float(value) for value in told.points[-_MOST_DRAWN:]]
        yield from _title("This scenario over time")
        drawn = sparkline(points, len(points), _FULL)
        yield content.row(content.line(drawn, Tone.ACCENT), "  ", told.earlier_words)


def _title(text: str) -> Iterator[Content | str]:
    yield ""
    yield content.text(text, Tone.ACCENT)
