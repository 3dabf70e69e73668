"""S3 itself, through boto3. It blocks, so it is only called in the catalogue's threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from loomtui.backups.compression import CHUNK
from loomtui.backups.failures import changed, not_s3, translate
from loomtui.errors import LoomtuiError, StoreUnreachable
from loomtui.inventory.model import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

CONNECT_SECONDS = 10
#: The longest silence of S3 in the middle of an answer.
READ_SECONDS = 30
#: How often one request is tried, and how often a broken transfer is taken up again without progress.
ATTEMPTS = 4
#: The pause before a broken transfer is taken up again; the second and third time four and sixteen times as
#: long. botocore tries each request several times, with pauses of its own.
RESUME_SECONDS = 0.5
#: Objects asked for at once; S3 gives no more.
PAGE_SIZE = 1000
#: S3 signs no longer than this (Signature Version 4).
MAX_PRESIGN_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True)
class StoredObject:
    key: str
    size: int
    etag: str  # as S3 gives it, with its quotes
    modified: datetime  # UTC


class Store:
    """One bucket. Every method raises LoomtuiError with a sentence, never botocore's exceptions."""

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._lock = threading.Lock()
        self._made: S3Client | None = None

    def objects(self) -> Iterator[StoredObject]:
        """Every object below the prefix, except the marks of folders, page by page."""
        try:
            pages = self._client().get_paginator("list_objects_v2")
            for page in pages.paginate(
                Bucket=self._s3.bucket, Prefix=self._s3.prefix, PaginationConfig={"PageSize": PAGE_SIZE}
            ):
                if "Name" not in page and "IsTruncated" not in page:
                    raise not_s3(self._s3)  # a web page, say
                for entry in page.get("Contents", []):
                    if not entry["Key"].endswith("/"):
                        yield _stored(entry["Key"], entry["Size"], entry["ETag"], entry["LastModified"])
        except Exception as error:
            raise translate(error, self._s3) from error

    def head(self, key: str) -> StoredObject:
        try:
            response = self._client().head_object(Bucket=self._s3.bucket, Key=key)
        except Exception as error:
            raise translate(error, self._s3, key=key) from error
        return _stored(key, response["ContentLength"], response["ETag"], response["LastModified"])

    def range(self, key: str, etag: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on, of exactly this version."""
        try:
            answer = self._get(key, etag, f"bytes={start}-{start + length - 1}")
            with closing(answer["Body"]) as body:
                return body.read(length)
        except Exception as error:
            raise translate(error, self._s3, key=key) from error

    def read(self, key: str, etag: str, size: int | None, stop: threading.Event) -> Iterator[bytes]:
        """All bytes of exactly this version. A transfer that breaks goes on where it broke.

        Ends early, with LoomtuiError, once `stop` is set.
        """
        done = failures = 0
        while size is None or done < size:
            try:
                for chunk in self._from(key, etag, done):
                    done += len(chunk)
                    failures = 0
                    yield chunk
                    if stop.is_set():
                        raise LoomtuiError("reading was given up")
                if size is not None and done < size:
                    raise StoreUnreachable(f"S3 ended the transfer at byte {done:,} of {size:,}")
                return
            except Exception as error:
                failures += 1
                failure = translate(error, self._s3, key=key)
                hopeless = not isinstance(failure, StoreUnreachable) or done == 0
                if hopeless or failures >= ATTEMPTS or stop.is_set():
                    raise failure from error
                stop.wait(RESUME_SECONDS * 4 ** (failures - 1))

    def presign(self, key: str, seconds: int) -> str:
        try:
            return self._client().generate_presigned_url(
                "get_object",
                Params={"Bucket": self._s3.bucket, "Key": key},
                ExpiresIn=max(1, min(seconds, MAX_PRESIGN_SECONDS)),
                HttpMethod="GET",
            )
        except Exception as error:
            raise translate(error, self._s3, key=key) from error

    def close(self) -> None:
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _from(self, key: str, etag: str, start: int) -> Iterator[bytes]:
        answer = self._get(key, etag, f"bytes={start}-" if start else None)
        with closing(answer["Body"]) as body:
            while chunk := body.read(CHUNK):
                yield chunk

    def _get(self, key: str, etag: str, wanted: str | None) -> GetObjectOutputTypeDef:
        byte_range: dict[str, str] = {"Range": wanted} if wanted else {}
        answer = self._client().get_object(Bucket=self._s3.bucket, Key=key, IfMatch=etag, **byte_range)  # type: ignore[arg-type]
        if answer.get("ETag") != etag:  # a store that does not know If-Match
            answer["Body"].close()
            raise changed(key)
        return answer

    def _client(self) -> S3Client:
        with self._lock:
            if self._made is None:
                self._made = _connect(self._s3)
            return self._made


def _connect(s3: S3Settings) -> S3Client:
    """boto3 takes a third of a second to import, so this happens only when it is needed."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(profile_name=s3.profile, region_name=s3.region)
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        signature_version="s3v4",
        s3={"addressing_style": "path" if s3.endpoint else "auto"},
        max_pool_connections=16,
        tcp_keepalive=True,
        # Stores other than AWS do not know the checksums of 2025; damage is found by the archive's own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    region = session.region_name or ("us-east-1" if s3.endpoint else None)
    return session.client("s3", endpoint_url=s3.endpoint, region_name=region, config=config)


def _stored(key: str, size: int, etag: str, modified: datetime) -> StoredObject:
    return StoredObject(key, size, etag, modified.astimezone(UTC))
