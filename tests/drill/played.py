"""Made-up drills that people have played."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from loomtui.drill.checks import Checked
from loomtui.drill.debriefing import Debriefing, debriefing_of
from loomtui.drill.logbook import Entry
from loomtui.drill.moves import Move, MoveKind
from loomtui.drill.result import PlayedBy
from loomtui.drill.scenarios import scenario_named
from loomtui.drill.score import Course, score
from loomtui.drill.shortest_way import shortest_way
from loomtui.restore.choices import Objectives
from loomtui.restore.report import Timings
from loomtui.restore.report.timing import Outage

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
AGREED = Objectives(1_800.0, 86_400.0)


def entry(
    began: datetime = AT, *, recovered: float = 900.0, solved: bool = True, hints: tuple[int, ...] = ()
) -> Entry:
    """`recovered`: seconds from the beginning until the chain moved."""
    course = Course(solved, 40.0, 65.0, 0, 0, hints, began, AGREED)
    outage = Outage(began + timedelta(seconds=200), began + timedelta(seconds=recovered), put_back=False)
    times = Timings(recovered - 200, 30_000.0, (), (outage,))
    wrong = () if solved else ("val-2 has made no block above 69",)
    return Entry(
        began,
        "clean-restore",
        PlayedBy.PEOPLE,
        4,
        solved,
        score(course, times, ()),
        wrong,
        "All databases lost, keys kept",
        recovered + 12,
        False,
        (Checked("moves: val-1, val-2, backup-1", *wrong), Checked("own keys: val-1, val-2, backup-1")),
        shortest_way(scenario_named("clean-restore")),
        _moves(began, solved=solved),
    )


def _moves(began: datetime, *, solved: bool) -> tuple[Move, ...]:
    lost = "" if solved else "It wanted the consent to the reset of the signing states."
    return (
        Move(began + timedelta(seconds=20), MoveKind.HINT, "Hint 1: Each node keeps its own keys."),
        Move(began + timedelta(seconds=40), MoveKind.PLAN, "A plan for all nodes was made."),
        Move(began + timedelta(seconds=105), MoveKind.BEGUN, "A restore of all nodes began.", lost),
        Move(began + timedelta(seconds=900), MoveKind.OVER, "The drill was over."),
    )


def well() -> Debriefing:
    """Better than before."""
    earlier = [
        entry(AT - timedelta(days=60), recovered=2_400.0, hints=(5, 10)),
        entry(AT - timedelta(days=30), solved=False),
    ]
    return debriefing_of(entry(hints=(5,)), earlier)


def lost() -> Debriefing:
    return Debriefing(entry(recovered=2_400.0, solved=False))
