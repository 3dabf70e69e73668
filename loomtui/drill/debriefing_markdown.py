"""A debriefing for a channel: as a run's report, without tables, and foreign text is only code."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from loomtui.drill.debriefing import Debriefing
from loomtui.restore.report.markdown import code


def debriefing_markdown(told: Debriefing) -> str:
    parts = (
        _head(told),
        _listed("What was looked at", told.checks),
        _listed("Where the way was lost", [told.lost_words]),
        _listed("The shortest way", told.way, numbered=True),
        _listed("The way that was taken", map(told.move_words, told.moves)),
    )
    return "\n".join("\n".join(part) + "\n" for part in map(list, parts) if part)


def _head(told: Debriefing) -> Iterator[str]:
    yield f"**Drill {code(told.title)}: {told.headline}**"
    yield ""
    yield f"- Played: {code(told.when)}"
    yield from (f"- {one.name}: {one.words} ({one.what})" for one in told.times)
    yield from (f"- {cost}" for cost in told.costs)
    if told.earlier:
        yield f"- {told.earlier_words}"


def _listed(heading: str, texts: Iterable[str], *, numbered: bool = False) -> Iterator[str]:
    for number, text in enumerate(texts, 1):
        if number == 1:
            yield f"**{heading}**"
        yield f"{f'{number}.' if numbered else '-'} {code(text)}"
