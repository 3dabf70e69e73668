"""ETags: what S3 calls one version of an object, in the one form in which loomtui keeps and compares them.

Stores, and what stands in front of them, write the same tag differently: without quotes, as a weak one
(`W/"…"`, RFC 9110 section 8.8.1; proxies do so that may change the encoding), or with the name of an encoding
behind it (`"…-gzip"`, as Apache's mod_deflate and others do). All of these name the same stored bytes.

A tag goes to the nodes, on a line before a script's text and into a configuration of curl's. S3 could write
anything there, so what has other signs than tags have is no tag.
"""

from __future__ import annotations

import re

_WEAK = re.compile(r"[Ww]/")
_QUOTES = "\"'"
#: Dashes and digits are left alone: a multipart upload's tag ends in the number of its parts.
_ENCODING = re.compile(r"(?:--?|;|:)(?:gzip|br|zstd|deflate|df)$")
_TAG = re.compile(r"[A-Za-z0-9._:+/=-]{1,200}")


def plain_etag(given: str) -> str:
    """The tag as a strong one, in double quotes; empty if S3 gives none that can be one."""
    tag = _WEAK.sub("", given.strip(), count=1) if _WEAK.match(given.strip()) else given.strip()
    bare = _ENCODING.sub("", tag.strip(_QUOTES))
    return f'"{bare}"' if _TAG.fullmatch(bare) else ""
