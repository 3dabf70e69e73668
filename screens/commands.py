"""The command palette: every action that is possible now, with its key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.dom import DOMNode

from screens import keys


class ActionCommands(Provider):
    """The actions of the screen below the palette, and those of the app."""

    async def discover(self) -> Hits:
        for key, node in self._actions():
            yield DiscoveryHit(_shown(key), partial(self.app.run_action, key.action, node), text=key.tooltip)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, node in self._actions():
            score = matcher.match(key.tooltip)
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


def _shown(key: keys.Key) -> Content:
    return Content.assemble(key.tooltip, "  ", (f" {key.name} ", "bold reverse"))
