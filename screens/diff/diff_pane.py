"""A text with differences in it: side by side if there is room, else one below the other."""

from __future__ import annotations

from textual import events
from textual.widgets import Static

from screens.context import context_of
from screens.diff.diff_text import ROOM_BESIDE, Page, copied, drawn, has_difference, same
from screens.widgets.pane import Pane


class DiffPane(Pane):
    """Draws again when its width changes. The operator's choice of columns is kept for all screens."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._page: Page = ()
        self._drawn: Page = ()
        self._drawn_for = (0, False)

    @property
    def beside(self) -> bool:
        chosen = context_of(self).beside
        return self._width >= ROOM_BESIDE if chosen is None else chosen

    @property
    def _width(self) -> int:
        return self.scrollable_content_region.width

    def show_page(self, page: Page) -> None:
        self._page = page
        self._draw()

    def on_resize(self, event: events.Resize) -> None:
        self._draw()

    @property
    def differs(self) -> bool:
        return has_difference(self._page)

    def toggle_columns(self) -> None:
        context_of(self).beside = not self.beside
        self._draw()

    def _draw(self) -> None:
        """Draws only what changed, because screens show the same page every second."""
        width, beside = self._width, self.beside
        if not width or ((width, beside) == self._drawn_for and same(self._page, self._drawn)):
            return
        if has_difference(self._drawn) is not self.differs:
            self.screen.refresh_bindings()
        self._drawn, self._drawn_for = self._page, (width, beside)
        self.text = copied(self._page)
        self.query_one(".pane-text", Static).update(drawn(self._page, width, beside=beside))
