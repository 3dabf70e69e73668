"""The help of a screen: what it shows, and every key that works on it now."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.content import Content

from screens.input import keys
from screens.input.key import Key
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from screens.framed_screen import FramedScreen

_KEY_CELLS = 10
_SERVED = "In a browser nothing is saved where loomtui runs, and nobody is asked for passwords or host keys."


def help_text(screen: FramedScreen) -> Content:
    active_keys = _active_keys(screen)
    elsewhere = keys.MOVING | {key.id for key in active_keys if key.group in keys.COMMON}
    screen_keys = {key: usable for key, usable in active_keys.items() if key.id not in elsewhere}
    app_keys = {key: usable for key, usable in active_keys.items() if key.group in keys.COMMON}
    moving_keys = {key: usable for key, usable in active_keys.items() if key.id in keys.MOVING}
    parts: list[Content | str] = [
        keys.fill_key_names(screen.HELP),
        *([_SERVED] if screen.frame.served else []),
    ]
    for title, listed_keys in (
        ("On this screen", screen_keys),
        ("On every screen", app_keys),
        ("To move", moving_keys),
    ):
        if listed_keys:
            parts += ["", content.text(title, Tone.ACCENT), *_key_lines(listed_keys)]
    return content.lines([*parts, *_action_names(active_keys)])


def _active_keys(screen: FramedScreen) -> dict[Key, bool]:
    """Each key, and whether it can be used now."""
    active_keys: dict[Key, bool] = {}
    for active_binding in screen.active_bindings.values():
        key = keys.by_id(active_binding.binding.id or "")
        if key is not None:
            active_keys[key] = active_binding.enabled
    return {key: active_keys[key] for key in sorted(active_keys, key=lambda key: keys.position(key.id))}


def _key_lines(active_keys: dict[Key, bool]) -> Iterator[Content]:
    for key, usable in active_keys.items():
        yield content.fact(f"  {key.name}", key.tooltip + ("" if usable else "  (not now)"), _KEY_CELLS)


def _action_names(active_keys: dict[Key, bool]) -> Iterator[Content]:
    """The names of the actions, for those who want other keys."""
    yield content.text("\nOther keys", Tone.ACCENT)
    yield content.text(
        "  In keymap.yml of the configuration folder, a line each: 'health.mark: m'. The actions' names:"
    )
    yield content.text("  " + ", ".join(key.id for key in active_keys), Tone.DIM)
