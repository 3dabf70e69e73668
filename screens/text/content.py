"""Text from elsewhere on its way to a widget.

It is cleaned and becomes `Content`, so that no bracket in it is markup.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from textual.content import Content

from loomtui.loom.config import mask_secrets
from loomtui.text import clean, clean_line
from screens.text.words import Mark, Tone

if TYPE_CHECKING:
    from textual.app import App
    from textual.notifications import SeverityLevel
    from textual.widget import Widget


def text(value: str, tone: Tone = Tone.PLAIN) -> Content:
    return Content.styled(clean(value), tone.value)


def masked(value: str) -> Content:
    """A text of a node's own, which may hold passwords. Their values are not shown."""
    return Content(mask_secrets(clean(value)))


def line(value: str, tone: Tone = Tone.PLAIN) -> Content:
    """The text on one line. Blanks at its ends stay, because they set parts apart."""
    return Content.styled(clean(value, limit=1_000).replace("\n", " ").replace("\t", " "), tone.value)


def mark(value: Mark) -> Content:
    return Content.styled(str(value), value.tone.value)


def lines(parts: Iterable[Content | str]) -> Content:
    """Texts one below the other. A plain string is cleaned."""
    return Content("\n").join([part if isinstance(part, Content) else text(part) for part in parts])


def row(*parts: Content | str) -> Content:
    """Texts one after the other. A plain string is cleaned."""
    return Content.assemble(*(part if isinstance(part, Content) else text(part) for part in parts))


def fact(name: str, value: str | Content, width: int = 12) -> Content:
    """`name value`, with the name dimmed."""
    return row(Content.styled(f"{name:<{width}} ", Tone.DIM.value), value)


#: A text beside a label is never narrower than so many cells: it goes below the label where that has no room.
_LEAST_BESIDE = 24


def beside(label: Content, value: Content | str, width: int) -> Content:
    """The label, and right of it all lines of the value."""
    body = value if isinstance(value, Content) else text(value)
    indent = label.cell_length
    if width - indent < _LEAST_BESIDE:
        indent, first = min(indent, 4), [label]
    else:
        first = []
    rows = [Content.assemble(" " * indent, row) for row in body.wrap(max(_LEAST_BESIDE, width - indent))]
    if not first:
        rows[:1] = [Content.assemble(label, rows[0][indent:])] if rows else [label]
    return Content("\n").join([*first, *rows])


def fact_beside(name: str, value: str | Content, width: int, cells: int = 12) -> Content:
    """As `fact`, laid out for the width."""
    return beside(Content.styled(f"{name:<{cells}} ", Tone.DIM.value), value, width)


def keycap(key: str, meaning: str) -> Content:
    """` x  carry out the step`: the next key, in words."""
    return Content.assemble((f" {key} ", "bold reverse"), " ", (clean_line(meaning), ""))


_DIFF_TONES = (("+++", Tone.DIM), ("---", Tone.DIM), ("@@", Tone.DIM), ("+", Tone.GOOD), ("-", Tone.BAD))


def diff(value: str) -> Content:
    """A unified diff. Its first character and its colour tell what is added and taken away."""
    return lines(text(part, _tone_of(part)) for part in clean(value).rstrip("\n").split("\n"))


def _tone_of(part: str) -> Tone:
    return next((tone for start, tone in _DIFF_TONES if part.startswith(start)), Tone.PLAIN)


def tell(
    widget: App[Any] | Widget, message: str, *, severity: SeverityLevel = "information", seconds: float = 6
) -> None:
    """The only way to a toast: the text is cleaned and never markup."""
    widget.notify(clean_line(message, limit=400), severity=severity, markup=False, timeout=seconds)
