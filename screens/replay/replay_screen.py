"""Plays a run again: the screen of the run, with a clock of its own. It has a recording and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar

from loomtui.restore.replay.player import Player
from loomtui.restore.report.words import where
from screens.framed_screen import FramedScreen
from screens.input import keys
from screens.logs.log_buffer import entry_of
from screens.logs.log_view import LogView
from screens.modals.ask import InputDialog
from screens.replay import replay_text
from screens.replay.replay_bar import ReplayBar
from screens.replay.stage import Stage
from screens.restore.next_panel import NextPanel
from screens.restore.run_panes import RunPanes
from screens.text import content

if TYPE_CHECKING:
    from textual.widget import Widget

_TICK_SECONDS = 0.1
#: A machine that slept, or a terminal that was suspended, does not make the replay jump.
_LONGEST_TICK = 5.0
_JUMP = timedelta(minutes=1)


class ReplayScreen(FramedScreen):
    NAME_SHOWN: ClassVar[str] = "Replay"
    HELP: ClassVar[str] = (
        "This screen plays a run again from its record, as the screen of the run showed it: the steps, the "
        "nodes of the current step, and how long the cluster was down. Below is what was recorded until "
        "then. Nothing here is live: no node is asked, and nothing can be decided. {replay.pause} pauses and "
        "goes on, {replay.next} and {replay.before} go from event to event, {replay.ahead} and {replay.back} "
        "a minute on and back, {replay.time} to a moment; {replay.faster} and {replay.slower} change the "
        "speed. Bytes that were moved are not recorded, and neither are the services' logs."
    )
    BINDINGS = keys.bindings(keys.REPLAY)

    def __init__(self, player: Player, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        super().__init__()
        self.player = player
        self._clock = clock
        self._seen = clock()
        self._stage = Stage(player.recording)
        self._told = 0  # events below

    def top(self) -> Widget:
        return ReplayBar(self.player)

    def body(self) -> Iterable[Widget]:
        names = (*self.player.recording.nodes, where(None))
        yield RunPanes()
        yield LogView(names, id="run-log")

    def below(self) -> Iterable[Widget]:
        yield NextPanel()

    def on_mount(self) -> None:
        self.query_one(".frame").border_subtitle = content.line("this has happened: nothing here is live")
        self.query_one(LogView).focus()
        self._seen = self._clock()
        self.set_interval(_TICK_SECONDS, self.tick)
        self.show()

    def on_screen_resume(self) -> None:
        self._seen = self._clock()  # behind a dialog no tick need have come

    def leads_to(self, action: str) -> bool:
        """Only back: whoever looks at the past must not come from there to what changes the present."""
        return False

    def tick(self) -> None:
        """Time goes by, but not behind a dialog."""
        seconds, self._seen = self._clock() - self._seen, self._clock()
        if self.is_current and self.player.playing:
            self.player.advance(min(seconds, _LONGEST_TICK))
            self.show()

    def show(self) -> None:
        player = self.player
        self.query_one(ReplayBar).refresh()
        view = self._stage.after(player.taken)
        self.query_one(RunPanes).show(view, player.at, player.recording.downtime_objective)
        self._tell()
        self.query_one(NextPanel).say(
            replay_text.headline(player),
            (replay_text.next_choice(player),),
            title="What had happened by then",
            detail=f"{replay_text.position_line(player)}\n{replay_text.latest(player)}",
        )

    def _tell(self) -> None:
        """What was recorded until now."""
        player, log = self.player, self.query_one(LogView)
        if player.taken < self._told:
            log.buffer.clear()
            self._told = 0
            log.change()
        new = slice(self._told, player.taken)
        happened = zip(player.recording.events[new], player.recording.times[new], strict=True)
        log.add(
            [
                entry_of(where(event.node), at, replay_text.event_text(event), notice=True)
                for event, at in happened
            ]
        )
        self._told = player.taken

    # ── keys ────────────────────────────────────────────────────────────────────────────────────────────

    def action_pause(self) -> None:
        self.player.toggle()
        self.show()

    def action_step(self, events: int) -> None:
        self.player.step(events)
        self.show()

    def action_jump_by(self, minutes: int) -> None:
        self.player.move(minutes * _JUMP)
        self.show()

    def action_to_beginning(self) -> None:
        self.player.seek(self.player.recording.began)
        self.show()

    def action_to_end(self) -> None:
        self.player.seek(self.player.recording.ended)
        self.show()

    def action_change_speed(self, direction: int) -> None:
        if direction > 0:
            self.player.faster()
        else:
            self.player.slower()
        self.show()

    def action_go_to_time(self) -> None:
        self.app.push_screen(
            InputDialog("To a moment of the run", f"{replay_text.MOMENT_HOW}.", hint="5m"), self._take_time
        )

    def _take_time(self, typed: str | None) -> None:
        if typed is None:
            return
        try:
            self.player.seek(replay_text.read_moment(typed, self.player.recording))
        except ValueError as error:
            content.tell(self, str(error), severity="warning")
            return
        self.show()
