"""How far each host's clock is from UTC, told by the names of its backups and S3's clock. Pure.

backup.sh names an archive by the host's local time when it starts, and S3 stamps it, in UTC, when it has
arrived. So `stamp - name` is the backup's length minus the host's offset from UTC (docs/loom.md 5). A length
is never negative, which is a hard bound for the offset. How long a backup may have taken is known by its size
alone, and only roughly. If the next larger offset would want more time than that, the offset is measured.
Otherwise it is assumed, and may be wrong by as much as the backup may have taken longer.

This cannot see a host on which every backup, however small, takes an hour and a few seconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final


class TakenBy(StrEnum):
    """How the time of a backup is known."""

    MEASURED = "measured"  # the key's time; several backups of the host agree about its offset from UTC
    MEASURED_ONCE = "measured-once"  # likewise, but only one backup tells the offset
    ASSUMED = "assumed"  # likewise, with the offset that is most likely: it may be wrong by hours
    LAST_MODIFIED = "last-modified"  # S3's stamp: the key tells no time, or nothing can be made of it

    @property
    def sure(self) -> bool:
        return self in (TakenBy.MEASURED, TakenBy.MEASURED_ONCE)


@dataclass(frozen=True)
class Stamp:
    """One backup of a host."""

    named: datetime  # the time in its key, local to the host, written as if it were UTC
    modified: datetime  # UTC, by S3's clock, when it had arrived
    size_bytes: int

    @property
    def lag(self) -> timedelta:
        """The backup's length minus the host's offset."""
        return self.modified - self.named


@dataclass(frozen=True)
class Reading:
    """When a backup was taken, in UTC, and the host's offset then, which is None if it is not known."""

    taken_at: datetime
    by: TakenBy
    offset: timedelta | None = None


_HOUR: Final = timedelta(hours=1)
_NONE: Final = timedelta(0)

#: Every offset that a zone of the tz database has had since 2019 (a test compares), in minutes: whole hours
#: from -12:00 to +14:00, and these.
_ODD = (-570, -210, -150, 210, 270, 330, 345, 390, 525, 570, 630, 765, 825)
OFFSETS: Final = tuple(
    timedelta(minutes=minutes) for minutes in sorted([*range(-12 * 60, 14 * 60 + 1, 60), *_ODD])
)
LEAST_OFFSET, MOST_OFFSET = OFFSETS[0], OFFSETS[-1]

#: A second is lost where S3 gives its stamps without fractions.
_ROUNDING = timedelta(seconds=2)
#: How long a backup may take, by its size: starting and collecting, then the slowest bzip2 with its upload.
_LONGEST_START = timedelta(minutes=3)
_SLOWEST_BYTES_A_SECOND = 1_000_000
#: A backup that took longer than its size explains by so much waited, or was copied: it tells nothing.
_LONGEST_WAIT = timedelta(hours=24)
#: Objects that arrived so close together although their names are so far apart were copied.
_COPIED_TOGETHER, _NAMED_APART = timedelta(minutes=15), timedelta(hours=12)
#: A change of the offset shows in the shortest of so many backups before it and after it: in many where they
#: differ, in few where it does not last.
_BESIDE = (6, 3)
#: How much their lengths may differ beyond the change itself: by whole hours, by other amounts.
_STEP_SLACK, _ODD_STEP_SLACK = timedelta(minutes=12), timedelta(minutes=1)
#: Changes to summer time and back are no larger; those of a host that got another zone are.
_SEASON = timedelta(minutes=75)
#: Between two measured ones that are no further apart no summer or winter time passes unseen (the shortest is
#: Morocco's, over Ramadan).
_BRACKET = timedelta(days=28)
#: Lengths of backups of like size (by a factor of 4) are alike when they differ by no more,
#: which is less than any change.
_ALIKE, _LIKE_SIZE = timedelta(minutes=20), 4
#: Longer ones differ by so much that an hour more or less tells nothing.
_COMPARABLE = timedelta(minutes=90)
#: So many on each side are compared with.
_AROUND = 12


def longest(size_bytes: int) -> timedelta:
    """The longest time that a backup of this size should take if nothing makes it wait."""
    return _LONGEST_START + timedelta(seconds=size_bytes / _SLOWEST_BYTES_A_SECOND)


def read_clock(stamps: Sequence[Stamp]) -> tuple[Reading, ...]:
    """When each of these backups of one host was taken, in the order given."""
    order = sorted(range(len(stamps)), key=lambda at: (stamps[at].modified, stamps[at].named, at))
    flags = _telling([stamps[at] for at in order])
    telling = [at for at, tells in zip(order, flags, strict=True) if tells]
    segments: list[_Segment] = []
    segment_of: dict[int, tuple[_Segment, TakenBy]] = {}
    for places in _segments([stamps[at] for at in telling]):
        segment = _Segment.of([stamps[telling[place]] for place in places])
        if segment is not None:
            segments.append(segment)
            for place, by in zip(places, segment.sureness(), strict=True):
                segment_of[telling[place]] = segment, by
    if not segments:
        return tuple(Reading(stamp.modified, TakenBy.LAST_MODIFIED) for stamp in stamps)
    return tuple(
        _reading(stamp, *segment_of.get(at, (_nearest(stamp, segments), TakenBy.ASSUMED)))
        for at, stamp in enumerate(stamps)
    )


