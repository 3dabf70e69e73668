"""What is told after a drill, from the history alone: words, Markdown, page, months."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loomtui.drill.debriefing import Debriefing, debriefing_of, last_played
from loomtui.drill.debriefing_markdown import debriefing_markdown
from loomtui.drill.drill_page import debriefing_page, history_page
from loomtui.drill.logbook import Entry, Logbook
from loomtui.drill.months import months
from loomtui.drill.moves import Move, MoveKind
from loomtui.drill.result import PlayedBy
from loomtui.drill.score import costs_of
from loomtui.wording.objectives import Standing
from tests.drill.played import AT, entry, lost, well
from tests.drill.test_results import result

HOSTILE = "<script>alert(1)</script> `x` \x1b[2J [b]"


def test_it_tells_what_was_lost_and_what_it_cost() -> None:
    told = lost()
    assert told.headline == "✗ not solved: 0 of 100 points"
    assert told.lost_words == (
        "00:01:45 A restore of all nodes began. It wanted the consent to the reset of the signing states."
    )
    assert well().lost_words == "It was not lost."
    assert well().costs == ("1 hint: −5",)
    assert (well().points, lost().earlier_words) == ((75, 0, 95), "")
    assert told.checks[0] == "✗ moves: val-1, val-2, backup-1: val-2 has made no block above 69"


def test_times_are_compared_with_what_was_agreed() -> None:
    times = {one.name: one.words for one in lost().times}
    assert times["Recovered"] == "40 min 00 s, objective 30m: missed"
    assert times["Data lost"] == "8 h 20 min, objective 1d00h: met"
    assert times["Detected"] == "40.0 s"
    late = entry(recovered=2_400.0).score
    assert (late.recovery_standing, late.points) == (Standing.MISSED, 90)
    assert costs_of(late) == (("the chain moved later than was agreed", 10),)


def test_earlier_drills_are_those_of_the_same_scenario_by_people() -> None:
    now = entry()
    before = entry(AT - timedelta(days=1))
    others = (replace(before, by=PlayedBy.ENGINE), replace(before, scenario="healthy"))
    assert debriefing_of(now, (before, *others, now)).earlier == (before,)
    assert last_played((before, *others)) == others[1]
    assert last_played((before, *others), "clean-restore") == before
    assert last_played(()) is None


def test_an_entry_of_an_older_loomtui_is_still_read(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    path.write_text(
        '{"at":"2026-11-20T03:00:00Z","scenario":"healthy","by":"people","validators":4,"passed":true,'
        '"score":{"points":90,"detect_seconds":1.0,"decide_seconds":null,"downtime_seconds":null,'
        '"data_loss_seconds":null,"prevented":0,"made":0,"hints":2,"hint_points":10},"wrong":[]}\n'
    )
    (one,) = Logbook(path).entries()
    told = Debriefing(one)
    assert (told.title, told.way, told.times[2].standing) == ("healthy", (), None)
    assert "healthy" in debriefing_page(told)


def test_what_people_did_is_kept_and_what_the_engine_did_is_short(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "history.jsonl")
    move = Move(AT, MoveKind.PLAN, "A plan for all nodes was made.")
    looked = replace(result(), checks=entry().checks)
    book.note(replace(looked, by=PlayedBy.PEOPLE, moves=(move,), way=("Look.",)))
    book.note(replace(looked, began=AT + timedelta(days=1)))
    people, engine = book.entries()
    assert (people.moves, people.way, len(people.checks)) == ((move,), ("Look.",), 2)
    assert (engine.moves, engine.checks) == ((), ())


def test_markdown_has_foreign_text_as_code_alone() -> None:
    text = debriefing_markdown(hostile(well()))
    assert text.startswith("**Drill `<script>alert(1)</script> 'x'")
    assert "\x1b" not in text
    assert all(line.count("`") in (0, 2) for line in text.splitlines())
    assert "1. `Make a plan for all nodes.`" in text


def test_the_page_has_no_script_and_draws_earlier_drills() -> None:
    page = debriefing_page(hostile(well()))
    assert "<script" not in page
    assert "\x1b" not in page
    assert page.count('class="history"') == 2
    assert page.count('class="drill passed"') == 4
    assert page.count('class="drill failed"') == 2
    assert 'class="agreed"' in page
    assert 'class="history"' not in debriefing_page(lost())


def hostile(told: Debriefing) -> Debriefing:
    now = told.entry
    moves = tuple(replace(move, sentence=HOSTILE, lost=HOSTILE) for move in now.moves)
    return replace(told, entry=replace(now, title=HOSTILE, wrong=(HOSTILE,), moves=moves))


@pytest.mark.parametrize("entries", [(), (entry(),), (entry(), entry(AT + timedelta(days=40)))])
def test_the_history_is_a_page(entries: tuple[Entry, ...]) -> None:
    page = history_page(entries)
    assert f"{len(entries)} of {len(entries)} passed" in page
    assert page.count('class="drill passed"') == 2 * len(entries)


def test_months_without_a_drill_tell_as_well() -> None:
    told = months([entry(datetime(2026, month, 3, tzinfo=UTC), solved=month == 9) for month in (9, 9, 11)])
    assert [(month.name, month.passed, month.drills) for month in told] == [
        ("2026-09", 2, 2),
        ("2026-10", 0, 0),
        ("2026-11", 0, 1),
    ]
    assert (told[0].points, told[1].points, told[0].met, told[0].judged) == (100, None, 2, 2)
    assert len(months([entry(datetime(year, 1, 1, tzinfo=UTC)) for year in (2020, 2026)])) == 24
