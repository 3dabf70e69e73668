"""What loomtui relies on, tried against one server.

Each case says what the server does, and fails if loomtui does not cope with it.
"""

from __future__ import annotations

import asyncio
import base64
import re
import time
import zlib
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session

from loomtui.backups import store as store_module
from loomtui.backups.catalogue import Catalogue
from loomtui.backups.model import BackupKind, Compression
from loomtui.backups.prepared.preparations import Preparations
from loomtui.backups.prepared.preparing import Preparation
from loomtui.errors import LoomtuiError, ObjectChanged, ObjectUnreadable, StoreUnreachable
from loomtui.inventory.model import AddressingStyle, S3Settings
from tests.backups.making import data_tar, pack, tar_with
from tests.backups.manifests import AUTHOR
from tests.http import get
from tests.stores.names import names_below
from tests.stores.servers import REGION, Server

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "loom-backups"
KEY = "nightly/2026-11-28--010000-n1.tar.gz"
OTHER_KEY = "nightly/2026-11-27--010000-n1+é ü.tar.gz"
BODY = pack(tar_with(("loom.yml", "a: 1"), ("genesis.json", '{"contracts": []}')), Compression.GZIP)
_PART = 5 * 1024**2
_UP_SECONDS = 120


@dataclass
class Tried:
    """One server, and a bucket in it."""

    server: Server
    client: S3Client

    def settings(self, **changes: Any) -> S3Settings:
        own = {"bucket": BUCKET, "endpoint": self.server.endpoint, "region": REGION, "prefix": "nightly/"}
        return S3Settings.model_validate({**own, **changes})

    def keys(self, access: str = "", secret: str = "") -> AbstractContextManager[Any]:
        """The credentials that loomtui finds."""
        values = {
            "AWS_ACCESS_KEY_ID": access or self.server.access_key,
            "AWS_SECRET_ACCESS_KEY": secret or self.server.secret_key,
        }
        return patch.dict("os.environ", values)


def tried(server: Server) -> Tried:
    """With the archive in it that the cases look at."""
    client = raw_client(server)
    _insist(lambda: client.create_bucket(Bucket=BUCKET))
    for key in (KEY, OTHER_KEY):
        _insist(lambda key=key: client.put_object(Bucket=BUCKET, Key=key, Body=BODY))  # type: ignore[misc]
    return Tried(server, client)


def _insist(act: Callable[[], object]) -> None:
    """A server that answers is not up as a whole yet: what lies behind it comes later."""
    end = time.monotonic() + _UP_SECONDS
    while True:
        try:
            act()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500 or time.monotonic() > end:
                raise
            time.sleep(1)  # there is nothing else to wait for
        else:
            return


