"""The bucket for who prepares backups. Everybody else has a Store, which cannot change anything."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC
from io import BytesIO
from typing import IO, TypedDict

from loomtui.backups.etags import plain_etag
from loomtui.backups.failures import changed, is_about_condition, translate
from loomtui.backups.listing import pages
from loomtui.backups.prepared.places import is_manifest, is_part
from loomtui.backups.store import PAGE_SIZE, Store, StoredObject
from loomtui.errors import LoomtuiError, ObjectUnreadable


class _Condition(TypedDict, total=False):
    """The headers of RFC 9110 by which nobody else's object is replaced unseen."""

    IfNoneMatch: str
    IfMatch: str


class WritableStore(Store):
    """Writes and deletes manifests and parts; whatever else it is asked to change, it refuses."""

    def holds(self, key: str, size: int, md5: bytes | None = None) -> bool:
        """Whether an object of this size is there, and with `md5` whether S3 shows that it has these bytes.

        One that may not be looked at counts as none.
        """
        with suppress(ObjectUnreadable):
            there = self._version(key)
            return there.size == size and (md5 is None or there.etag == f'"{md5.hex()}"')
        return False

    def below(self, folder: str) -> Iterator[StoredObject]:
        """Every object whose key begins so, as `objects` gives those below the inventory's prefix."""
        try:
            for page in pages(self._client(), self._s3.bucket, folder, PAGE_SIZE):
                for one in page.get("Contents", []):
                    modified = one["LastModified"].astimezone(UTC)
                    yield StoredObject(one["Key"], one["Size"], plain_etag(one.get("ETag", "")), modified)
        except Exception as error:
            raise translate(error, self._s3) from error

    def put_part(self, key: str, body: IO[bytes], md5: bytes) -> None:
        """`md5` is compared by S3, so that what was damaged on the way is refused."""
        _check(key)
        try:
            self._client().put_object(
                Bucket=self._s3.bucket,
                Key=key,
                Body=body,
                ContentMD5=base64.b64encode(md5).decode(),
                ContentType="application/zstd",
            )
        except Exception as error:
            raise translate(error, self._s3, key=key) from error

    def put_manifest(self, key: str, data: bytes, before: str | None) -> str:
        """Writes it if what is there is still `before` (None: nothing). Gives its ETag.

        Raises ObjectChanged if somebody else wrote there meanwhile. A store that knows no conditions for a
        PUT gets it without.
        """
        _check(key)
        try:
            return self._put(key, data, before, is_conditional=before != "")
        except Exception as error:
            if not is_about_condition(error):
                raise translate(error, self._s3, key=key) from error
        if self._etag_of(key) != before:
            raise changed(key)
        try:
            return self._put(key, data, before, is_conditional=False)
        except Exception as error:
            raise translate(error, self._s3, key=key) from error

    def delete(self, key: str) -> None:
        _check(key)
        try:
            self._client().delete_object(Bucket=self._s3.bucket, Key=key)
        except Exception as error:
            raise translate(error, self._s3, key=key) from error

    def _etag_of(self, key: str) -> str | None:
        with suppress(ObjectUnreadable):
            return self._version(key).etag
        return None

    def _put(self, key: str, data: bytes, before: str | None, *, is_conditional: bool) -> str:
        """Raises botocore's exceptions."""
        condition: _Condition = {}
        if is_conditional:
            condition = {"IfNoneMatch": "*"} if before is None else {"IfMatch": before}
        answer = self._client().put_object(
            Bucket=self._s3.bucket,
            Key=key,
            Body=BytesIO(data),
            ContentType="application/json",
            **condition,
        )
        return plain_etag(answer.get("ETag", ""))


def _check(key: str) -> None:
    if not (is_manifest(key) or is_part(key)):
        raise LoomtuiError("only what loomtui prepared can be written or deleted in S3")
