"""The pages of a bucket's listing, from stores that know the second version of the call and from others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from loomtui.backups.failures import is_unknown_call

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ListObjectsOutputTypeDef, ListObjectsV2OutputTypeDef

    Page = ListObjectsOutputTypeDef | ListObjectsV2OutputTypeDef


def pages(client: S3Client, bucket: str, prefix: str, size: int) -> Iterator[Page]:
    """Raises botocore's exceptions. `size` is how many objects are asked for at once.

    A store that does not know `list-type=2` refuses it, or gives the first version's answer: that one has no
    token to go on with, and would end after the first page. From there on the first version is asked.
    """
    last = ""
    try:
        second = client.get_paginator("list_objects_v2")
        for page in second.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": size}):
            yield page
            last = page["Contents"][-1]["Key"] if page.get("Contents") else last
            if page.get("IsTruncated") and not page.get("NextContinuationToken"):
                break
        else:
            return
    except Exception as error:
        if last or not is_unknown_call(error):
            raise
    yield from _first_version(client, bucket, prefix, size, last)


def _first_version(client: S3Client, bucket: str, prefix: str, size: int, after: str) -> Iterator[Page]:
    first = client.get_paginator("list_objects")
    config = {"PageSize": size}
    if after:
        yield from first.paginate(Bucket=bucket, Prefix=prefix, Marker=after, PaginationConfig=config)  # type: ignore[call-arg,arg-type]
    else:
        yield from first.paginate(Bucket=bucket, Prefix=prefix, PaginationConfig=config)  # type: ignore[arg-type]
