"""What S3 gave for a GET or a HEAD: of which version of the object it is, and its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from loomtui.backups.compression import CHUNK
from loomtui.backups.etags import plain_etag

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_PARTIAL = 206
_TOTAL = re.compile(r"bytes [0-9]{1,20}-[0-9]{1,20}/([0-9]{1,20})", re.ASCII)


@dataclass(frozen=True)
class Version:
    """What tells one version of an object from another. What is None or empty is not known."""

    etag: str  # as `plain_etag` writes it
    size: int | None = None  # bytes
    modified: datetime | None = None  # UTC

    def is_other_than(self, other: Version) -> bool:
        """Whether anything that is known of both differs."""
        pairs = (self.etag, other.etag), (self.size, other.size), (self.modified, other.modified)
        return any(one != two for one, two in pairs if one not in (None, "") and two not in (None, ""))

    def by_tag(self) -> Version:
        return replace(self, size=None, modified=None)


def version_of(answer: GetObjectOutputTypeDef | Mapping[str, Any]) -> Version:
    """As far as the answer tells."""
    size = None if is_partial(answer) else answer.get("ContentLength")
    if total := _TOTAL.fullmatch(answer.get("ContentRange") or ""):
        size = int(total[1])
    modified: datetime | None = answer.get("LastModified")
    return Version(plain_etag(answer.get("ETag") or ""), size, modified and modified.astimezone(UTC))


def is_partial(answer: GetObjectOutputTypeDef | Mapping[str, Any]) -> bool:
    return bool(answer["ResponseMetadata"]["HTTPStatusCode"] == _PARTIAL)


def pieces(answer: GetObjectOutputTypeDef, start: int, length: int | None = None) -> Iterator[bytes]:
    """At most `length` bytes of the object from `start` on, and closes the answer.

    A store that does not know Range gives the whole object, so its beginning is dropped.
    """
    body = answer["Body"]
    try:
        skip = 0 if is_partial(answer) else start
        while skip and (dropped := body.read(min(skip, CHUNK))):
            skip -= len(dropped)
        left = length
        while left != 0 and (chunk := body.read(CHUNK if left is None else min(left, CHUNK))):
            left = None if left is None else left - len(chunk)
            yield chunk
    finally:
        body.close()
