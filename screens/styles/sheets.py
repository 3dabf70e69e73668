"""The style sheets, in the order in which a later one wins."""

from __future__ import annotations

from pathlib import Path, PurePath

_NAMES = ("frame", "widgets", "dialogs", "restore", "plain")
STYLE_SHEETS: list[str | PurePath] = [str(Path(__file__).parent / f"{name}.tcss") for name in _NAMES]
