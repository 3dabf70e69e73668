"""`loomtui replay`: what is refused in words, and the screens without an inventory."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from platformdirs import user_state_path

from loomtui.restore.record.run_store import Run as Recorded
from loomtui.restore.replay.kept import KeptRuns
from loomtui.restore.report import render
from tests.cli.conftest import Run
from tests.cli.terminal import Terminal
from tests.restore.material import NOW, make_plan_of, node_plan
from tests.restore.stories import whole

NODES = ("n1", "n2")


@pytest.fixture
def recorded(home: Path) -> Recorded:
    """A run of this machine."""
    folder = user_state_path("loomtui")
    folder.mkdir(parents=True, exist_ok=True)
    return whole(NOW, *NODES).write(folder, make_plan_of(*map(node_plan, NODES)))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("20261121-031415-ab12",), "there is no run '20261121-031415-ab12'"),
        (("no-such-thing",), "there is no run 'no-such-thing'"),
        (("sent.json",), "the report sent.json cannot be read: No such file"),
        (("plain.txt",), "plain.txt is not a report: it is not JSON"),
        (("other.json",), "other.json is not a report that holds the events of its run"),
        (("newer.json",), "newer.json is a report of a newer loomtui: it has version 2"),
        ((".",), "the report . cannot be read: Is a directory"),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_the_reason(
    loomtui: Run, folder: Path, args: tuple[str, ...], said: str
) -> None:
    (folder / "plain.txt").write_text("Restored.\n")
    (folder / "other.json").write_text('{"nodes": []}')
    (folder / "newer.json").write_text('{"report_version": 2, "events": []}')
    done = loomtui("replay", *args)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_a_run_or_a_file_has_to_be_named(loomtui: Run) -> None:
    done = loomtui("replay")
    assert (done.status, "Name a run, or the file of a report" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--speed", "2", "--within", "30s"), "--speed and --within are two ways to say one thing"),
        (("--speed", "0"), "--speed: 0 is no speed"),
        (("--speed", "nan"), "--speed: nan is no speed"),
        (("--within", "soon"), "--within: 'soon' is not a length of time"),
        ((), "the screens need a terminal"),
    ],
)
def test_a_call_that_is_wrong_is_refused(
    loomtui: Run, recorded: Recorded, args: tuple[str, ...], said: str
) -> None:
    done = loomtui("replay", recorded.id, *args)
    assert (done.status, done.out) == (2, "")
    assert said in done.err


def test_runs_of_drills_are_listed_and_found(loomtui: Run, recorded: Recorded) -> None:
    assert "No run of a drill is kept" in loomtui("replay", "--drills").out
    KeptRuns().keep(recorded)
    shutil.rmtree(recorded.folder)
    assert recorded.id in loomtui("replay", "--drills").out
    assert "the screens need a terminal" in loomtui("replay", recorded.id).err


def test_a_damaged_journal_is_refused(loomtui: Run, recorded: Recorded) -> None:
    recorded.journal_path.write_text("no event\n")
    done = loomtui("replay", recorded.id)
    assert done.status == 2
    assert f"run {recorded.id} cannot be replayed: line 1 of its journal is damaged" in done.err


@pytest.mark.slow
def test_a_report_is_played_where_there_is_no_inventory(recorded: Recorded, home: Path, folder: Path) -> None:
    """In a home that has nothing else, at such a speed that it is over at once."""
    (folder / "sent.json").write_text(render(recorded, "json"))
    env = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    with Terminal("replay", "sent.json", "--within", "1s", env=env, cwd=folder) as terminal:
        terminal.expect("REPLAY of run")
        terminal.expect("This is the end")
        terminal.type("q")
        assert terminal.end() == 0
        assert "Traceback" not in terminal.shown
    assert not (folder / "state/loomtui/runs").exists()
