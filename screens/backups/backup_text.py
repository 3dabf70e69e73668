"""What the backups screen says: what a restore would take for a moment, and which gaps there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from textual.content import Content

from loomtui.backups.model import Backup
from loomtui.backups.series import Series
from loomtui.restore.planning.taking import Taking
from screens.input import keys
from screens.text import content
from screens.text.words import Tone, ago, count, cut, size, span, time_of

_NAME_CELLS = 12
_LISTED_GAPS = 8


def taking_told(
    taking: Taking, moment: datetime | None, now: datetime, width: int, *, writable: bool
) -> Content:
    """The pair, data and config, for each node; each on one line of at most `width` cells."""
    to = "as new as there is" if moment is None else f"to {time_of(moment)}"
    ways = f"  {keys.name('backups.restore')} restores from here" if writable else ""
    parts = [content.row(content.line(f"A restore {to} takes ◆", Tone.ACCENT), content.line(ways, Tone.DIM))]
    if taking.data is None:
        parts.append(_none("data", "no data backup of that time or before"))
    else:
        parts.append(_one("data", taking.data, moment or now, now))
    for node, backup in taking.configs.items():
        if backup is not None:
            parts.append(_one(node, backup, moment or now, now))
        else:
            parts.append(_none(node, "no config backup of that time or before: it keeps its own"))
    parts.append(
        content.line("Each archive is read whole before it is used: the plan may pass one over.", Tone.DIM)
    )
    return content.lines(part.truncate(width, ellipsis=True) for part in parts)


def _one(name: str, backup: Backup, moment: datetime, now: datetime) -> Content:
    before = moment - backup.taken_at
    gap = f", {span(before)} before it" if moment != now and before else ""
    return content.row(
        content.line(f"{cut(name, _NAME_CELLS):<{_NAME_CELLS}} ", Tone.STRONG),
        content.line(f"{backup.taken_at:%Y-%m-%d %H:%M}  {size(backup.size_bytes):>9}  "),
        content.line(f"{ago(backup.taken_at, now)} old{gap}  "),
        content.line(backup.key, Tone.DIM),
    )


def _none(name: str, told: str) -> Content:
    return content.row(
        content.line(f"{cut(name, _NAME_CELLS):<{_NAME_CELLS}} ", Tone.STRONG),
        content.line(f"▲ {told}", Tone.WARN),
    )


def gaps_told(series: Iterable[Series], now: datetime) -> Content:
    """The gaps: first those that still last, then the newest."""
    found = [(one, gap) for one in series for gap in one.gaps(now)]
    found.sort(key=lambda pair: (not pair[1].lasts, -pair[1].until.timestamp()))
    if not found:
        return content.line("No gap in a series that is long enough to tell.", Tone.DIM)
    lines: list[Content] = []
    for one, gap in found[:_LISTED_GAPS]:
        name = f"{one.source or 'no host'} {one.kind.value}"
        usual = f"usually one every {span(gap.usual)}"
        if gap.lasts:
            told = f"✗ {name}: none since {time_of(gap.since)}, for {span(gap.length)}; {usual}"
        else:
            between = f"from {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M}"
            told = f"▲ {name}: none {between}, {span(gap.length)}; {usual}"
        lines.append(content.line(told, Tone.BAD if gap.lasts else Tone.WARN))
    if len(found) > _LISTED_GAPS:
        lines.append(content.line(f"… and {count(len(found) - _LISTED_GAPS, 'older gap')}", Tone.DIM))
    return content.lines(lines)


def below(parts: Sequence[Content]) -> Iterator[Content]:
    """One text below the other, with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            yield Content("")
        yield part
