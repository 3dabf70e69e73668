"""The same terminal for every screen test, whatever the machine's own is."""

from __future__ import annotations

import os

os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", TEXTUAL_ANIMATIONS="none", TZ="UTC")
