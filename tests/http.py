"""What a plain HTTP client gets: for URLs that are meant for such clients."""

from __future__ import annotations

from collections.abc import Mapping

import urllib3

_SECONDS = 30.0


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body. Raises urllib3.exceptions.HTTPError."""
    answer = urllib3.request("GET", url, headers=headers, timeout=_SECONDS, retries=False)
    return answer.status, answer.data
