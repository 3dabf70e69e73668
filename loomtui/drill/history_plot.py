"""The history of drills as inline SVG: points and recoveries over the days, without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from loomtui.drill.logbook import Entry
from loomtui.restore.report.markup import element
from loomtui.wording.quantities import length, time_of

_WIDTH, _HEIGHT = 1120, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 12, 12, 26
_DOT = 4.0
_DAY_LABELS = 6


@dataclass(frozen=True)
class _Plot:
    """`value`: what is drawn of a drill; None: nothing. `words`: how it is told."""

    title: str
    value: Callable[[Entry], float | None]
    words: Callable[[float | None], str]
    top: float  # the value at the upper edge
    line: float | None = None  # what was agreed


def points_plot(entries: Sequence[Entry]) -> Element:
    return _drawn(_Plot("Points", lambda one: float(one.score.points), _points, 100.0), entries)


def recovery_plot(entries: Sequence[Entry]) -> Element | None:
    """The line is what was agreed last. None: the chain has moved in none of the drills."""
    lengths = [one.score.recovered_seconds for one in entries if one.score.recovered_seconds is not None]
    if not lengths:
        return None
    agreed = next(
        (found for one in reversed(entries) if (found := one.score.objectives.downtime_seconds)), None
    )
    top = max(*lengths, agreed or 0.0, 1.0) * 1.05
    plot = _Plot("Time until the chain moved", lambda one: one.score.recovered_seconds, length, top, agreed)
    return _drawn(plot, entries)


def _points(value: float | None) -> str:
    return f"{value:.0f} points" if value is not None else ""


def _drawn(plot: _Plot, entries: Sequence[Entry]) -> Element:
    return element(
        "svg",
        element("title", plot.title),
        *_axis(plot),
        *_days(entries),
        *_dots(plot, entries),
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        class_="history",
        style=f"min-width: {_WIDTH * 2 // 3}px",
    )


def _axis(plot: _Plot) -> Iterator[Element]:
    for value in (0.0, plot.top / 2, plot.top):
        y = _y(value, plot.top)
        yield element("line", class_="tick", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y)
        yield element("text", plot.words(value), class_="time", x=4, y=y + 4)
    if plot.line is not None:
        y = _y(plot.line, plot.top)
        told = element("title", f"agreed: {plot.words(plot.line)}")
        yield element("line", told, class_="agreed", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y, y2=y)


def _days(entries: Sequence[Entry]) -> Iterator[Element]:
    """Dates at some of the drills, as far apart as their words need."""
    free = 0.0
    for entry in entries:
        x = _x(entry, entries)
        if x >= free and x + (_WIDTH - _LEFT) / _DAY_LABELS / 2 <= _WIDTH:
            yield element("text", f"{entry.at:%Y-%m-%d}", class_="time", x=x, y=_HEIGHT - 8)
            free = x + (_WIDTH - _LEFT) / _DAY_LABELS


def _dots(plot: _Plot, entries: Sequence[Entry]) -> Iterator[Element]:
    for entry in entries:
        value = plot.value(entry)
        if value is None:
            continue
        state = "passed" if entry.passed else "failed"
        told = f"{entry.scenario}, {time_of(entry.at)}, by {entry.by.value}: {state}, {plot.words(value)}"
        x, y = _x(entry, entries), _y(value, plot.top)
        yield element("g", element("title", told), _mark(x, y, passed=entry.passed), class_=f"drill {state}")


def _mark(x: float, y: float, *, passed: bool) -> Element:
    """A dot or a cross: no state is told by colour alone."""
    if passed:
        return element("circle", cx=x, cy=y, r=_DOT)
    size = _DOT
    return element("path", d=f"M {x - size:.1f} {y - size:.1f} l 8 8 m 0 -8 l -8 8")


def _x(entry: Entry, entries: Sequence[Entry]) -> float:
    first, last = entries[0].at, entries[-1].at
    whole = (last - first).total_seconds()
    share = (entry.at - first).total_seconds() / whole if whole else 0.5
    return _LEFT + 8 + share * (_WIDTH - _LEFT - _RIGHT - 16)


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - min(1.0, value / top) * (_HEIGHT - _TOP - _BOTTOM)
