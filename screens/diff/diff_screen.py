"""A screen with a pane of differences in it. The key that changes their form works wherever the focus is."""

from __future__ import annotations

from screens.base import LoomScreen
from screens.diff.diff_pane import DiffPane
from screens.input import keys


class DiffScreen(LoomScreen):
    BINDINGS = keys.bindings(keys.DIFF)

    def available(self, action: str) -> bool | None:
        if action == "toggle_columns":
            return any(pane.display and pane.differs for pane in self.query(DiffPane))
        return super().available(action)

    def action_toggle_columns(self) -> None:
        self.query_one(DiffPane).toggle_columns()
