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
        self._current: Typed | None = None
        self._current_since = 0.0

    async def take(self, key: Typed) -> None:
        """Deals with the key as soon as those before it are done."""
        self._waiting.append(key)
        if self._current is None:
            await self._deal_next()
        elif time.monotonic() - self._current_since > _PATIENCE_SECONDS:
            while self._waiting:
                await self._deal_next()

    async def _deal_next(self) -> None:
        if not self._waiting:
            self._current = None
            return
        key = self._current = self._waiting.popleft()
        self._current_since = time.monotonic()
        await self._deal(key)
        focused = self._app.focused or self._app.screen
        await self._follow(key, focused.ancestors_with_self)

    async def _follow(self, key: Typed, ancestors: Sequence[DOMNode]) -> None:
        """Climbs behind the key, through the same queues. Once it is at the app, the key is done."""
        for position, node in enumerate(ancestors, 1):
            if node.call_later(self._follow, key, ancestors[position:]):
                return
        if key is self._current:
            await self._deal_next()
