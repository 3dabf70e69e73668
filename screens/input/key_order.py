"""Deals with keys one after the other, as they were typed.

Textual hands a key to what has the focus. From there the key climbs up to the app, and only there Textual
sees what it is bound to. A key typed right behind it would be handed over before that, to what had the focus
then. So if a name is typed behind the key that opens its dialog, letters would be lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from textual.events import Key, Paste

if TYPE_CHECKING:
    from textual.app import App
    from textual.dom import DOMNode

#: What is pasted is typed, too.
Typed: TypeAlias = Key | Paste

#: A key that is not dealt with by then no longer holds up the others.
_PATIENCE_SECONDS = 5.0


class KeyOrder:
    """`deal` hands a key to what has the focus, as Textual does."""

    def __init__(self, app: App[Any], deal: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._deal = deal
        self._waiting: deque[Typed] = deque()
        self._in_hand: Typed | None = None
        self._since = 0.0

    async def take(self, key: Typed) -> None:
        """Deals with the key as soon as those before it are done."""
        self._waiting.append(key)
        if self._in_hand is None:
            await self._next()
        elif time.monotonic() - self._since > _PATIENCE_SECONDS:
            while self._waiting:
                await self._next()

    async def _next(self) -> None:
        if not self._waiting:
            self._in_hand = None
            return
        key = self._in_hand = self._waiting.popleft()
        self._since = time.monotonic()
        await self._deal(key)
        focus = self._app.focused or self._app.screen
        await self._follow(key, focus.ancestors_with_self)

    async def _follow(self, key: Typed, way: Sequence[DOMNode]) -> None:
        """Climbs behind the key, through the same queues. Once it is at the app, the key is done."""
        for place, node in enumerate(way, 1):
            if node.call_later(self._follow, key, way[place:]):
                return
        if key is self._in_hand:
            await self._next()
