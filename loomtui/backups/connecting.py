"""The S3 client: whose credentials, which region, how a bucket is addressed, which checksums are sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from loomtui.inventory.model import AddressingStyle, S3Settings

if TYPE_CHECKING:
    from botocore.loaders import Loader
    from mypy_boto3_s3 import S3Client

CONNECT_SECONDS = 10
_AWS_DOMAINS = (".amazonaws.com", ".amazonaws.com.cn")


def connect(s3: S3Settings, *, attempts: int, read_seconds: float) -> S3Client:
    """Raises botocore's exceptions. boto3 takes a third of a second to import, so it is imported here.

    `attempts`: how often one request is tried; `read_seconds`: the longest silence within an answer.
    """
    import boto3
    import botocore.session
    from botocore.config import Config

    core = botocore.session.Session(profile=s3.profile)
    core.register_component("data_loader", _service_descriptions(core.get_config_variable("data_path")))
    session = boto3.session.Session(botocore_session=core, region_name=s3.region)
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        signature_version="s3v4",
        s3={"addressing_style": addressing_style(s3, core.get_config_variable("s3"))},  # type: ignore[arg-type]
        max_pool_connections=16,
        tcp_keepalive=True,
        # Stores other than AWS do not know the checksums of 2025; damage is found by the archive's own.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    region = session.region_name or ("us-east-1" if s3.endpoint else None)
    return session.client("s3", endpoint_url=s3.endpoint, region_name=region, config=config)


@lru_cache
def _service_descriptions(data_path: str | None) -> Loader:
    """One for all clients: S3's own takes 60 ms to read."""
    from botocore.loaders import create_loader

    return create_loader(data_path)


def addressing_style(s3: S3Settings, configured: object) -> str:
    """How requests and presigned URLs name the bucket: in the path, or in the host name.

    `configured` is the section `s3` of the AWS configuration, or None. The inventory wins over it. Where
    neither says anything, a store other than AWS gets the path, which takes no name for each bucket.
    """
    if s3.addressing_style is not None:
        return s3.addressing_style.value
    style = configured.get("addressing_style") if isinstance(configured, Mapping) else None
    return str(style or (AddressingStyle.PATH if s3.endpoint else AddressingStyle.AUTO))


def reached(s3: S3Settings, client: S3Client) -> S3Settings:
    """The settings with the endpoint that counts, where the AWS configuration names one."""
    url = client.meta.endpoint_url
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    if s3.endpoint is not None or host.endswith(_AWS_DOMAINS):
        return s3
    return s3.model_copy(update={"endpoint": url})
