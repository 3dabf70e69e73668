"""Marked secrets, and the texts with which they come to where secrets are: the operator, nodes, S3."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
from collections.abc import Callable, Mapping

import boto3

from loomtui.drill.store import BUCKET, REGION

ACCESS_KEY = "AKIAMARKEDACCESSKEY7"
SECRET_KEY = "MarkedSecret/Key+With=Signs0123456789abc"
TOKEN = "MarkedSessionToken//FwoGZXIvYXdzEB+marked=="
HSM, REDIS, UNIT = "marked-hsm-p4ssw0rd", "marked-redis-p4ssw0rd", "marked-unit-t0ken"

#: What lets somebody into S3, by what it is.
S3_SECRETS = {"access key": ACCESS_KEY, "secret key": SECRET_KEY, "session token": TOKEN}
OPERATORS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_SESSION_TOKEN": TOKEN,
}
HSM_YML = f"""
HsmConfig:
  HsmEnabled: false
  HsmAuthPassword: "{HSM}"
"""
REDIS_YML = f"""EventDispatcher:
  Redis:
    URI: "redis://:{REDIS}@127.0.0.1:6379"
"""
UNIT_NAME = "API_TOKEN"
#: The line for a unit's [Service].
UNIT_LINE = f'Environment="{UNIT_NAME}={UNIT}"'

_PACK: Mapping[str, Callable[[bytes], bytes]] = {"bz2": bz2.compress, ".gz": gzip.compress}


def mark_backups(endpoint: str, addition: str) -> None:
    """Puts the text at the end of every loom.yml that is in S3."""
    s3 = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="practice",
        aws_secret_access_key="practice",
    )
    for stored in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        key = stored["Key"]
        pack = _PACK.get(key[-3:])
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        if pack is not None and (changed := _with_addition(body, addition)) is not None:
            s3.put_object(Bucket=BUCKET, Key=key, Body=pack(changed))


def _with_addition(body: bytes, addition: str) -> bytes | None:
    out, found = io.BytesIO(), False
    with tarfile.open(fileobj=io.BytesIO(body)) as old, tarfile.open(fileobj=out, mode="w") as new:
        for member in old:
            file = old.extractfile(member) if member.isreg() else None
            data = file.read() if file else b""
            if member.name.rpartition("/")[2] == "loom.yml":
                found, data = True, data + addition.encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data) if file else None)
    return out.getvalue() if found else None
