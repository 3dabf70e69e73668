from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import boto3
import pytest
import pytest_asyncio
from moto.server import ThreadedMotoServer

from loomtui.backups.catalogue import Catalogue
from loomtui.backups.prepared import parts as parts_module
from loomtui.backups.prepared import twins as twins_module
from loomtui.inventory.model import S3Settings
from tests.backups.depot import Depot
from tests.backups.peculiar import Peculiar, peculiar

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """An S3 of the real protocol on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(autouse=True)
def own_cache(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / "cache"))
    return home / "cache/loomtui/archives"


@pytest.fixture
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@dataclass
class Bucket:
    client: S3Client
    settings: S3Settings

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=self.settings.bucket, Key=key, Body=body)


@pytest.fixture(scope="session")
def client(endpoint: str) -> Iterator[S3Client]:
    session = boto3.session.Session("test", "test", region_name="us-east-1")
    made = session.client("s3", endpoint_url=endpoint)
    yield made
    made.close()


@pytest.fixture
def bucket(client: S3Client, endpoint: str, credentials: None) -> Bucket:
    name = f"backups-{uuid4()}"
    client.create_bucket(Bucket=name)
    return Bucket(client, S3Settings(bucket=name, endpoint=endpoint, region="us-east-1"))


Opener = Callable[[S3Settings], Catalogue]


@pytest_asyncio.fixture
async def opened() -> AsyncIterator[Opener]:
    """Opens catalogues, and closes them after the test."""
    made: list[Catalogue] = []

    def make(settings: S3Settings) -> Catalogue:
        made.append(Catalogue(settings))
        return made[-1]

    yield make
    for catalogue in made:
        await catalogue.close()


@pytest.fixture
def catalogue(bucket: Bucket, opened: Opener) -> Catalogue:
    return opened(bucket.settings)


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table a frame, five a part."""
    monkeypatch.setattr(parts_module, "FRAME_BYTES", 4_000)
    monkeypatch.setattr(twins_module, "PART_BYTES", 20_000)


@pytest_asyncio.fixture
async def depot(bucket: Bucket) -> AsyncIterator[Depot]:
    made = Depot(bucket, bucket.settings)
    yield made
    await made.close()


@pytest.fixture
def unruly(bucket: Bucket) -> Iterator[Peculiar]:
    with peculiar(bucket.settings.endpoint or "") as made:
        yield made


@pytest_asyncio.fixture
async def behind(unruly: Peculiar, bucket: Bucket) -> AsyncIterator[Depot]:
    """The same through a store that tells what it was asked, and that can be told to misbehave."""
    made = Depot(bucket, bucket.settings.model_copy(update={"endpoint": unruly.url}))
    yield made
    await made.close()
