"""What a drill is worth, and where that is kept: score, history, JUnit, results of other processes."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.parsers.expat import ParserCreate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill import several
from loomtui.drill.junit import junit, write_junit
from loomtui.drill.logbook import Logbook
from loomtui.drill.result import DrillResult, PlayedBy
from loomtui.drill.scenarios import Scenario, scenarios
from loomtui.drill.scenarios.expectations import Ending
from loomtui.drill.score import Course, score
from loomtui.drill.several import read_played
from loomtui.drill.summary import Played, all_passed
from loomtui.restore.report import Timings

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
WELL = Course(solved=True, detect_seconds=2.0, decide_seconds=3.0, refused_plans=0, traps=0)
TIMES = Timings(40.0, 900.0, ())
GOOD = Played("clean-restore", True, 31.5, told="all is well")
BAD = Played("moved-hosts", False, 12.0, ("val-1 has made no block above 69", "it ended \x00 refused"))


def result(
    *, scenario: str = "clean-restore", began: datetime = AT, wrong: tuple[str, ...] = ()
) -> DrillResult:
    return DrillResult(
        scenario=scenario,
        by=PlayedBy.ENGINE,
        began=began,
        seconds=31.5,
        validators=2,
        ending=Ending.RESTORED,
        decisions=(),
        refused_for=(),
        checks=(),
        score=score(WELL, TIMES, ()),
        steps=(),
        wrong=wrong,
    )


@pytest.mark.parametrize(
    ("course", "points"),
    [
        (WELL, 100),
        (replace(WELL, refused_plans=2), 90),
        (replace(WELL, traps=1, hint_points=(5, 10)), 60),
        (replace(WELL, traps=9), 0),
        (replace(WELL, solved=False), 0),
    ],
)
def test_points(course: Course, points: int) -> None:
    assert score(course, TIMES, ()).points == points


def test_a_score_without_a_run_has_no_outage() -> None:
    made = score(replace(WELL, hint_points=(5, 10)), None, ())
    assert (made.downtime_seconds, made.data_loss_seconds) == (None, None)
    assert (made.hints, made.hint_points, made.detect_seconds) == (2, 15, 2.0)


def test_the_history_holds_what_was_noted_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "state/drills/history.jsonl"
    book = Logbook(path)
    assert book.entries() == ()
    book.note(result(began=AT + timedelta(days=1), wrong=("it stands still",)))
    book.note(result())
    first, second = book.entries()
    assert (first.at, first.passed, first.score.points) == (AT, True, 100)
    assert (second.passed, second.wrong) == (False, ("it stands still",))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_damaged_line_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    book = Logbook(path)
    book.note(result())
    with path.open("ab") as file:
        file.write(b'{"at": "never"}\n\xff\n[]\n')
    book.note(result(scenario="healthy"))
    assert [entry.scenario for entry in book.entries()] == ["clean-restore", "healthy"]


@dataclass
class Element:
    path: str
    attributes: dict[str, str]
    text: str = ""


def elements_of(document: bytes) -> list[Element]:
    """In the order in which they begin. Raises ExpatError for what is no XML."""
    found: list[Element] = []
    inside: list[Element] = []

    def begin(name: str, attributes: dict[str, str]) -> None:
        found.append(Element("/".join((*(one.path for one in inside[-1:]), name)), attributes))
        inside.append(found[-1])

    def end(_: str) -> None:
        inside.pop()

    def read(text: str) -> None:
        inside[-1].text += text

    parser = ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = begin, end, read
    parser.Parse(document, True)
    return found


def test_junit_has_the_shape_that_ci_servers_read(tmp_path: Path) -> None:
    path = tmp_path / "drills.xml"
    write_junit(path, [GOOD, BAD])
    found = elements_of(path.read_bytes())
    case = "testsuites/testsuite/testcase"
    assert [one.path for one in found] == [
        *("testsuites", "testsuites/testsuite"),
        *(case, f"{case}/system-out"),
        *(case, f"{case}/failure", f"{case}/system-out"),
    ]
    _, suite, good, _, _, failure, _ = found
    assert suite.attributes.items() >= {
        ("tests", "2"),
        ("failures", "1"),
        ("errors", "0"),
        ("skipped", "0"),
        ("time", "43.500"),
    }
    assert good.attributes == {"classname": "loomtui.drill", "name": "clean-restore", "time": "31.500"}
    assert failure.attributes["message"] == "val-1 has made no block above 69"
    assert failure.text == "val-1 has made no block above 69\nit ended \ufffd refused"


@given(st.text(max_size=40), st.text(max_size=40))
def test_junit_holds_any_text(told: str, wrong: str) -> None:
    try:
        f"{told}{wrong}".encode()
    except UnicodeEncodeError:
        return  # lone surrogates: no text from anywhere has them
    assert elements_of(junit([Played("x", False, 1.0, (wrong,), told)]))


def test_another_process_is_read_by_its_last_line() -> None:
    lines = [{"kind": "step-done"}, {"scenario": "x", "passed": False, "wrong": ["it\x1b[2J stands"]}]
    out = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    played = read_played("x", 2.0, out, b"")
    assert (played.passed, played.wrong, played.seconds) == (False, ("it stands",), 2.0)


@pytest.mark.parametrize("out", [b"", b"Traceback\n", b"[1]\n", b"{}\n"])
def test_a_process_that_gave_no_result_has_failed(out: bytes) -> None:
    played = read_played("x", 2.0, out, b"Error: no room\n")
    assert not played.passed
    assert "Error: no room" in played.wrong[0]


async def test_as_many_as_there_is_room_for_play_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    playing: list[str] = []
    most = 0

    async def played(scenario: Scenario, *_: object) -> Played:
        nonlocal most
        playing.append(scenario.name)
        most = max(most, len(playing))
        await asyncio.sleep(0)
        playing.remove(scenario.name)
        return Played(scenario.name, True, 1.0)

    monkeypatch.setattr(several, "_play", played)
    found = [one.scenario async for one in several.play_all(scenarios(), None, 3)]
    assert sorted(found) == sorted(scenario.name for scenario in scenarios())
    assert most == 3


async def test_a_drill_that_takes_too_long_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(several, "DRILL_SECONDS", 0.2)
    monkeypatch.setattr(several, "COMMAND", ("-c", "import time; time.sleep(60)"))
    (one, *_) = [one async for one in several.play_all(scenarios()[:1], None, 1)]
    assert not one.passed
    assert "took more than" in one.wrong[0]


def test_no_drill_at_all_is_no_success() -> None:
    assert not all_passed([])
    assert all_passed([GOOD])
    assert not all_passed([GOOD, BAD])
