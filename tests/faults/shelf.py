"""What `loomtui backups prepare` has left in the practice S3: looked at, put away, put back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import boto3

from loomtui.backups.prepared import document
from loomtui.backups.prepared.checking import ManifestInvalid
from loomtui.backups.prepared.manifest import Manifest, Part
from loomtui.backups.prepared.places import is_manifest, is_prepared
from loomtui.drill.store import BUCKET, ENVIRONMENT, REGION


class Shelf:
    """Past the proxy. `kept`: manifest and parts of one backup, by key, as they were made once."""

    def __init__(self, endpoint: str) -> None:
        self._client = boto3.client(
            "s3",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=ENVIRONMENT["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        )
        self.kept: Mapping[str, bytes] = {}
        self._originals = self._etags()

    def keep(self) -> None:
        """What is there now is what there will be."""
        self.kept = self.prepared()
        self.clear()

    @contextmanager
    def offered(self) -> Iterator[None]:
        for key, body in self.kept.items():
            self._client.put_object(Bucket=BUCKET, Key=key, Body=body)
        try:
            yield
        finally:
            self.clear()

    def clear(self) -> None:
        for key in self._etags():
            if is_prepared(key):
                self._client.delete_object(Bucket=BUCKET, Key=key)

    def prepared(self) -> dict[str, bytes]:
        return {key: self.get(key) for key in self._etags() if is_prepared(key)}

    def wrong(self) -> Iterator[str]:
        """What must never be: another backup than before, half a manifest, a manifest without its parts."""
        found = self._etags()
        for key, _ in self._originals.items() - found.items():
            yield f"{key} is not what it was"
        prepared = self.prepared()
        for key in filter(is_manifest, prepared):
            try:
                manifest = document.read(prepared[key])
            except ManifestInvalid as error:
                yield f"{key}: {error}"
                continue
            yield from (f"{part.key} is not what {key} says" for part in _not_there(manifest, prepared))

    def _etags(self) -> dict[str, str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
        return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", [])}

    def get(self, key: str) -> bytes:
        body: bytes = self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body


def _not_there(manifest: Manifest, objects: Mapping[str, bytes]) -> Iterator[Part]:
    for part in manifest.twin.parts if manifest.twin else ():
        if hashlib.sha256(objects.get(part.key, b"")).hexdigest() != part.sha256:
            yield part
