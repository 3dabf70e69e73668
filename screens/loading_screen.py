"""A screen that fetches what it shows, with one worker and one way to fail."""

from __future__ import annotations

from typing import ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from loomtui.errors import LoomtuiError
from screens import workers
from screens.base import LoomScreen
from screens.input import keys
from screens.modals.text import error_text
from screens.text import content
from screens.text.words import Tone


class LoadingScreen(LoomScreen):
    """`load` fetches in a worker and posts what it gets as messages, which are lost once the screen is gone.

    A `Static` says what is going on, or why nothing came.
    """

    #: What is said meanwhile; `{screen.back}` stands for that key, as in `HELP`.
    LOADING: ClassVar[Content | str] = ""
    #: Where it is said, as a selector.
    NOTE: ClassVar[str] = "#note"

    class Failed(Message):
        def __init__(self, error: LoomtuiError) -> None:
            super().__init__()
            self.error = error

    async def load(self) -> None:
        """Raises LoomtuiError if it cannot be had."""
        raise NotImplementedError

    def begin_loading(self) -> None:
        """Begins from the start, even while it is loading."""
        self.say(keys.fill_key_names(self.LOADING) if isinstance(self.LOADING, str) else self.LOADING)
        workers.start(self, self._load, group="load")

    def say(self, text: Content | str) -> None:
        """A plain string is dimmed."""
        styled = content.line(text, Tone.DIM) if isinstance(text, str) else text
        self.query_one(self.NOTE, Static).update(styled)

    def failed(self, error: LoomtuiError) -> None:
        """Shows why nothing came."""
        self.say(error_text(error))

    async def _load(self) -> None:
        try:
            await self.load()
        except LoomtuiError as error:
            self.post_message(self.Failed(error))

    def on_loading_screen_failed(self, message: Failed) -> None:
        self.failed(message.error)
