"""What is written to a terminal so that it calls its owner. Pure.

OSC 2 and the stack of titles: XTerm Control Sequences (ctlseqs). OSC 9: iTerm2, also WezTerm, kitty, Ghostty.
OSC 777: rxvt-unicode, also foot and VTE as some systems have it. A terminal that does not know one of them
shows nothing, but for the console of Linux, which may write what stands in an OSC on the screen.
"""

from __future__ import annotations

from collections.abc import Mapping

from loomtui.text import clean_line

BELL = "\x07"
#: Puts the window's title on its stack, and takes it from there.
KEEP_TITLE = "\x1b[22;2t"
OWN_TITLE = "\x1b[23;2t"

_NO_SEQUENCES = ("linux", "dumb", "")
_OF_RXVT = ("rxvt", "foot")
_LONGEST = 200  # characters


def knows_titles(environ: Mapping[str, str]) -> bool:
    return environ.get("TERM", "") not in _NO_SEQUENCES


def title(text: str) -> str:
    return f"\x1b]2;{_plain(text)}{BELL}"


def notification(text: str, environ: Mapping[str, str]) -> str:
    """A notification of the desktop; empty where the terminal would write it on the screen."""
    if not knows_titles(environ):
        return ""
    if environ.get("TERM", "").startswith(_OF_RXVT) or "VTE_VERSION" in environ:
        return f"\x1b]777;notify;loomtui;{_plain(text)}{BELL}"
    return f"\x1b]9;loomtui: {_plain(text)}{BELL}"


def _plain(text: str) -> str:
    """On one line, and without what ends a field of OSC 777."""
    return clean_line(text, limit=_LONGEST).replace(";", ",")
