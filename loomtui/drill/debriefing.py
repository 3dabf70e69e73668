"""What is talked about after a drill that people have played: made from the logbook's entries alone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from loomtui.drill.logbook import Entry
from loomtui.drill.moves import Move, lost_move
from loomtui.drill.result import PlayedBy
from loomtui.drill.score import costs_of
from loomtui.wording.objectives import Standing, standing_words
from loomtui.wording.quantities import count, length, stopwatch, time_of
from loomtui.wording.states import Grade, StateWord

_SOLVED = StateWord("✓", "solved", Grade.GOOD)
_UNSOLVED = StateWord("✗", "not solved", Grade.BAD)
_GIVEN_UP = StateWord("■", "given up", Grade.WARN)
_MOST_EARLIER = 40


@dataclass(frozen=True)
class Measured:
    """One of the times that count. `standing`: to what was agreed; None: nothing was, or it never came."""

    name: str
    seconds: float | None
    what: str  # from when until when
    agreed_seconds: float | None = None
    standing: Standing | None = None

    @property
    def agreed(self) -> str:
        """objective 30m: met; empty where there is nothing to compare."""
        if self.standing is None or self.agreed_seconds is None:
            return ""
        return standing_words(self.agreed_seconds, self.standing)

    @property
    def words(self) -> str:
        """4 min 12 s, objective 30m: met."""
        return ", ".join(filter(None, (length(self.seconds), self.agreed)))


@dataclass(frozen=True)
class Debriefing:
    """`earlier`: drills of the same scenario that people have played on this machine, the oldest first."""

    entry: Entry
    earlier: tuple[Entry, ...] = ()

    @property
    def state(self) -> StateWord:
        return state_of(self.entry)

    @property
    def title(self) -> str:
        return self.entry.title or self.entry.scenario

    @property
    def headline(self) -> str:
        return f"{self.state}: {self.entry.score.points} of 100 points"

    @property
    def when(self) -> str:
        """When it was played, and with how many."""
        validators = count(self.entry.validators, "validator")
        return f"{self.entry.scenario}, {time_of(self.entry.at)}, {validators}"

    @property
    def costs(self) -> tuple[str, ...]:
        return tuple(f"{what}: −{points}" for what, points in costs_of(self.entry.score))

    @property
    def times(self) -> tuple[Measured, ...]:
        score = self.entry.score
        agreed = score.objectives
        lasted, standing = score.recovered_seconds, score.recovery_standing
        return (
            Measured("Detected", score.detect_seconds, "until the first plan was made"),
            Measured("Decided", score.decide_seconds, "from then until a run began, or the plan was refused"),
            Measured("Recovered", lasted, "until the chain moved", agreed.downtime_seconds, standing),
            Measured("Down", score.downtime_seconds, "from the first stop until the chain moved"),
            Measured(
                "Data lost",
                score.data_loss_seconds,
                "from the restored data's last block to the newest block",
                agreed.data_loss_seconds,
                score.data_loss_standing,
            ),
        )

    @property
    def checks(self) -> tuple[str, ...]:
        """What was looked at on the nodes; then what else is wrong."""
        told = [f"✓ {one.words}" if one.holds else f"✗ {one.words}: {one.wrong}" for one in self.entry.checks]
        known = {one.wrong for one in self.entry.checks}
        return (*told, *(f"✗ {wrong}" for wrong in self.entry.wrong if wrong not in known))

    @property
    def way(self) -> tuple[str, ...]:
        """The shortest one."""
        return self.entry.way

    @property
    def moves(self) -> tuple[Move, ...]:
        return self.entry.moves

    @property
    def lost(self) -> Move | None:
        """The moment at which the way was lost; None: it never was."""
        return lost_move(self.entry.moves)

    @property
    def lost_words(self) -> str:
        lost = self.lost
        return "It was not lost." if lost is None else f"{self.move_words(lost)} {lost.lost}"

    def move_words(self, move: Move) -> str:
        """When, and what: 00:03:12 A plan for all nodes was made."""
        return f"{self.clock(move.at)} {move.sentence}"

    @property
    def points(self) -> tuple[int, ...]:
        """Of the earlier drills and of this one, in order."""
        return tuple(one.score.points for one in (*self.earlier, self.entry))

    @property
    def earlier_words(self) -> str:
        """Empty: it was the first time."""
        if not self.earlier:
            return ""
        points = ", ".join(map(str, self.points))
        return f"It was played {count(len(self.earlier), 'time')} before. Points, this time's last: {points}."

    def clock(self, at: datetime) -> str:
        """How long the drill had lasted then: 00:03:12."""
        return stopwatch(at - self.entry.at)


def state_of(entry: Entry) -> StateWord:
    if entry.gave_up:
        return _GIVEN_UP
    return _SOLVED if entry.passed else _UNSOLVED


def debriefing_of(entry: Entry, entries: Sequence[Entry]) -> Debriefing:
    """`entries`: of the logbook."""
    earlier = [
        one
        for one in entries
        if one.scenario == entry.scenario and one.by is PlayedBy.PEOPLE and one.at < entry.at
    ]
    return Debriefing(entry, tuple(earlier[-_MOST_EARLIER:]))


def last_played(entries: Sequence[Entry], scenario: str | None = None) -> Entry | None:
    """The last drill that people have played, of that scenario or of any."""

    def found() -> Iterator[Entry]:
        for entry in reversed(entries):
            if entry.by is PlayedBy.PEOPLE and scenario in (None, entry.scenario):
                yield entry

    return next(found(), None)
