"""Text that came from a node, from S3 or from a file is data. Only here it becomes showable."""

from __future__ import annotations

import re

#: Sequences that hold no text, as logs have them: colours and cursor movements (CSI, ECMA-48 5.4), character
#: sets. Of all others (OSC, DCS …) only the control characters go: what stands in them could be the very line
#: that somebody wants to hide.
_SEQUENCES = re.compile(r"(?:\x1b\[|\x9b)[0-?]{0,32}[ -/]{0,4}[@-~]|\x1b[()][0-9A-Z]")

#: Control characters but newline and tab, and characters that show nothing or turn the direction of a text.
UNSHOWABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)


def clean(text: str | bytes, *, limit: int = 100_000) -> str:
    """The text without terminal escapes, control characters and bidirectional overrides.

    Newlines, tabs and all visible characters stay. Bytes are read as UTF-8; what is not UTF-8 becomes U+FFFD.
    Text that is longer than `limit` characters is cut and ends in an ellipsis.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if len(text) <= limit and text.isprintable():  # nearly all of it, and ten times as fast
        return text
    text = UNSHOWABLE.sub("", _SEQUENCES.sub("", text.replace("\r\n", "\n")))
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_line(text: str | bytes, *, limit: int = 1_000) -> str:
    """`clean`, on one line: newlines and tabs become blanks."""
    return " ".join(clean(text, limit=limit).split("\n")).replace("\t", " ").strip()
