"""The themes. No other file names a colour.

Texts that mean something (good, warning, bad) keep a contrast of 4.5:1 with their background, and 7:1 in the
theme of high contrast (WCAG 2.2, 1.4.3 and 1.4.6). The colour-blind theme tells good from bad by blue and
orange, after Okabe and Ito. In each of them every state is also a symbol and a word.
"""

from __future__ import annotations

from rich.color import Color as RichColor
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme


def _theme(name: str, *, dark: bool, ground: str, raised: str, panel: str, text: str, **tones: str) -> Theme:
    """`tones` are primary, accent, good, warn and bad; each is used for text as it is."""
    marked = tones.get("marked") or Color.parse(tones["primary"]).blend(Color.parse(ground), 0.7).hex
    return Theme(
        name,
        primary=tones["primary"],
        secondary=tones["accent"],
        accent=tones["accent"],
        success=tones["good"],
        warning=tones["warn"],
        error=tones["bad"],
        foreground=text,
        background=ground,
        surface=raised,
        panel=panel,
        dark=dark,
        variables={
            "text-primary": tones["primary"],
            "text-secondary": tones["primary"],
            "text-accent": tones["accent"],
            "text-success": tones["good"],
            "text-warning": tones["warn"],
            "text-error": tones["bad"],
            "primary-muted": marked,
            "footer-key-foreground": tones["accent"],
        },
    )


DARK = _theme(
    "dark",
    dark=True,
    ground="#101418",
    raised="#171d23",
    panel="#202a33",
    text="#d9e0e7",
    primary="#6cb0ea",
    accent="#e8b06a",
    good="#7fcf88",
    warn="#ecc452",
    bad="#ff8a84",
)
LIGHT = _theme(
    "light",
    dark=False,
    ground="#fcfcfa",
    raised="#f2f3f0",
    panel="#e2e6e3",
    text="#1b2126",
    primary="#1c5a93",
    accent="#7a3e9d",
    good="#1a6630",
    warn="#7a4f00",
    bad="#a8231b",
    marked="#cfe0f2",
)
HIGH_CONTRAST = _theme(
    "high-contrast",
    dark=True,
    ground="#000000",
    raised="#000000",
    panel="#1a1a1a",
    text="#ffffff",
    primary="#6fcbff",
    accent="#ffb3f7",
    good="#5dff8b",
    warn="#ffe75a",
    bad="#ffaaa3",
    marked="#00406b",
)
COLOUR_BLIND = _theme(
    "colour-blind",
    dark=True,
    ground="#0f1318",
    raised="#161c23",
    panel="#1f2832",
    text="#e2e6ea",
    primary="#b9c4d0",
    accent="#e6a9cf",
    good="#56b4e9",
    warn="#f0e442",
    bad="#ff8f2e",
    marked="#33475c",
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST, COLOUR_BLIND)


class Plain(LineFilter):
    """For NO_COLOR (no-color.org): the terminal's own two colours, and bold, dim, underline and reverse."""

    _COLOURS = Style.from_color(RichColor.parse("default"), RichColor.parse("default"))

    _REVERSE = Style(reverse=True)

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        return [
            Segment(text, None if style is None else self._plain(text, style, background), control)
            for text, style, control in segments
        ]

    def _plain(self, text: str, style: Style, background: Color) -> Style:
        """A blank that only its background told, as in a scroll bar, is reversed."""
        ground = None if style.bgcolor is None or text.strip() else Color.from_rich_color(style.bgcolor)
        plain = style + self._COLOURS
        return plain + self._REVERSE if ground and _unlike(ground, background) else plain


def _unlike(one: Color, other: Color) -> bool:
    return abs(one.brightness - other.brightness) > 0.25
