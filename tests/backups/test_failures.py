"""Every way in which S3 can fail: one clear sentence, and the right exit status."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from pathlib import Path

import pytest
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from loomtui.backups import catalogue as module
from loomtui.backups import store
from loomtui.backups.compression import CHUNK
from loomtui.backups.failures import translate
from loomtui.backups.model import Backup
from loomtui.errors import CallError, LoomtuiError, StoreUnreachable
from loomtui.inventory.model import S3Settings
from tests.backups.conftest import Bucket, Opener
from tests.backups.fake_s3 import Answer, Asked, error, serving
from tests.backups.making import tar_with

NOT_S3 = "what answers at http://127.0.0.1:[0-9]+ is not S3"
LISTING = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"


def settings(endpoint: str | None, **more: str) -> S3Settings:
    return S3Settings(bucket="backups", endpoint=endpoint, region=more.get("region", "eu-west-1"))


@pytest.fixture
def once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "ATTEMPTS", 1)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (error(404, "NoSuchBucket"), "there is no bucket backups at http://127.0.0.1"),
        (error(403, "AccessDenied"), "no permission for bucket backups"),
        (error(403, "InvalidAccessKeyId"), "does not know the access key"),
        (error(403, "SignatureDoesNotMatch"), "the secret key is wrong"),
        (error(400, "ExpiredToken"), "the credentials have expired"),
        (error(403, "RequestTimeTooSkewed"), "this machine's clock and S3's are too far apart"),
        (error(503, "SlowDown"), "is overloaded"),
        (error(500, "InternalError"), "is overloaded"),
        (
            error(400, "AuthorizationHeaderMalformed", extra="<Region>us-west-2</Region>"),
            "it is in us-west-2",
        ),
        (error(301, "PermanentRedirect"), "is not in region eu-west-1: S3 does not say which is right"),
        (error(418, "Teapot", "short and \x1b[2Jstout".replace("\x1b", "")), "refuses the request: Teapot"),
        (Answer(200, b"<html><body>Welcome</body></html>"), NOT_S3),
        (Answer(200, b"<html>Welcome<br></html>", {"Content-Type": "text/html; charset=utf-8"}), NOT_S3),
        (Answer(404, b"<html><body>Nothing here</body></html>"), NOT_S3),
    ],
)
async def test_what_s3_answers_becomes_a_sentence(
    opened: Opener, credentials: None, once: None, answer: Answer, sentence: str
) -> None:
    with serving(lambda asked: answer) as url:
        with pytest.raises(StoreUnreachable, match=sentence) as caught:
            await opened(settings(url)).list()
        assert caught.value.exit_status == 4
        assert caught.value.what.isprintable()


@pytest.mark.slow
async def test_a_bucket_that_is_not_there(bucket: Bucket, opened: Opener) -> None:
    with pytest.raises(StoreUnreachable, match="there is no bucket missing"):
        await opened(bucket.settings.model_copy(update={"bucket": "missing"})).list()


async def test_no_credentials(opened: Opener, endpoint: str) -> None:
    with pytest.raises(StoreUnreachable, match="no AWS credentials that work") as caught:
        await opened(settings(endpoint)).list()
    assert "AWS_PROFILE" in caught.value.advice


async def test_half_of_the_credentials(
    opened: Opener, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    with pytest.raises(StoreUnreachable, match="no AWS credentials that work"):
        await opened(settings(endpoint)).list()


async def test_a_profile_that_is_not_there(opened: Opener, endpoint: str) -> None:
    wanted = S3Settings(bucket="backups", endpoint=endpoint, profile="production")
    catalogue = opened(wanted)
    with pytest.raises(CallError, match="there is no AWS profile 'production'") as caught:
        await catalogue.list()
    assert caught.value.exit_status == 2
    with pytest.raises(CallError, match="there is no AWS profile"):
        catalogue.presign("x")


async def test_a_profile_of_the_aws_files_is_used(
    opened: Opener, bucket: Bucket, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    (home / ".aws").mkdir()
    (home / ".aws/credentials").write_text(
        "[drill]\naws_access_key_id = drillkey\naws_secret_access_key = s\n"
    )
    catalogue = opened(bucket.settings.model_copy(update={"profile": "drill"}))
    assert await catalogue.list() == ()
    assert "drillkey" in catalogue.presign("x")


async def test_an_endpoint_that_is_down(opened: Opener, credentials: None, once: None) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(StoreUnreachable, match="cannot be reached") as caught:
            await opened(settings(url)).list()
    assert caught.value.exit_status == 4


async def test_a_name_that_does_not_resolve(opened: Opener, credentials: None, once: None) -> None:
    with pytest.raises(StoreUnreachable, match=r"S3 at http://s3\.invalid cannot be reached"):
        await opened(settings("http://s3.invalid")).list()


async def test_silence_has_a_deadline(
    opened: Opener, credentials: None, once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "READ_SECONDS", 0.2)
    silent = threading.Event()
    with serving(lambda asked: Answer(200, LISTING.encode(), wait=silent)) as url:
        with pytest.raises(StoreUnreachable, match=r"does not answer in time|cannot be reached"):
            await opened(settings(url)).list()
        silent.set()


async def test_each_request_has_a_deadline(
    opened: Opener, credentials: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REQUEST_SECONDS", 0.1)
    monkeypatch.setattr(module, "CHUNK_SECONDS", 0.1)
    silent = threading.Event()
    with serving(lambda asked: Answer(200, LISTING.encode(), {"ETag": '"e"'}, wait=silent)) as url:
        catalogue = opened(settings(url))
        with pytest.raises(StoreUnreachable, match="did not finish within"):
            await catalogue.list()
        with pytest.raises(StoreUnreachable, match="the transfer of x stands still"):
            await anext(catalogue.stream("x", '"e"'))
        silent.set()


async def test_cancelling_a_look_takes_effect_at_once(opened: Opener, credentials: None) -> None:
    silent, arrived = threading.Event(), threading.Event()

    def answer(asked: Asked) -> Answer:
        arrived.set()
        return Answer(200, bytes(CHUNK), {"ETag": '"e"'}, wait=silent)

    with serving(answer) as url:
        look = asyncio.create_task(opened(settings(url)).look(backup_of(bytes(CHUNK))))
        await asyncio.to_thread(arrived.wait, 20)
        began = time.monotonic()
        look.cancel()
        with pytest.raises(asyncio.CancelledError):
            await look
        assert time.monotonic() - began < 1
        silent.set()


def backup_of(stored: bytes) -> Backup:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    return Backup("x", None, now, now, len(stored), '"e"')


class TestBrokenTransfers:
    STORED = tar_with(("loom.yml", "a: 1"), ("node_key.json", "{}"), ("x", b"\1" * 3 * CHUNK))

    @pytest.fixture(autouse=True)
    def quick(self, monkeypatch: pytest.MonkeyPatch, credentials: None) -> None:
        monkeypatch.setattr(store, "RESUME_SECONDS", 0.001)

    async def test_they_are_taken_up_where_they_broke(self, opened: Opener) -> None:
        asked_for = []

        def answer(asked: Asked) -> Answer:
            wanted = asked.headers.get("Range", "bytes=0-")
            asked_for.append(wanted)
            assert asked.headers["If-Match"] == '"e"'
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            body = self.STORED[start:]
            cut = int(1.5 * CHUNK) if len(asked_for) < 3 else None
            status = 206 if start else 200
            return Answer(status, body, {"ETag": '"e"'}, cut_after=cut)

        with serving(answer) as url:
            contents = await opened(settings(url)).look(backup_of(self.STORED))
        assert contents.file_count == 3
        assert asked_for == ["bytes=0-", f"bytes={CHUNK * 3 // 2}-", f"bytes={CHUNK * 3}-"]

    async def test_they_are_given_up_without_progress(self, opened: Opener) -> None:
        count = 0

        def answer(asked: Asked) -> Answer:
            nonlocal count
            count += 1
            start = int(asked.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
            return Answer(
                206 if start else 200,
                self.STORED[start:],
                {"ETag": '"e"'},
                cut_after=0 if start else 2 * CHUNK,
            )

        with serving(answer) as url, pytest.raises(StoreUnreachable, match="in the middle of a"):
            await opened(settings(url)).look(backup_of(self.STORED))
        assert count == store.ATTEMPTS

    async def test_an_object_shorter_than_it_was_listed(self, opened: Opener) -> None:
        def answer(asked: Asked) -> Answer:
            if "Range" in asked.headers:
                return error(416, "InvalidRange")
            return Answer(200, self.STORED[:-1000], {"ETag": '"e"'})

        with serving(answer) as url, pytest.raises(LoomtuiError, match="has changed in S3"):
            await opened(settings(url)).look(backup_of(self.STORED))

    async def test_a_store_without_if_match_is_seen_through(self, opened: Opener) -> None:
        with (
            serving(lambda asked: Answer(200, self.STORED, {"ETag": '"other"'})) as url,
            pytest.raises(LoomtuiError, match="x has changed in S3"),
        ):
            await opened(settings(url)).look(backup_of(self.STORED))

    async def test_an_object_in_an_archive_class(self, opened: Opener) -> None:
        with (
            serving(lambda asked: error(403, "InvalidObjectState")) as url,
            pytest.raises(LoomtuiError, match="Glacier") as caught,
        ):
            await opened(settings(url)).look(backup_of(self.STORED))
        assert "restore-object" in caught.value.advice

    async def test_an_object_that_may_not_be_read(self, opened: Opener) -> None:
        with (
            serving(lambda asked: error(403, "AccessDenied")) as url,
            pytest.raises(StoreUnreachable, match="no permission for x in bucket backups"),
        ):
            await opened(settings(url)).look(backup_of(self.STORED))


class LoginRefreshRequired(aws.BotoCoreError):
    fmt = "sign in again"


@pytest.mark.parametrize(
    ("failure", "kind", "sentence"),
    [
        (aws.ConnectTimeoutError(endpoint_url="x"), StoreUnreachable, "does not answer in time"),
        (aws.ResponseStreamingError(error=OSError("reset")), StoreUnreachable, "in the middle of a transfer"),
        (aws.SSLError(endpoint_url="x", error=OSError("self-signed")), StoreUnreachable, "TLS certificate"),
        (aws.ProxyConnectionError(proxy_url="p"), StoreUnreachable, "the proxy refuses"),
        (aws.TokenRetrievalError(provider="sso", error_msg="old"), StoreUnreachable, "credentials that work"),
        (LoginRefreshRequired(), StoreUnreachable, "credentials that work: sign in again"),
        (ResponseParserError("no XML"), StoreUnreachable, "is not S3"),
        (aws.ConfigParseError(path="~/.aws/config"), CallError, "AWS configuration cannot be read"),
        (LoomtuiError("as it is"), LoomtuiError, "as it is"),
        (ValueError("Invalid endpoint: http://"), CallError, "cannot be asked like this"),
        (RuntimeError("\x1b[2Jodd"), StoreUnreachable, "S3 at AWS: RuntimeError: odd"),
    ],
)
def test_failures_before_any_answer(failure: Exception, kind: type[LoomtuiError], sentence: str) -> None:
    found = translate(failure, settings(None))
    assert type(found) is kind
    assert sentence in found.what
