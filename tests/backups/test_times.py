"""Backups of three hosts in three time zones, one over a change to summer time, by the real S3 protocol."""

from __future__ import annotations

import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from moto.s3.models import s3_backends

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.clocks import TakenBy
from loomtui.backups.model import Backup, BackupKind, Compression
from loomtui.backups.series import series_of
from loomtui.drill.store import ACCOUNT
from loomtui.inventory.model import Node
from loomtui.restore.choices import Choices
from loomtui.restore.findings import texts_of
from loomtui.restore.planning.choosing import Chooser
from tests.backups.conftest import Bucket
from tests.backups.making import CONFIG_TAR, data_tar, pack

ZONES = {"la": "America/Los_Angeles", "berlin": "Europe/Berlin", "tokyo": "Asia/Tokyo"}
#: The hour of Berlin's change to summer time in 2026, UTC.
CHANGE = datetime(2026, 3, 29, 1, tzinfo=UTC)
STEP = timedelta(hours=3)
NOW = CHANGE + timedelta(hours=20)


def put(bucket: Bucket, host: str, taken_at: datetime, length: timedelta, body: bytes) -> str:
    local = taken_at.astimezone(zoneinfo.ZoneInfo(ZONES[host]))
    key = f"{local:%Y-%m-%d--%H%M%S}-{host}.tar.bz2"
    bucket.put(key, body)
    arrived(bucket, key, taken_at + length)
    return key


def arrived(bucket: Bucket, key: str, moment: datetime) -> None:
    stored = s3_backends[ACCOUNT]["aws"].buckets[bucket.settings.bucket].keys[key]
    stored.last_modified = moment.replace(tzinfo=None)


@pytest.fixture
def taken(bucket: Bucket) -> dict[str, datetime]:
    """Key -> when it was taken. Data every three hours, 25 to 35 minutes each; config once a day and host."""
    data, config = (pack(tar, Compression.BZIP2) for tar in (data_tar(), CONFIG_TAR))
    made: dict[str, datetime] = {}
    for number, host in enumerate(ZONES):
        for count in range(-10, 6):
            if host == "tokyo" and count in (0, 1):
                continue  # a gap
            at = CHANGE + count * STEP + timedelta(minutes=11 + 7 * number)
            minutes = 25 + (count * 3 + number) % 10
            made[put(bucket, host, at, timedelta(minutes=minutes), data)] = at
        for day in (-1, 0):
            at = CHANGE + timedelta(days=day, hours=14, minutes=3 + number)
            made[put(bucket, host, at, timedelta(seconds=6), config)] = at
    return made


async def listed(catalogue: Catalogue) -> tuple[Backup, ...]:
    return tuple([await catalogue.guess(backup) for backup in await catalogue.list()])


async def test_every_time_is_utc_to_the_second(catalogue: Catalogue, taken: Mapping[str, datetime]) -> None:
    found = await catalogue.list()
    assert {backup.key: backup.taken_at for backup in found} == taken
    offsets = {(backup.source, (backup.utc_offset or timedelta()) / timedelta(hours=1)) for backup in found}
    assert offsets == {("la", -7), ("berlin", 1), ("berlin", 2), ("tokyo", 9)}
    assert all(backup.taken_by is not TakenBy.LAST_MODIFIED for backup in found)


async def test_their_order_is_that_in_which_they_were_taken(
    catalogue: Catalogue, taken: Mapping[str, datetime]
) -> None:
    found = await catalogue.list()
    assert [backup.key for backup in found] == sorted(taken, key=lambda key: taken[key], reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("minutes", range(-1500, 900, 233))
async def test_latest_and_before_take_what_was_newest_then(
    catalogue: Catalogue, taken: Mapping[str, datetime], minutes: int
) -> None:
    before = CHANGE + timedelta(minutes=minutes)
    chooser = Chooser(catalogue, Choices(before=before), lambda _: None)
    chosen = await chooser.data(needs_evm=False)
    kinds = {backup.key: backup.kind for backup in await listed(catalogue)}
    then = [key for key, at in taken.items() if at <= before and kinds[key] is BackupKind.DATA]
    assert chosen.backup.key == max(then, key=lambda key: taken[key])
    assert chosen.backup.taken_at == taken[chosen.backup.key]  # from which data loss is counted
    configs = await chooser.configs([Node(name="n", host="h", backup_host="la")])
    older = [key for key, at in taken.items() if at <= before and "-la." in key]
    of_la = [key for key in older if kinds[key] is BackupKind.CONFIG]
    newest = max(of_la, key=lambda key: taken[key], default=None)
    assert (configs["n"].backup.key if configs else None) == newest


@pytest.mark.slow
async def test_series_have_the_gap_that_there_is_and_none_by_the_change(
    catalogue: Catalogue, taken: Mapping[str, datetime]
) -> None:
    series = [one for one in series_of(await listed(catalogue)) if one.kind is BackupKind.DATA]
    assert [(one.source, one.usual) for one in series] == [("berlin", STEP), ("la", STEP), ("tokyo", STEP)]
    now = CHANGE + timedelta(hours=16)
    gaps = {one.source: [(gap.since, gap.until) for gap in one.gaps(now)] for one in series}
    at = CHANGE + timedelta(minutes=11 + 14)
    assert gaps == {"berlin": [], "la": [], "tokyo": [(at - STEP, at + 2 * STEP)]}


async def test_one_that_is_asked_for_by_its_key_has_the_same_time(
    catalogue: Catalogue, taken: Mapping[str, datetime]
) -> None:
    key = next(key for key in taken if "-berlin." in key)
    assert (await catalogue.find(key)).taken_at == taken[key]


async def test_a_copied_bucket_keeps_the_order_of_each_host_and_says_that_times_are_not_known(
    bucket: Bucket, catalogue: Catalogue, taken: Mapping[str, datetime]
) -> None:
    moment = CHANGE + timedelta(days=100)
    for count, key in enumerate(sorted(taken)):
        arrived(bucket, key, moment - timedelta(seconds=count))
    found = await catalogue.list()
    assert {backup.taken_by for backup in found} == {TakenBy.LAST_MODIFIED}
    assert all(backup.taken_at == backup.last_modified for backup in found)
    for host in ZONES:
        keys = [backup.key for backup in found if backup.source == host]
        assert keys == sorted(keys, reverse=True)
    chooser = Chooser(catalogue, Choices(), lambda _: None)
    chosen = await chooser.data(needs_evm=False)
    newest = max(key for key in taken if f"-{chosen.backup.source}." in key)
    assert chosen.backup.named_at is not None
    assert (chosen.backup.key, chosen.backup.kind) <= (newest, BackupKind.DATA)
    assert any("when it was taken is not sure" in warning for warning in texts_of(chooser.warnings))
    then = Chooser(catalogue, Choices(before=CHANGE), lambda _: None)  # a moment long before the copying
    assert (await then.data(needs_evm=False)).backup.key in {key for key in taken if taken[key] <= CHANGE}
