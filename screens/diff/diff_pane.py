"""A text with differences in it: side by side if there is room, else one below the other."""

from __future__ import annotations

from textual import events
from textual.widgets import Static

from screens.diff.diff_text import ROOM_BESIDE, Page, clipboard_text, has_difference, page_content, same_pages
from screens.frame import frame_of
from screens.widgets.pane import Pane


class DiffPane(Pane):
    """Draws again when its width changes. The operator's choice of columns is kept for all screens."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._page: Page = ()
        self._drawn_page: Page = ()
        self._drawn_layout = (0, False)

    @property
    def side_by_side(self) -> bool:
        choice = frame_of(self).side_by_side
        return self._width >= ROOM_BESIDE if choice is None else choice

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
        frame_of(self).side_by_side = not self.side_by_side
        self._draw()

    def _draw(self) -> None:
        """Draws only what changed, because screens show the same page every second."""
        width, side_by_side = self._width, self.side_by_side
        if not width or (
            (width, side_by_side) == self._drawn_layout and same_pages(self._page, self._drawn_page)
        ):
            return
        if has_difference(self._drawn_page) is not self.differs:
            self.screen.refresh_bindings()
        self._drawn_page, self._drawn_layout = self._page, (width, side_by_side)
        self.text = clipboard_text(self._page)
        self.query_one(".pane-text", Static).update(
            page_content(self._page, width, side_by_side=side_by_side)
        )
