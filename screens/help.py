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
    found = (active for active in screen.active_bindings.values() if active.binding.id)
    there = {str(active.binding.id): active.enabled for active in found}
    for binding_id in sorted(there, key=lambda binding_id: binding_id in keys.MOVING):
        key = keys.by_id(binding_id)
        if key is not None:
            parts.append(
                content.fact(f"  {key.name}", key.tooltip + ("" if there[binding_id] else "  (not now)"), 10)
            )
    return content.lines(parts)
