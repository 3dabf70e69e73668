"""The help of a screen: what it shows, and every key that works on it now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from screens.input import keys
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from screens.base import LoomScreen

_KEY_CELLS = 10
_SERVED = "In a browser nothing is saved where loomtui runs, and nobody is asked for passwords or host keys."


def help_text(screen: LoomScreen) -> Content:
    there = _there(screen)
    own = {key: now for key, now in there.items() if key.group != "app" and key.id not in keys.MOVING}
    everywhere = {key: now for key, now in there.items() if key.group == "app"}
    moving = {key: now for key, now in there.items() if key.id in keys.MOVING}
    parts: list[Content | str] = [keys.spoken(screen.HELP), *([_SERVED] if screen.context.served else [])]
    for title, found in (("On this screen", own), ("On every screen", everywhere), ("To move", moving)):
        if found:
            parts += ["", content.text(title, Tone.ACCENT), *_rows(found)]
    return content.lines([*parts, *_names(there)])


def _there(screen: LoomScreen) -> dict[keys.Key, bool]:
    """Each key, and whether it can be used now."""
    found: dict[keys.Key, bool] = {}
    for active in screen.active_bindings.values():
        key = keys.by_id(active.binding.id or "")
        if key is not None:
            found[key] = active.enabled
    return {key: found[key] for key in sorted(found, key=lambda key: keys.place(key.id))}


def _rows(found: dict[keys.Key, bool]) -> Iterator[Content]:
    for key, now in found.items():
        yield content.fact(f"  {key.name}", key.tooltip + ("" if now else "  (not now)"), _KEY_CELLS)


def _names(found: dict[keys.Key, bool]) -> Iterator[Content]:
    """The names of the actions, for those who want other keys."""
    yield content.text("\nOther keys", Tone.ACCENT)
    yield content.text(
        "  In keymap.yml of the configuration folder, a line each: 'health.mark: m'. The actions' names:"
    )
    yield content.text("  " + ", ".join(key.id for key in found), Tone.DIM)
