"""Series of backups and their gaps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.backups.model import Backup, BackupKind
from loomtui.backups.series import Series, series_of

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def backup(hours: float, source: str | None = "db1", kind: BackupKind = BackupKind.DATA) -> Backup:
    at = NOW - timedelta(hours=hours)
    return Backup(f"{hours}-{source}-{kind}", source, at, at, 1, '"e"', kind)


def one_series(hours: Sequence[float]) -> Series:
    (found,) = series_of(backup(hour) for hour in hours)
    return found


def test_each_host_and_kind_is_a_series_data_first() -> None:
    found = series_of(
        [
            backup(1, "db2", BackupKind.CONFIG),
            backup(2, "db1", BackupKind.CONFIG),
            backup(3, "backup1"),
            backup(4, None, BackupKind.UNKNOWN),
            backup(5, "backup1"),
        ]
    )
    assert [(one.source, one.kind.value, len(one.backups)) for one in found] == [
        ("backup1", "data", 2),
        ("db1", "config", 1),
        ("db2", "config", 1),
        (None, "unknown", 1),
    ]
    assert found[0].backups[0].taken_at < found[0].backups[1].taken_at


def test_a_gap_is_named_with_what_is_usual() -> None:
    series = one_series([48, 42, 36, 12, 6, 1])
    (gap,) = series.gaps(NOW)
    assert (gap.since, gap.until) == (NOW - timedelta(hours=36), NOW - timedelta(hours=12))
    assert (gap.length, gap.usual, gap.lasts) == (timedelta(hours=24), timedelta(hours=6), False)


def test_a_series_that_ended_has_a_gap_until_now() -> None:
    (gap,) = one_series([48, 42, 36, 30]).gaps(NOW)
    assert (gap.lasts, gap.length) == (True, timedelta(hours=30))


@pytest.mark.parametrize("hours", [[5], [500, 1], [24, 18, 12, 6, 0], [24, 18, 12, 1]])
def test_too_few_tell_nothing_and_late_is_no_gap(hours: list[float]) -> None:
    assert one_series(hours).gaps(NOW) == ()


def test_seconds_apart_make_no_gaps_of_minutes() -> None:
    assert one_series([0.1, 0.0999, 0.0998, 0.05]).gaps(NOW) == ()


@given(st.lists(st.floats(0, 5_000), min_size=1, max_size=40))
def test_gaps_lie_between_the_first_backup_and_now_in_their_order(hours: list[float]) -> None:
    series = one_series(hours)
    gaps = series.gaps(NOW)
    edges = [moment for gap in gaps for moment in (gap.since, gap.until)]
    assert edges == sorted(edges)
    assert all(series.backups[0].taken_at <= edge <= NOW for edge in edges)
    assert [gap for gap in gaps if gap.lasts] in ([], list(gaps[-1:]))
