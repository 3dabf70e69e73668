"""The top line of a replay. Nobody must take what is below it for what is going on."""

from __future__ import annotations

from textual.app import RenderResult
from textual.widget import Widget

from loomtui.restore.replay.player import Player
from screens.replay.replay_text import mark_line


class ReplayBar(Widget):
    def __init__(self, player: Player) -> None:
        super().__init__()
        self._player = player

    def render(self) -> RenderResult:
        return mark_line(self._player.recording, self._player.at, self.size.width)
