"""The help of a screen: what it shows, and every key that works on it now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from screens import content, keys
from screens.words import Tone

if TYPE_CHECKING:
    from screens.base import LoomScreen


def help_text(screen: LoomScreen) -> Content:
    parts: list[Content | str] = [screen.HELP, "", content.text("Keys", Tone.ACCENT)]
    said: set[str] = set()
    for active in screen.active_bindings.values():
        key = keys.by_id(active.binding.id or "")
        if key is None or key.id in said:
            continue
        said.add(key.id)
        later = "" if active.enabled else "  (not now)"
        parts.append(content.fact(f"  {key.name}", f"{key.tooltip}{later}", 10))
    return content.lines(parts)
