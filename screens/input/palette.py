"""The command palette: every action that is possible now, with its key, and the themes."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from screens.input import keys
from screens.settings import THEME_NAMES


class ActionCommands(Provider):
    """The actions of the screen below the palette, and those of the app."""

    async def discover(self) -> Hits:
        for key, node in self._actions():
            yield DiscoveryHit(_shown(key), partial(self.app.run_action, key.action, node), text=key.tooltip)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, node in self._actions():
            score = max(matcher.match(key.tooltip), matcher.match(key.label))
            if score > 0:
                yield Hit(
                    score, _shown(key), partial(self.app.run_action, key.action, node), text=key.tooltip
                )

    def _actions(self) -> Iterator[tuple[keys.Key, DOMNode]]:
        said: set[str] = set()
        for active in self.screen.active_bindings.values():
            key = keys.by_id(active.binding.id or "")
            if key is not None and active.enabled and key.id not in said | keys.MOVING:
                said.add(key.id)
                yield key, active.node


class ThemeCommands(Provider):
    """Each theme by its name."""

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for name in THEME_NAMES:
            text = f"Theme: {name}"
            score = matcher.match(text)
            if score > 0:
                take = partial(self.app.run_action, f"app.take_theme('{name}')")
                yield Hit(score, Content(text), take, text=text)


def _shown(key: keys.Key) -> Content:
    return Content.assemble(key.tooltip, "  ", (f" {key.name} ", "bold reverse"))
