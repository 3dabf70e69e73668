"""The one way to the operator's clipboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from loomtui.text import clean
from loomtui.wording.quantities import count
from screens.text import content

if TYPE_CHECKING:
    from textual.widget import Widget

#: Bytes. Terminals drop an OSC 52 sequence of more than 100,000 characters as a whole; base64 makes 4 of 3.
MOST = 74_000
#: Bytes: no screen shows as much.
_MOST_CLEANED = 100_000_000


def copy(
    widget: Widget, value: str, subject: str = "the text of this screen", *, alternative: str = ""
) -> None:
    """Sends the text by OSC 52, which works through SSH, and says so. A terminal may refuse it unseen.

    Text that is longer than terminals take is cut at the end of a line. With `otherwise`, which tells a
    better way to get all of it, nothing is copied then.
    """
    text = clean(value, limit=_MOST_CLEANED)
    first_part = beginning(text)
    line_count = count(len(text.splitlines()), "line")
    if first_part == text:
        widget.app.copy_to_clipboard(text)
        content.tell(widget, f"Copied {subject} ({line_count}) to the terminal's clipboard.")
        return
    if alternative:
        content.tell(
            widget,
            f"This is more than a terminal's clipboard takes ({line_count}). {alternative}",
            severity="warning",
        )
        return
    widget.app.copy_to_clipboard(first_part)
    copied_count = count(len(first_part.splitlines()), "line")
    content.tell(
        widget,
        f"Copied the first {copied_count} only of {subject}: {line_count} in all, more than a terminal's "
        "clipboard takes.",
        severity="warning",
    )


def beginning(text: str) -> str:
    """As much of the text as a clipboard takes, in whole lines unless the first line alone is too long."""
    encoded = text.encode()
    if len(encoded) <= MOST:
        return text
    head = encoded[:MOST].decode("utf-8", "ignore")
    return head[: head.rfind("\n") + 1] or head