def _reading(stamp: Stamp, segment: _Segment, by: TakenBy) -> Reading:
    taken_at = stamp.named - segment.offset
    if taken_at > stamp.modified + _ROUNDING:  # its host's clock was wrong
        return Reading(stamp.modified, TakenBy.LAST_MODIFIED)
    return Reading(min(taken_at, stamp.modified), by, segment.offset)


def _nearest(stamp: Stamp, segments: Sequence[_Segment]) -> _Segment:
    return min(segments, key=lambda segment: segment.distance(stamp.named))


def _telling(stamps: Sequence[Stamp]) -> list[bool]:
    """Which of these backups, in the order of their arrival, can tell an offset at all."""
    tells = [
        -MOST_OFFSET - _ROUNDING <= stamp.lag <= longest(stamp.size_bytes) + _LONGEST_WAIT - LEAST_OFFSET
        for stamp in stamps
    ]
    start = 0
    for end in range(1, len(stamps) + 1):
        if end < len(stamps) and stamps[end].modified - stamps[end - 1].modified <= _COPIED_TOGETHER:
            continue
        names = [stamp.named for stamp in stamps[start:end]]
        arrived = stamps[end - 1].modified - stamps[start].modified
        if max(names) - min(names) > arrived + _NAMED_APART:
            tells[start:end] = [False] * (end - start)
        start = end
    return tells


def _segments(stamps: Sequence[Stamp]) -> list[range]:
    """The places between which the offset does not change. `stamps` are in the order of their arrival.

    A change shows in each class of backups of like size by itself, somewhere between two of that class.
    """
    spans: list[range] = []
    for places in _classes(stamps):
        lags = [stamps[at].lag for at in places]
        class_spans = (range(places[cut - 1] + 1, places[cut] + 1) for cut in _cuts(lags))
        for span in class_spans:
            same = next((known for known in spans if known[0] <= span[-1] and span[0] <= known[-1]), None)
            if same is not None:
                spans.remove(same)
                span = range(max(span[0], same[0]), min(span[-1], same[-1]) + 1)
            spans.append(span)
    cuts = sorted({_place(stamps, span) for span in spans})
    return [range(start, end) for start, end in pairwise([0, *cuts, len(stamps)]) if start < end]


def _classes(stamps: Sequence[Stamp]) -> list[list[int]]:
    """The places of backups of like size, each class in the order of their arrival."""
    classes: list[list[int]] = []
    for at in sorted(range(len(stamps)), key=lambda at: stamps[at].size_bytes):
        last = classes[-1][-1] if classes else None
        if last is None or stamps[at].size_bytes > _LIKE_SIZE * max(stamps[last].size_bytes, 1):
            classes.append([])
        classes[-1].append(at)
    return [sorted(places) for places in classes]


def _cuts(lags: Sequence[timedelta]) -> list[int]:
    fits = {}
    for cut in range(1, len(lags)):
        candidates = [fit for beside in _BESIDE if (fit := _fit(lags, cut, beside)) is not None]
        if candidates:
            fits[cut] = candidates[0]
    cuts = []
    for cut, fit in fits.items():  # of those side by side the one that fits best
        near = ((fits[other], other) for other in range(cut - 2, cut + 3) if other in fits)
        if (fit, cut) == min(near):
            cuts.append(cut)
    return cuts


def _place(stamps: Sequence[Stamp], span: range) -> int:
    """Where in the span the change is. Backups of other sizes tell: each is like others on its own side."""

    def missed(at: int, side: Sequence[Stamp]) -> timedelta:
        lags = (abs(other.lag - stamps[at].lag) for other in side if _is_comparable(stamps[at], other))
        return min(lags, default=_NONE)

    before = stamps[max(0, span[0] - 4 * max(_BESIDE)) : span[0]]
    after = stamps[span[-1] : span[-1] + 4 * max(_BESIDE)]
    inside = range(span[0], span[-1])
    return min(
        span,
        key=lambda cut: sum((missed(at, before if at < cut else after) for at in inside), _NONE),
    )


