"""The practice S3: moto's server on an address of its own, filled without going over the network."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC

from loomtui.drill.archives import Upload

BUCKET = "loom-backups"
PREFIX = "nightly/"
REGION = "us-east-1"
ACCOUNT = "123456789012"
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "practice",
    "AWS_SECRET_ACCESS_KEY": "practice",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
}


def start(address: str) -> str:
    """The endpoint's URL."""
    from moto.server import ThreadedMotoServer  # slow to import

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(address, 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def fill(uploads: Sequence[Upload]) -> None:
    """Objects are as old as the backups are."""
    from moto.s3.models import s3_backends

    backend = s3_backends[ACCOUNT]["aws"]
    backend.create_bucket(BUCKET, REGION)
    for upload in uploads:
        stored = backend.put_object(BUCKET, upload.key, upload.body)
        stored.last_modified = upload.taken_at.astimezone(UTC).replace(tzinfo=None)
