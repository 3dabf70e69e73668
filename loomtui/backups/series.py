"""Backups as series: those of one host and kind, one after the other, and the gaps in such a series."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from loomtui.backups.clocks import TakenBy
from loomtui.backups.model import Backup, BackupKind

#: So many backups tell what is usual.
_LEAST_BACKUPS = 3
#: So many times longer than usual is a gap: one that is merely late is none.
_FACTOR = 1.9
_LEAST_GAP = timedelta(minutes=10)

_ORDER = (BackupKind.DATA, BackupKind.FULL, BackupKind.CONFIG, BackupKind.UNKNOWN)


@dataclass(frozen=True)
class Gap:
    since: datetime  # of the last backup before it
    until: datetime  # of the first one after it, or now
    usual: timedelta
    lasts: bool  # until now: the next one is overdue

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True)
class Series:
    source: str | None  # the host; None where the keys do not say
    kind: BackupKind
    backups: tuple[Backup, ...]  # oldest first, at least one

    @property
    def usual(self) -> timedelta | None:
        """The median of the times between two backups, or None if there are too few to tell."""
        if len(self.backups) < _LEAST_BACKUPS:
            return None
        times = map(_time_taken, self.backups)
        return timedelta(seconds=median((two - one).total_seconds() for one, two in pairwise(times)))

    def gaps(self, now: datetime) -> tuple[Gap, ...]:
        """The gaps, oldest first. If a host's clock is not known, they are told by the times in its keys."""
        usual = self.usual
        if usual is None:
            return ()
        longest = max(_LEAST_GAP, usual * _FACTOR)
        times = [*map(_time_taken, self.backups), now]
        return tuple(
            Gap(since, until, usual, place == len(self.backups) - 1)
            for place, (since, until) in enumerate(pairwise(times))
            if until - since > longest
        )


def _time_taken(backup: Backup) -> datetime:
    """The time of a backup. For copied objects only the names tell how far apart they were taken."""
    if backup.taken_by is TakenBy.LAST_MODIFIED and backup.named_at is not None:
        return backup.named_at
    return backup.taken_at


def series_of(backups: Iterable[Backup]) -> tuple[Series, ...]:
    """The series, data first, then config, each by host."""
    groups: dict[tuple[int, str], list[Backup]] = {}
    for backup in sorted(backups, key=lambda backup: (_time_taken(backup), backup.key)):
        groups.setdefault((_ORDER.index(backup.kind), backup.source or ""), []).append(backup)
    return tuple(
        Series(source or None, _ORDER[kind], tuple(members))
        for (kind, source), members in sorted(groups.items())
    )