def _fit(lags: Sequence[timedelta], cut: int, beside: int) -> timedelta | None:
    """How badly a change of the offset right here fits; None means that there is no change."""
    before, after = lags[max(0, cut - beside) : cut], lags[cut : cut + beside]
    low, high = min(before), min(after)
    jump = high - low
    if abs(jump) < timedelta(minutes=25):
        return None
    if abs(jump) > _SEASON and min(len(before), len(after)) < 2:
        return None  # one object that was uploaded again
    whole = abs(jump - round(jump / _HOUR) * _HOUR) <= _STEP_SLACK and abs(jump) > _HOUR / 2
    quarter = timedelta(minutes=15)
    odd = abs(jump - round(jump / quarter) * quarter) <= _ODD_STEP_SLACK
    if not (whole or odd):
        return None
    noise = max(_shorter_third(before) - low, _shorter_third(after) - high)
    if noise > abs(jump) / 6:
        return None
    missed = sum(((lag - low) for lag in before), _NONE) + sum(((lag - high) for lag in after), _NONE)
    return missed / (len(before) + len(after))


def _shorter_third(lags: Sequence[timedelta]) -> timedelta:
    """How long the shorter third of them took."""
    return sorted(lags)[len(lags) // 3]


@dataclass(frozen=True)
class _Segment:
    """Backups between two changes of the offset, in the order of their arrival."""

    stamps: tuple[Stamp, ...]
    offset: timedelta

    @classmethod
    def of(cls, stamps: Sequence[Stamp]) -> _Segment | None:
        """None means that they do not agree about any offset."""
        shortest = min(stamp.lag for stamp in stamps)
        index = bisect_left(OFFSETS, -shortest - _ROUNDING)
        if index == len(OFFSETS):
            return None
        agree = [stamp for stamp in stamps if stamp.lag - shortest <= longest(stamp.size_bytes) + _HOUR]
        if len(agree) * 2 < len(stamps) and len(agree) < 2:
            return None
        return cls(tuple(stamps), OFFSETS[index])

    def distance(self, named: datetime) -> timedelta:
        first, last = self.stamps[0].named, self.stamps[-1].named
        return max(first - named, named - last, _NONE)

    def sureness(self) -> list[TakenBy]:
        """How sure each is. Assumed are those about which nothing is measured, not even beside them."""
        own = [at for at, stamp in enumerate(self.stamps) if self._tells_offset(stamp)]
        by = TakenBy.MEASURED if len(own) > 1 else TakenBy.MEASURED_ONCE
        names = sorted(self.stamps[at].named for at in own)
        known = sorted({*own, *(at for at in range(len(self.stamps)) if self._fits_between(at, own, names))})
        sure = set(known)
        return [
            by if at in sure or self._fits_beside(at, known) else TakenBy.ASSUMED
            for at in range(len(self.stamps))
        ]

    def _tells_offset(self, stamp: Stamp) -> bool:
        """Whether this backup alone tells the offset.

        With the next smaller offset it would have ended before it began, and with the next larger one it
        would have taken longer than its size explains.
        """
        here = bisect_left(OFFSETS, self.offset)
        below = OFFSETS[here - 1] if here else LEAST_OFFSET - _BRACKET
        above = OFFSETS[here + 1] if here + 1 < len(OFFSETS) else MOST_OFFSET + _BRACKET
        no_less = stamp.lag + below < -_ROUNDING
        return no_less and self._is_explained(stamp) and stamp.lag + above > longest(stamp.size_bytes)

    def _is_explained(self, stamp: Stamp) -> bool:
        return stamp.lag + self.offset <= longest(stamp.size_bytes)

    def _fits_between(self, at: int, own: Sequence[int], names: Sequence[datetime]) -> bool:
        """Whether some that tell the offset come before and after it, not far apart, and none contradicts.

        "Before" is where it began, with whichever offset: a long one may have begun before the change and
        arrived after.
        """
        after = bisect_left(own, at)
        before = bisect_right(names, self.stamps[at].named - _SEASON)
        if not before or after == len(own) or not self._is_explained(self.stamps[at]):
            return False
        apart = self.stamps[own[after]].named - names[before - 1]
        return apart <= _BRACKET and self._took_as_long(at, own, alone=True)

    def _fits_beside(self, at: int, known: Sequence[int]) -> bool:
        comparable = self.stamps[at].lag + self.offset <= _COMPARABLE
        return comparable and self._took_as_long(at, known, alone=False)

    def _took_as_long(self, at: int, others: Sequence[int], *, alone: bool) -> bool:
        """Whether it took as long as each of like size around it. `alone` is the answer if there is none."""
        place, one = bisect_left(others, at), self.stamps[at]
        around = (self.stamps[other] for other in others[max(0, place - _AROUND) : place + _AROUND])
        like = [other for other in around if _is_comparable(one, other)]
        return all(abs(other.lag - one.lag) <= _ALIKE for other in like) if like else alone


def _is_comparable(one: Stamp, other: Stamp) -> bool:
    """Those of like size that are not far apart."""
    small, large = sorted((one.size_bytes, other.size_bytes))
    return large <= _LIKE_SIZE * small and abs(other.modified - one.modified) <= _BRACKET
