"""The command palette: every action that is possible now, with its key, and the themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from screens.input import keys
from screens.input.key import Key
from screens.settings import THEME_NAMES


class ActionCommands(Provider):
    """The actions of the screen below the palette, and those of the app."""

    async def discover(self) -> Hits:
        for key, node in self._possible_actions():
            yield DiscoveryHit(
                _command_text(key), partial(self.app.run_action, key.action, node), text=key.tooltip
            )

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, node in self._possible_actions():
            score = max(matcher.match(key.tooltip), matcher.match(key.label))
            if score > 0:
                yield Hit(
                    score,
                    _command_text(key),
                    partial(self.app.run_action, key.action, node),
                    text=key.tooltip,
                )

    def _possible_actions(self) -> Iterator[tuple[Key, DOMNode]]:
        listed: set[str] = set()
        for active_binding in self.screen.active_bindings.values():
            key = keys.by_id(active_binding.binding.id or "")
            if key is not None and active_binding.enabled and key.id not in listed | keys.MOVING:
                listed.add(key.id)
                yield key, active_binding.node


class ThemeCommands(Provider):
    """Each theme by its name."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name in THEME_NAMES:
            text = f"Theme: {name}"
            score = matcher.match(text)
            if score > 0:
                action = partial(self.app.run_action, f"app.take_theme('{name}')")
                yield Hit(score, Content(text), action, text=text)


def _command_text(key: Key) -> Content:
    return Content.assemble(key.tooltip, "  ", (f" {key.name} ", "bold reverse"))
