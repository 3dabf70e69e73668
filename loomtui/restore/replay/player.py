"""Where a replay stands. It has no clock of its own: it is told how much time went by. Pure."""

from __future__ import annotations

from bisect import bisect_right
from datetime import datetime, timedelta

from loomtui.restore.replay.recording import Recording

#: Recorded seconds in a second. Whoever begins between two of them comes to the next one.
SPEEDS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)
SLOWEST, FASTEST = 0.01, 100_000.0
USUAL_SPEED = 10.0


def speed_within(recording: Recording, seconds: float) -> float:
    """The speed at which the whole of it takes so long."""
    return min(FASTEST, max(SLOWEST, recording.length.total_seconds() / seconds))


class Player:
    """`taken` events have happened at the moment `at`; at least the first one has."""

    def __init__(self, recording: Recording, speed: float = USUAL_SPEED) -> None:
        self.recording = recording
        self.speed = speed
        self.playing = True
        self.at = recording.began
        self.taken = bisect_right(recording.times, self.at)

    @property
    def is_at_end(self) -> bool:
        return self.taken == len(self.recording.events) and self.at >= self.recording.ended

    def advance(self, seconds: float) -> None:
        """So much time has gone by for whoever watches. At its end the replay pauses."""
        if not self.playing:
            return
        self.move(timedelta(seconds=seconds * self.speed))
        self.playing = not self.is_at_end

    def seek(self, at: datetime) -> None:
        """All that had happened until then has happened. No moment lies outside of the run."""
        self.at = min(self.recording.ended, max(self.recording.began, at))
        self.taken = bisect_right(self.recording.times, self.at)

    def move(self, by: timedelta) -> None:
        self.seek(self.at + max(self.recording.began - self.at, min(self.recording.ended - self.at, by)))

    def step(self, events: int) -> None:
        """So many events on, or back if it is negative; then it pauses."""
        self.playing = False
        self.taken = min(len(self.recording.events), max(1, self.taken + events))
        self.at = self.recording.times[self.taken - 1]

    def toggle(self) -> None:
        """Pauses or goes on; at the end it begins again."""
        if self.is_at_end and not self.playing:
            self.seek(self.recording.began)
        self.playing = not self.playing

    def faster(self) -> None:
        self.speed = next((speed for speed in SPEEDS if speed > self.speed), self.speed)

    def slower(self) -> None:
        self.speed = next((speed for speed in reversed(SPEEDS) if speed < self.speed), self.speed)
