"""Stores that do some things differently, and single objects that they do not give."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from loomtui.backups import catalogue as catalogue_module
from loomtui.backups import store as store_module
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.connecting import addressing_style
from loomtui.backups.model import Backup, BackupKind, Compression, FaultKind
from loomtui.backups.store import Store
from loomtui.errors import (
    CallError,
    ObjectChanged,
    ObjectDenied,
    ObjectUnreadable,
    ObjectWithheld,
    StoreUnreachable,
)
from loomtui.inventory.model import AddressingStyle, S3Settings
from loomtui.restore.choices import Choices
from loomtui.restore.planning.choosing import Chooser
from tests.backups.conftest import Bucket, Opener
from tests.backups.making import data_tar, pack, tar_with
from tests.backups.peculiar import KMS_DENIED, KMS_SAID, Peculiar, Refusal, peculiar
from tests.http import get
from tests.stores.names import names_below

CONFIG = pack(tar_with(("loom.yml", "a: 1"), ("genesis.json", '{"contracts": []}')), Compression.GZIP)
OLDER, NEWER = (f"2026-11-2{day}--010000-n1.tar.gz" for day in (7, 8))
PRECONDITION = Refusal(412, "PreconditionFailed", "At least one of the pre-conditions did not hold")


@pytest.fixture
def store(bucket: Bucket) -> Iterator[Peculiar]:
    bucket.put(OLDER, CONFIG)
    bucket.put(NEWER, CONFIG)
    with peculiar(bucket.settings.endpoint or "") as made:
        yield made


@pytest.fixture
def catalogue(store: Peculiar, bucket: Bucket, opened: Opener, monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    monkeypatch.setattr(store_module, "RESUME_SECONDS", 0.001)
    monkeypatch.setattr(store_module, "ATTEMPTS", 2)
    return opened(bucket.settings.model_copy(update={"endpoint": store.url}))


async def listed(catalogue: Catalogue, key: str) -> Backup:
    return next(backup for backup in await catalogue.list() if backup.key == key)


# ── If-Match and ETags ──────────────────────────────────────────────────────────────────────────────────────

WAYS: dict[str, dict[str, Any]] = {
    "If-Match never holds": {"if_match": PRECONDITION},
    "If-Match is not implemented": {"if_match": Refusal(501, "NotImplemented", "A header is not known")},
    "weak": {"etag": lambda tag: f"W/{tag}"},
    "weak, and If-Match never holds": {"etag": lambda tag: f"W/{tag}", "if_match": PRECONDITION},
    "without quotes": {"etag": lambda tag: tag.strip('"')},
    "of an encoding": {"etag": lambda tag: f'{tag[:-1]}-gzip"'},
    "none at all": {"etag": lambda tag: ""},
    "no times, and If-Match never holds": {"gives_times": False, "if_match": PRECONDITION},
}


@pytest.mark.parametrize("way", WAYS)
async def test_a_store_with_its_own_idea_of_etags_is_read(
    store: Peculiar, catalogue: Catalogue, way: str
) -> None:
    for name, value in WAYS[way].items():
        setattr(store, name, value)
    backup = await listed(catalogue, NEWER)
    assert (await catalogue.guess(backup)).kind is BackupKind.CONFIG
    contents = await catalogue.look(backup)
    assert contents.backup.etag == backup.etag
    assert b"".join([chunk async for chunk in catalogue.stream(NEWER, backup.etag)]) == CONFIG
    if store.gives_times:
        assert (await catalogue.find(NEWER)).etag in (backup.etag, "")
    else:
        with pytest.raises(ObjectUnreadable, match="S3 does not say how large"):
            await catalogue.find(NEWER)
    await catalogue.check(NEWER, backup.etag, backup.size_bytes)


@pytest.mark.parametrize("way", WAYS)
async def test_what_really_changed_is_refused_there_too(
    store: Peculiar, bucket: Bucket, catalogue: Catalogue, way: str
) -> None:
    for name, value in WAYS[way].items():
        setattr(store, name, value)
    backup = await listed(catalogue, NEWER)
    bucket.put(NEWER, pack(tar_with(("loom.yml", "another: 2")), Compression.GZIP))
    with pytest.raises(ObjectChanged, match="has changed in S3 since it was listed"):
        await catalogue.look(backup)
    with pytest.raises(ObjectChanged):
        await catalogue.check(NEWER, backup.etag, backup.size_bytes)


def test_a_change_behind_the_last_byte_is_seen(store: Peculiar, bucket: Bucket) -> None:
    """Where nothing but comparing tells, the object is looked at again after the read."""
    store.if_match = PRECONDITION
    direct = Store(bucket.settings.model_copy(update={"endpoint": store.url}))
    before = direct.head(NEWER)
    chunks = direct.read(NEWER, before.etag, before.size, threading.Event())
    assert next(chunks) == CONFIG
    bucket.put(NEWER, b"another")
    with pytest.raises(ObjectChanged):
        next(chunks)
    direct.close()


async def test_a_store_that_refuses_if_match_is_asked_for_it_once(
    store: Peculiar, catalogue: Catalogue
) -> None:
    store.if_match = PRECONDITION
    for key in (NEWER, OLDER):
        await catalogue.look(await listed(catalogue, key))
    assert sum("If-Match" in headers for _, _, headers in store.asked) == 1


async def test_a_store_that_does_not_know_range(
    store: Peculiar, bucket: Bucket, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gives the object from its beginning, whatever part is asked for."""
    monkeypatch.setattr(catalogue_module, "GUESS_BYTES", (20, 200, 4 * 1024**2))
    store.is_range_known = False
    assert (await catalogue.guess(await listed(catalogue, NEWER))).fault is None