def raw_client(server: Server, checksums: str = "when_required", region: str = REGION) -> S3Client:
    config = Config(
        request_checksum_calculation=checksums,  # type: ignore[arg-type]
        response_checksum_validation=checksums,  # type: ignore[arg-type]
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    session = boto3.session.Session(server.access_key, server.secret_key, region_name=region)
    return session.client("s3", endpoint_url=server.endpoint, config=config)


# ── what is there ───────────────────────────────────────────────────────────────────────────────────────────


async def listing(store: Tried) -> str:
    """A listing in pages, with a key that has to be encoded."""
    with store.keys(), patch.object(store_module, "PAGE_SIZE", 1):
        catalogue = Catalogue(store.settings())
        keys = [backup.key for backup in await catalogue.list()]
        await catalogue.close()
    assert sorted(keys) == sorted((KEY, OTHER_KEY)), keys
    page = store.client.list_objects_v2(Bucket=BUCKET, MaxKeys=1)
    return "in pages, with tokens" if page.get("NextContinuationToken") else "in pages, without tokens"


async def reading(store: Tried) -> str:
    with store.keys():
        catalogue = Catalogue(store.settings())
        for backup in await catalogue.list():
            assert (await catalogue.guess(backup)).kind is BackupKind.CONFIG
            contents = await catalogue.look(backup, fresh=True)
            assert contents.backup.etag == (await catalogue.find(backup.key)).etag
        await catalogue.close()
    return f"ETag {_shown(store.client.head_object(Bucket=BUCKET, Key=KEY)['ETag'])}"


async def multipart(store: Tried) -> str:
    key = "parts/2026-11-28--010000-n1.tar"
    body = tar_with(("loom.yml", "a: 1"), ("genesis.json", '{"contracts": []}'), ("x", bytes(_PART)))
    upload = store.client.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    parts = [
        {
            "PartNumber": number,
            "ETag": store.client.upload_part(
                Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=number, Body=part
            )["ETag"],
        }
        for number, part in ((1, body[:_PART]), (2, body[_PART:]))
    ]
    store.client.complete_multipart_upload(
        Bucket=BUCKET,
        Key=key,
        UploadId=upload,
        MultipartUpload={"Parts": parts},  # type: ignore[typeddict-item]
    )
    with store.keys():
        catalogue = Catalogue(store.settings(prefix="parts/"))
        (backup,) = await catalogue.list()
        contents = await catalogue.look(backup, fresh=True)
        await catalogue.close()
    assert contents.backup.size_bytes == len(body)
    return f"ETag {_shown(backup.etag)}"


async def preparing(store: Tried) -> str:
    """A manifest and a twin are written, found, replaced and removed; then what a conditional PUT gets."""
    settings, key = store.settings(prefix="prepared/"), "prepared/2026-11-28--010000-n1.tar.gz"
    manifest = f"{key}.loomtui.json"
    with store.keys():
        catalogue = Catalogue(settings)
        preparations = Preparations(catalogue, settings, lambda: AUTHOR)
        for body in (pack(data_tar(("app.db/000007.ldb", text)), Compression.GZIP) for text in ("a", "b")):
            store.client.put_object(Bucket=BUCKET, Key=key, Body=body)
            (backup,) = await catalogue.list()
            done = await preparations.prepare(backup, lambda _done, _total: None, twin=True)
            assert (done.preparation, done.has_twin) == (Preparation.PREPARED, True), done
            await catalogue.list()
            found = await catalogue.prepared.find(backup)
            assert found is not None
            assert found.manifest.twin is not None
        refusals = [
            _code(lambda: store.client.put_object(Bucket=BUCKET, Key=manifest, Body=b"x", IfNoneMatch="*")),
            _code(lambda: store.client.put_object(Bucket=BUCKET, Key=manifest, Body=b"x", IfMatch='"00"')),
        ]
        store.client.delete_object(Bucket=BUCKET, Key=key)
        gone = await preparations.prunable()
        assert [one.key for one in gone.manifests] == [manifest]
        await preparations.prune(gone)
        assert (await preparations.prunable()).manifests == ()
        preparations.close()
        await catalogue.close()
    return f"If-None-Match of what is there {refusals[0]}, If-Match of another {refusals[1]}"


# ── versions ────────────────────────────────────────────────────────────────────────────────────────────────


async def if_match(store: Tried) -> str:
    etag = store.client.head_object(Bucket=BUCKET, Key=KEY)["ETag"]
    tags = {"right": etag, "weak": f"W/{etag}", "other": '"0123456789abcdef0123456789abcdef"'}
    return ", ".join(f"{name} {_get_status(store.client, tag)}" for name, tag in tags.items())


async def changed(store: Tried) -> str:
    key = "changed/2026-11-28--010000-n1.tar.gz"
    store.client.put_object(Bucket=BUCKET, Key=key, Body=BODY)
    with store.keys():
        catalogue = Catalogue(store.settings(prefix="changed/"))
        (backup,) = await catalogue.list()
        store.client.put_object(Bucket=BUCKET, Key=key, Body=BODY + bytes(1))
        for act in (catalogue.look(backup, fresh=True), catalogue.check(key, backup.etag, backup.size_bytes)):
            with pytest.raises(ObjectChanged):
                await act
        await catalogue.close()
    return "refused"


async def presigned(store: Tried) -> str:
    """As a node fetches it: If-Match is a header that is not signed."""
    etag = store.client.head_object(Bucket=BUCKET, Key=KEY)["ETag"]
    with store.keys():
        url = _presigned(store.settings())
    assert await asyncio.to_thread(_fetch, url) == (200, BODY)
    right, _ = await asyncio.to_thread(_fetch, url, etag)
    other, _ = await asyncio.to_thread(_fetch, url, '"0123456789abcdef0123456789abcdef"')
    return f"with If-Match: right {right}, other {other}"


# ── names, checksums ────────────────────────────────────────────────────────────────────────────────────────


async def virtual_hosts(store: Tried) -> str:
    if not store.server.domain:
        return "not tried: it has no domain"
    place = urlsplit(store.server.endpoint)
    settings = store.settings(
        endpoint=f"http://{store.server.domain}:{place.port}", addressing_style=AddressingStyle.VIRTUAL
    )
    with store.keys(), names_below(store.server.domain, place.hostname or ""):
        catalogue = Catalogue(settings)
        assert len(await catalogue.list()) == 2
        await catalogue.close()
        url = _presigned(settings)
        assert urlsplit(url).hostname == f"{BUCKET}.{store.server.domain}"
        assert await asyncio.to_thread(_fetch, url) == (200, BODY)
    return "yes, presigned URLs too"


async def new_checksums(store: Tried) -> str:
    """What an SDK of 2025 sends unasked; loomtui does not."""
    client = raw_client(store.server, checksums="when_supported")
    try:
        client.put_object(Bucket=BUCKET, Key="checksums/x", Body=BODY)
        body = client.get_object(Bucket=BUCKET, Key="checksums/x")["Body"].read()
    except ClientError as error:
        return f"refused: {error.response['Error'].get('Code')}"
    return "taken" if body == BODY else "taken, but the object keeps the framing of its upload"


async def trailing_checksum(store: Tried) -> str:
    """How SDKs of 2025 upload over HTTPS: framed, with the checksum behind the body."""
    key = "framed/2026-11-28--010000-n1.tar.gz"
    if refusal := await asyncio.to_thread(_upload_framed, store.server, key):
        return f"refused: {refusal}"
    with store.keys():
        catalogue = Catalogue(store.settings(prefix="framed/"))
        (backup,) = await catalogue.list()
        guessed = await catalogue.guess(backup)
        await catalogue.close()
    if guessed.kind is BackupKind.CONFIG:
        return "taken"
    assert guessed.fault is not None
    assert "aws-chunked" in guessed.fault.reason
    return "taken, but the framing is left in the object"


# ── refusals ────────────────────────────────────────────────────────────────────────────────────────────────


async def no_key(store: Tried) -> str:
    error = await _refused(store, ObjectUnreadable, lambda catalogue: catalogue.find("nightly/none"))
    assert "there is no nightly/none" in error.what
    return _code(lambda: store.client.get_object(Bucket=BUCKET, Key="none"))


async def no_bucket(store: Tried) -> str:
    error = await _refused(store, StoreUnreachable, lambda catalogue: catalogue.list(), bucket="no-such-one")
    assert "there is no bucket no-such-one" in error.what
    return _code(lambda: store.client.list_objects_v2(Bucket="no-such-one"))


async def wrong_secret(store: Tried) -> str:
    return await _with_keys(store, store.server.access_key, "wrong")


async def unknown_key(store: Tried) -> str:
    return await _with_keys(store, "nobody", "wrong")


async def other_region(store: Tried) -> str:
    """Whatever it answers, it becomes a sentence."""
    try:
        with store.keys():
            catalogue = Catalogue(store.settings(region="eu-west-7"))
            await catalogue.list()
            await catalogue.close()
    except StoreUnreachable:
        client = raw_client(store.server, region="eu-west-7")
        return f"refused: {_code(lambda: client.list_objects_v2(Bucket=BUCKET))}"
    return "any is taken"


async def range_past_end(store: Tried) -> str:
    return _code(lambda: store.client.get_object(Bucket=BUCKET, Key=KEY, Range="bytes=1000000-"))


Case = Callable[[Tried], Awaitable[str]]

#: In words, for the table of docs/stores.md.
CASES: Mapping[str, Case] = {
    "listing": listing,
    "ETag of a plain upload": reading,
    "ETag of an upload in parts": multipart,
    "preparing a backup": preparing,
    "GET with `If-Match`: the right ETag, the same as a weak one, another": if_match,
    "an object that changed since it was listed": changed,
    "presigned URL": presigned,
    "bucket in the host name": virtual_hosts,
    "checksums that SDKs send since 2025": new_checksums,
    "upload in chunks with its checksum behind them": trailing_checksum,
    "key that is not there": no_key,
    "bucket that is not there": no_bucket,
    "wrong secret": wrong_secret,
    "unknown access key": unknown_key,
    "another region": other_region,
    "range behind the end": range_past_end,
}


def _presigned(settings: S3Settings) -> str:
    return Catalogue(settings).presign(KEY)


def _fetch(url: str, etag: str = "") -> tuple[int, bytes]:
    return get(url, {"If-Match": etag} if etag else None)


def _upload_framed(server: Server, key: str) -> str:
    """The code with which it is refused, or nothing."""
    checksum = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()
    framed = b"%x\r\n%s\r\n0\r\nx-amz-checksum-crc32:%s\r\n\r\n" % (len(BODY), BODY, checksum.encode())
    headers = {
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(len(BODY)),
        "X-Amz-Trailer": "x-amz-checksum-crc32",
    }
    request = AWSRequest("PUT", f"{server.endpoint}/{BUCKET}/{key}", headers, framed)
    request.context["checksum"] = {"request_algorithm": {"in": "trailer", "algorithm": "crc32"}}
    S3SigV4Auth(Credentials(server.access_key, server.secret_key), "s3", REGION).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    if answer.status_code == 200:
        return ""
    code = re.search(rb"<Code>(\w+)</Code>", answer.content)
    return f"{code[1].decode() if code else ''} ({answer.status_code})"


def _get_status(client: S3Client, etag: str) -> int:
    try:
        client.get_object(Bucket=BUCKET, Key=KEY, IfMatch=etag)
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]
    return 200


async def _with_keys(store: Tried, access: str, secret: str) -> str:
    with store.keys(access, secret):
        catalogue = Catalogue(store.settings())
        try:
            await catalogue.list()
        except StoreUnreachable:
            client = raw_client(replace(store.server, access_key=access, secret_key=secret))
            return _code(lambda: client.list_objects_v2(Bucket=BUCKET))
        finally:
            await catalogue.close()
    return "not checked"


async def _refused(
    store: Tried, kind: type[LoomtuiError], ask: Callable[[Catalogue], Awaitable[Any]], **changes: Any
) -> LoomtuiError:
    with store.keys():
        catalogue = Catalogue(store.settings(**changes))
        with pytest.raises(kind) as caught:
            await ask(catalogue)
        await catalogue.close()
    return caught.value


def _code(ask: Callable[[], Any]) -> str:
    """The code and HTTP status with which the server refuses."""
    try:
        ask()
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"{error.response['Error'].get('Code')} ({status})"
    return "given"


def _shown(etag: str) -> str:
    """Its form alone, so that the table does not change with the bytes."""
    digits = "".join("x" if char in "0123456789abcdef" else char for char in etag)
    return f"`{digits.replace('x' * 32, 'MD5').replace('-x', '-PARTS')}`"
