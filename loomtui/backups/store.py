"""S3 itself, through boto3. It blocks, so it is only called in the catalogue's threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loomtui.backups.answers import Version, pieces, version_of
from loomtui.backups.connecting import connect, reached
from loomtui.backups.etags import plain_etag
from loomtui.backups.failures import (
    changed,
    incomplete,
    is_about_condition,
    is_broken_transfer,
    not_s3,
    translate,
    withheld,
)
from loomtui.backups.listing import pages
from loomtui.errors import LoomtuiError, ObjectUnreadable, StoreUnreachable
from loomtui.inventory.model import S3Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

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
    etag: str  # as `plain_etag` writes it: a strong one, with its quotes; empty where S3 gives none
    modified: datetime  # UTC


class Store:
    """One bucket. Every method raises LoomtuiError with a sentence, never botocore's exceptions."""

    def __init__(self, s3: S3Settings) -> None:
        self._s3 = s3
        self._lock = threading.Lock()
        self._made: S3Client | None = None
        #: False once the store has refused the very ETag that it gives: from then on, answers are compared.
        self._knows_if_match = True

    def objects(self) -> Iterator[StoredObject]:
        """Every object below the prefix, except the marks of folders, page by page."""
        try:
            for page in pages(self._client(), self._s3.bucket, self._s3.prefix, PAGE_SIZE):
                if "Name" not in page and "IsTruncated" not in page:
                    raise not_s3(self._s3)  # a web page, say
                for one in page.get("Contents", []):
                    if not one["Key"].endswith("/"):
                        yield _stored(one["Key"], one["Size"], one.get("ETag", ""), one["LastModified"])
        except Exception as error:
            raise translate(error, self._s3) from error

    def answers(self) -> bool:
        """Whether S3 lists the bucket right now, so that what failed was not the way to it."""
        try:
            next(pages(self._client(), self._s3.bucket, self._s3.prefix, 1), None)
        except Exception:  # noqa: BLE001 - whatever it is, the way is not clear
            return False
        return True

    def head(self, key: str) -> StoredObject:
        there = self._version(key)
        if there.size is None or there.modified is None:
            raise incomplete(key)
        return StoredObject(key, there.size, there.etag, there.modified)

    def check(self, key: str, etag: str, size: int) -> None:
        """Raises ObjectUnreadable if the object is not this version any more, or may not be read."""
        self._look_again(key, Version(plain_etag(etag), size))
        if size:
            self.range(key, etag, 0, 1)

    def range(self, key: str, etag: str, start: int, length: int) -> bytes:
        """At most `length` bytes from `start` on, of exactly this version."""
        wanted = Version(plain_etag(etag))
        attempt = 1
        while True:
            try:
                return b"".join(pieces(self._get(key, wanted, start, start + length - 1), start, length))
            except Exception as error:
                if attempt == ATTEMPTS or not is_broken_transfer(error):
                    raise self._of_object(error, key) from error
            attempt += 1
            time.sleep(RESUME_SECONDS)

    def read(self, key: str, etag: str, size: int | None, stop: threading.Event) -> Iterator[bytes]:
        """All bytes of exactly this version. A transfer that breaks goes on where it broke.

        Ends early, with LoomtuiError, once `stop` is set.
        """
        reading = _Reading(Version(plain_etag(etag), size))
        failures = 0
        while size is None or reading.done < size:
            try:
                for chunk in self._rest(key, reading):
                    failures = 0
                    yield chunk
                    if stop.is_set():
                        raise LoomtuiError("reading was given up")
                if size is not None and reading.done < size:
                    raise StoreUnreachable(f"S3 ended the transfer at byte {reading.done:,} of {size:,}")
                break
            except Exception as error:
                failures += 1
                final = _is_final(translate(error, self._s3, key=key))
                if final or not reading.done or failures >= ATTEMPTS or stop.is_set():
                    raise self._of_object(error, key) from error
                stop.wait(RESUME_SECONDS * 4 ** (failures - 1))
        if not self._is_conditional(reading.wanted):
            self._look_again(key, reading.wanted)

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

    def _of_object(self, error: Exception, key: str) -> LoomtuiError:
        """A transfer that breaks off is about its object: S3 has answered."""
        failure = translate(error, self._s3, key=key)
        return withheld(failure, key) if is_broken_transfer(error) else failure

    def _version(self, key: str) -> Version:
        """By a HEAD, or else a GET of the first byte, because only its answer has S3's own words."""
        try:
            answer: Mapping[str, Any] = self._client().head_object(Bucket=self._s3.bucket, Key=key)
        except Exception as error:  # noqa: BLE001 - raised as a LoomtuiError where a GET fails too
            return self._first_byte(key, translate(error, self._s3, key=key))
        return version_of(answer)

    def _first_byte(self, key: str, failure: LoomtuiError) -> Version:
        """`failure` is the one of the HEAD, which is raised where the GET tells no more."""
        try:
            answer = self._client().get_object(Bucket=self._s3.bucket, Key=key, Range="bytes=0-0")
        except Exception as error:
            told = translate(error, self._s3, key=key)
            raise (told if isinstance(told, ObjectUnreadable) else failure) from error
        answer["Body"].close()
        return version_of(answer)

    def _look_again(self, key: str, wanted: Version) -> None:
        if wanted.is_other_than(self._version(key)):
            raise changed(key)

    def _rest(self, key: str, reading: _Reading) -> Iterator[bytes]:
        start = reading.done
        answer = self._get(key, reading.wanted, start)
        if not self._is_conditional(reading.wanted):
            reading.wanted = replace(reading.wanted, modified=version_of(answer).modified)
        for chunk in pieces(answer, start):
            reading.done += len(chunk)
            yield chunk

    def _get(self, key: str, wanted: Version, start: int, end: int | None = None) -> GetObjectOutputTypeDef:
        """Raises botocore's exceptions, and ObjectChanged where the object is another version."""
        more: dict[str, str] = {}
        if start or end is not None:
            more["Range"] = f"bytes={start}-{'' if end is None else end}"
        is_conditional = self._is_conditional(wanted)
        if is_conditional:
            more["IfMatch"] = wanted.etag
        try:
            answer = self._client().get_object(Bucket=self._s3.bucket, Key=key, **more)  # type: ignore[arg-type]
        except Exception as error:
            if not is_conditional or not is_about_condition(error):
                raise
            self._look_again(key, wanted)
            self._knows_if_match = False
            return self._get(key, wanted, start, end)
        if wanted.is_other_than(version_of(answer).by_tag() if is_conditional else version_of(answer)):
            answer["Body"].close()
            raise changed(key)
        return answer

    def _is_conditional(self, wanted: Version) -> bool:
        return self._knows_if_match and bool(wanted.etag)

    def _client(self) -> S3Client:
        with self._lock:
            if self._made is None:
                self._made = connect(self._s3, attempts=ATTEMPTS, read_seconds=READ_SECONDS)
                self._s3 = reached(self._s3, self._made)
            return self._made


@dataclass
class _Reading:
    wanted: Version
    done: int = 0  # bytes that were handed out


def _is_final(failure: LoomtuiError) -> bool:
    """Whether another try cannot help: S3 has answered, and will not answer otherwise."""
    return not isinstance(failure, StoreUnreachable) or isinstance(failure, ObjectUnreadable)


def _stored(key: str, size: int, etag: str, modified: datetime) -> StoredObject:
    return StoredObject(key, size, plain_etag(etag), modified.astimezone(UTC))