async def test_a_store_that_knows_only_the_first_listing(
    store: Peculiar, bucket: Bucket, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer has no token to go on with: what comes after the first page must not be missing."""
    monkeypatch.setattr(store_module, "PAGE_SIZE", 2)
    for number in range(5):
        bucket.put(f"2026-11-29--01000{number}-n1.tar.gz", CONFIG)
    store.is_token_known = False
    assert len(await catalogue.list()) == 7


# ── one object ──────────────────────────────────────────────────────────────────────────────────────────────

REFUSALS = {
    "archived": (Refusal(403, "InvalidObjectState", "not valid for the storage class"), "archive class"),
    "key denied": (KMS_DENIED, KMS_SAID),
    "key disabled": (Refusal(400, "KMS.DisabledException", "key/1 is disabled."), "key/1 is disabled"),
    "gone": (Refusal(404, "NoSuchKey", "The specified key does not exist.", also_head=True), "there is no"),
    "denied": (Refusal(403, "AccessDenied", "Access Denied", also_head=True), "AccessDenied: Access Denied"),
    "other encryption": (
        Refusal(400, "InvalidRequest", "stored using a form of Server Side Encryption.", also_head=True),
        "a form of Server Side Encryption",
    ),
    "broken in S3": (Refusal(500, "InternalError", "We encountered an internal error."), "internal error"),
    "busy": (Refusal(503, "SlowDown", "Please reduce your request rate."), "reduce your request rate"),
    "unknown": (Refusal(451, "LegalHold", "It is \x1b[2Jheld.".replace("\x1b", "")), "LegalHold: It is"),
}


@pytest.mark.parametrize("way", REFUSALS)
async def test_an_object_that_s3_does_not_give_costs_its_own_row(
    store: Peculiar, catalogue: Catalogue, way: str
) -> None:
    refusal, reason = REFUSALS[way]
    store.refusals[NEWER] = refusal
    newer, older = [await catalogue.guess(backup) for backup in await catalogue.list()]
    assert (newer.key, newer.kind) == (NEWER, BackupKind.UNKNOWN)
    assert newer.fault is not None
    assert newer.fault.kind is FaultKind.UNREADABLE
    assert reason in newer.fault.reason
    assert (older.kind, older.fault) == (BackupKind.CONFIG, None)


async def test_a_transfer_that_always_breaks_costs_its_own_row(store: Peculiar, catalogue: Catalogue) -> None:
    store.cut_after[NEWER] = 10
    guessed = await catalogue.guess(await listed(catalogue, NEWER))
    assert guessed.fault is not None
    assert "in the middle of a transfer" in guessed.fault.reason
    store.cut_after[NEWER] = 0
    with pytest.raises(ObjectWithheld):
        await catalogue.look(await listed(catalogue, NEWER))


async def test_a_transfer_that_breaks_once_is_taken_up_again(store: Peculiar, catalogue: Catalogue) -> None:
    store.cut_after[NEWER], store.cuts = 10, 1
    assert (await catalogue.guess(await listed(catalogue, NEWER))).fault is None


async def test_an_object_at_which_s3_is_silent_costs_its_own_row(
    store: Peculiar, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = await listed(catalogue, NEWER)
    monkeypatch.setattr(catalogue_module, "REQUEST_SECONDS", 1.0)
    store.silent[NEWER] = threading.Event()
    guessed = await catalogue.guess(backup)
    assert guessed.fault is not None
    assert "S3 answers, but does not give" in guessed.fault.reason


async def test_a_plan_counts_on_what_is_known_only_as_long_as_s3_gives_it(
    store: Peculiar, bucket: Bucket, catalogue: Catalogue
) -> None:
    for day in (25, 26):
        bucket.put(f"2026-11-{day}--010000-n2.tar.gz", pack(data_tar(), Compression.GZIP))
    chooser = Chooser(catalogue, Choices(), lambda _: None)
    newest = (await chooser.data(needs_evm=False)).backup.key
    store.refusals[newest] = KMS_DENIED
    chooser = Chooser(catalogue, Choices(), lambda _: None)
    assert (await chooser.data(needs_evm=False)).backup.key < newest
    (passed,) = chooser.passed_over
    assert (passed.key, passed.why) == (newest, FaultKind.UNREADABLE)
    assert KMS_SAID in passed.reason
    with pytest.raises(ObjectDenied):
        await Chooser(catalogue, Choices(data_key=newest), lambda _: None).data(needs_evm=False)


async def test_where_the_credentials_end_it_is_no_object_that_is_at_fault(
    store: Peculiar, catalogue: Catalogue
) -> None:
    backup = await listed(catalogue, NEWER)
    store.refusals["/"] = Refusal(400, "ExpiredToken", "The provided token has expired.", also_head=True)
    with pytest.raises(StoreUnreachable, match="the credentials have expired: ExpiredToken") as caught:
        await catalogue.guess(backup)
    assert not isinstance(caught.value, ObjectWithheld)


async def test_an_object_whose_head_is_refused_is_found_by_its_first_byte(
    store: Peculiar, catalogue: Catalogue
) -> None:
    before = await catalogue.find(NEWER)
    store.refuses_head = True
    assert await catalogue.find(NEWER) == before


async def test_the_advice_names_the_permission_that_s3_names(store: Peculiar, catalogue: Catalogue) -> None:
    store.refusals[NEWER] = KMS_DENIED
    with pytest.raises(ObjectDenied) as caught:
        await catalogue.look(await listed(catalogue, NEWER))
    assert KMS_SAID in caught.value.what
    key = "arn:aws:kms:eu-central-1:111122223333:key/0000-1111"
    assert caught.value.advice == f"Whoever runs loomtui needs kms:Decrypt on {key}."


# ── how a bucket is addressed ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def by_name() -> Iterator[None]:
    with names_below("case.test", "127.0.0.1"):
        yield


@pytest.fixture
def virtual(store: Peculiar, bucket: Bucket, by_name: None) -> S3Settings:
    """The settings for a store that knows buckets by host names only."""
    store.bucket_in_host = bucket.settings.bucket
    port = urlsplit(store.url).port
    return bucket.settings.model_copy(update={"endpoint": f"http://oss.case.test:{port}"})


async def test_a_store_with_virtual_hosts_only_is_told_of(virtual: S3Settings, opened: Opener) -> None:
    with pytest.raises(StoreUnreachable, match="SecondLevelDomainForbidden: Please use virtual") as caught:
        await opened(virtual).list()
    assert "s3.addressing_style: virtual" in caught.value.advice


def configure(home: Path, monkeypatch: pytest.MonkeyPatch, style: str) -> None:
    (home / ".aws").mkdir()
    (home / ".aws/config").write_text(f"[profile oss]\ns3 =\n    addressing_style = {style}\n")
    monkeypatch.setenv("AWS_PROFILE", "oss")


async def test_the_style_of_the_aws_configuration_counts(
    virtual: S3Settings, opened: Opener, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, monkeypatch, "virtual")
    catalogue = opened(virtual)
    assert [backup.key for backup in await catalogue.list()] == [NEWER, OLDER]
    url = catalogue.presign(NEWER)
    assert urlsplit(url).hostname == f"{virtual.bucket}.oss.case.test"
    assert await asyncio.to_thread(get, url) == (200, CONFIG)


async def test_the_style_of_the_inventory_wins(
    virtual: S3Settings, opened: Opener, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, monkeypatch, "path")
    style = {"addressing_style": AddressingStyle.VIRTUAL}
    assert len(await opened(virtual.model_copy(update=style)).list()) == 2


async def test_a_style_that_there_is_none_of_is_named(
    virtual: S3Settings, opened: Opener, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(home, monkeypatch, "vhost")
    with pytest.raises(CallError, match=r"AWS configuration cannot be read: .*vhost"):
        await opened(virtual).list()


@pytest.mark.parametrize(
    ("endpoint", "style", "configured", "expected"),
    [
        (None, None, None, "auto"),
        ("https://s3.example.com", None, None, "path"),
        ("https://s3.example.com", None, {"max_queue_size": "5"}, "path"),
        ("https://s3.example.com", None, {"addressing_style": "virtual"}, "virtual"),
        ("https://s3.example.com", None, {"addressing_style": "auto"}, "auto"),
        ("https://s3.example.com", AddressingStyle.AUTO, {"addressing_style": "path"}, "auto"),
        (None, AddressingStyle.PATH, None, "path"),
    ],
)
def test_who_decides_on_the_style(
    endpoint: str | None, style: AddressingStyle | None, configured: object, expected: str
) -> None:
    s3 = S3Settings(bucket="backups", endpoint=endpoint, addressing_style=style)
    assert addressing_style(s3, configured) == expected


async def test_an_endpoint_of_the_aws_configuration_is_named_in_errors(
    store: Peculiar, opened: Opener, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", store.url)
    with pytest.raises(StoreUnreachable, match=f"no bucket missing at {store.url}"):
        await opened(S3Settings(bucket="missing", region="us-east-1")).list()
