"""What the screen of a replay says at each moment. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from textual.content import Content

from loomtui.restore.events import Event, EventKind
from loomtui.restore.replay.player import Player
from loomtui.restore.replay.recording import Recording
from loomtui.restore.report.words import where
from loomtui.text import clean_line
from loomtui.times import HOW, read_length, read_time
from loomtui.wording.events import event_words
from loomtui.wording.quantities import bar, number, short_watch, time_of
from screens.restore.next_panel import Choice
from screens.text import content
from screens.text.words import Tone

#: For the question which moment is wanted.
MOMENT_HOW = f"A length from the beginning of the run, such as 5m or 90s; or a time: {HOW}, at the run's end"

_BAR_CELLS = 40


def mark_line(recording: Recording, at: datetime, width: int) -> Content:
    """The first line: a mark that colours are not needed for, over the whole width."""
    kind = "production" if recording.production else "not production"
    told = [
        f" ▶▶ REPLAY of run {recording.run}",
        f"   {recording.cluster}",
        f", {kind}",
        "   nothing is live",
    ]
    right = f" {time_of(at)} "
    while len(told) > 1 and sum(map(len, told)) + len(right) > width:
        told.pop()
    return content.line(f"{''.join(told):<{max(0, width - len(right))}}{right}"[:width], Tone.STRONG)


def headline(player: Player) -> str:
    done, whole = player.at - player.recording.began, player.recording.length
    times = f"{time_of(player.at)}, {short_watch(done)} of {short_watch(whole)}"
    if player.playing:
        return f"▶ Plays {player.speed:g} times as fast as it was. {times}"
    return f"■ {'This is the end' if player.is_at_end else 'It is paused'}. {times}"


def position_line(player: Player) -> str:
    """How far it is. A run of one moment is whole."""
    whole = player.recording.length / timedelta(seconds=1)
    done = (player.at - player.recording.began) / timedelta(seconds=1)
    filled = bar(round(1000 * done / whole) if whole else 1, 1000 if whole else 1, _BAR_CELLS)
    return f"{filled}  event {number(player.taken)} of {number(len(player.recording.events))}"


def latest(player: Player) -> str:
    """What happened last; at the end also that the record has none, where the run was cut off."""
    event = player.recording.events[player.taken - 1]
    text = f"{event.at:%H:%M:%S}  {where(event.node)}  {event_text(event)}"
    is_cut_off = player.is_at_end and event.kind is not EventKind.RUN_FINISHED
    return f"{text}\nNothing more was recorded: this run had not ended." if is_cut_off else text


def event_text(event: Event) -> str:
    """What happened; of a decision also who took it."""
    by = event.data.get("by") if event.kind is EventKind.DECISION else None
    who = f" (by {clean_line(by, limit=100)})" if isinstance(by, str) and by else ""
    return f"{event_words(event)}{who}"


def next_choice(player: Player) -> Choice:
    if player.playing:
        return Choice("replay.pause", "pause")
    return Choice("replay.pause", "play it again from its beginning" if player.is_at_end else "go on")


def read_moment(typed: str, recording: Recording) -> datetime:
    """What was typed, read as `MOMENT_HOW` says. Raises ValueError with a sentence."""
    try:
        since = read_length(typed)
    except ValueError:
        return read_time(typed, recording.ended)
    return recording.began + min(since, recording.length)
