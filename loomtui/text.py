"""Text that came from a node, from S3 or from a file is data: here alone it becomes showable."""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # OSC, for example OSC 52, which sets the clipboard
    r"|\x1b[PX^_][^\x1b]*(?:\x1b\\)?"  # DCS, SOS, PM, APC
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # CSI
    r"|\x1b[ -/]*[0-~]?"  # two-character escapes (ECMA-48)
    r"|\x9b[0-?]*[ -/]*[@-~]?"
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def clean(text: str | bytes, *, limit: int = 100_000) -> str:
    """The text without terminal escapes, control characters and bidirectional overrides.

    Newlines and tabs stay. Bytes are read as UTF-8, what is not UTF-8 becomes U+FFFD.
    Longer text than `limit` characters is cut and ends in an ellipsis.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text.replace("\r\n", "\n")))
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_line(text: str | bytes, *, limit: int = 1_000) -> str:
    """`clean`, on one line: newlines and tabs become blanks."""
    return " ".join(clean(text, limit=limit).split("\n")).replace("\t", " ").strip()
