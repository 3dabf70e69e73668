"""What the backups screen says: what a restore would take for a moment, and which gaps there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from textual.content import Content

from loomtui.backups.model import Backup
from loomtui.backups.series import Series
from loomtui.restore.planning.taking import Taking
from loomtui.wording.quantities import ago, count, size, span, time_of
from screens.input import keys
from screens.text import content
from screens.text.words import Tone, cut

_NAME_CELLS = 12
_LISTED_GAPS = 8


def taking_text(
    taking: Taking, time: datetime | None, now: datetime, width: int, *, writable: bool
) -> Content:
    """The pair, data and config, for each node; each on one line of at most `width` cells."""
    goal = "as new as there is" if time is None else f"to {time_of(time)}"
    restore_hint = f"  {keys.name('backups.restore')} restores from here" if writable else ""
    parts = [
        content.row(
            content.line(f"A restore {goal} takes ◆", Tone.ACCENT), content.line(restore_hint, Tone.DIM)
        )
    ]
    if taking.data is None:
        parts.append(_missing_line("data", "no data backup of that time or before"))
    else:
        parts.append(_backup_line("data", taking.data, time or now, now))
    for node, backup in taking.configs.items():
        if backup is not None:
            parts.append(_backup_line(node, backup, time or now, now))
        else:
            parts.append(_missing_line(node, "no config backup of that time or before: it keeps its own"))
    parts.append(
        content.line("Each archive is judged before it is used: the plan may pass one over.", Tone.DIM)
    )
    return content.lines(part.truncate(width, ellipsis=True) for part in parts)


def _backup_line(name: str, backup: Backup, time: datetime, now: datetime) -> Content:
    difference = time - backup.taken_at
    difference_text = f", {span(difference)} before it" if time != now and difference else ""
    return content.row(
        content.line(f"{cut(name, _NAME_CELLS):<{_NAME_CELLS}} ", Tone.STRONG),
        content.line(f"{backup.taken_at:%Y-%m-%d %H:%M}  {size(backup.size_bytes):>9}  "),
        content.line(f"{ago(backup.taken_at, now)} old{difference_text}  "),
        content.line(backup.key, Tone.DIM),
    )


def _missing_line(name: str, reason: str) -> Content:
    return content.row(
        content.line(f"{cut(name, _NAME_CELLS):<{_NAME_CELLS}} ", Tone.STRONG),
        content.line(f"▲ {reason}", Tone.WARN),
    )


def gaps_text(all_series: Iterable[Series], now: datetime) -> Content:
    """The gaps: first those that still last, then the newest."""
    gaps = [(series, gap) for series in all_series for gap in series.gaps(now)]
    gaps.sort(key=lambda pair: (not pair[1].lasts, -pair[1].until.timestamp()))
    if not gaps:
        return content.line("No gap in a series that is long enough to tell.", Tone.DIM)
    lines: list[Content] = []
    for series, gap in gaps[:_LISTED_GAPS]:
        name = f"{series.source or 'no host'} {series.kind.value}"
        usual_text = f"usually one every {span(gap.usual)}"
        if gap.lasts:
            text = f"✗ {name}: none since {time_of(gap.since)}, for {span(gap.length)}; {usual_text}"
        else:
            period = f"from {gap.since:%Y-%m-%d %H:%M} to {gap.until:%Y-%m-%d %H:%M}"
            text = f"▲ {name}: none {period}, {span(gap.length)}; {usual_text}"
        lines.append(content.line(text, Tone.BAD if gap.lasts else Tone.WARN))
    if len(gaps) > _LISTED_GAPS:
        lines.append(content.line(f"… and {count(len(gaps) - _LISTED_GAPS, 'older gap')}", Tone.DIM))
    return content.lines(lines)


def separated(parts: Sequence[Content]) -> Iterator[Content]:
    """One text below the other, with an empty line between them."""
    for number, part in enumerate(parts):
        if number:
            yield Content("")
        yield part
