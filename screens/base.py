"""What every screen about the cluster has: the cluster's name and mark at the top, and the engine to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from screens.cluster_bar import ClusterBar
from screens.context import AppContext, context_of
from screens.framed_screen import FramedScreen

if TYPE_CHECKING:
    from textual.widget import Widget


class LoomScreen(FramedScreen):
    """It may ask the engine."""

    @property
    def context(self) -> AppContext:
        return context_of(self)

    def top(self) -> Widget:
        return ClusterBar()

    def on_mount(self) -> None:
        self.set_class(self.frame.production, "-production")
        self.set_class(self.frame.practice, "-practice")
