"""`loomtui drill --auto`: the engine wins every scenario that needs a restore, and leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from loomtui.cli.drill_people import agreed
from loomtui.cli.settings import Settings
from loomtui.drill.logbook import Logbook
from loomtui.drill.people import USUAL
from loomtui.drill.result import PlayedBy
from loomtui.errors import InventoryError
from loomtui.restore.choices import Objectives
from tests.cli.conftest import Run
from tests.cli.test_restoring import STEPS
from tests.drill.test_results import AT, result

#: A fixed third. All of them: loomtui drill --all --auto
SAMPLE = (
    "clean-restore",
    "newer-signing-states",
    "torn-backup",
    "backup-job-wakes",
    "drop-in",
    "truncated-upload",
    "evm-missing",
)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", SAMPLE)
def test_engine_wins(loomtui_process: Run, tmp_path: Path, home: Path, scenario: str) -> None:
    folder = tmp_path / "drills"
    folder.mkdir()
    calls = ("--auto", "--json", "--scenario", scenario, "--junit", str(tmp_path / "drill.xml"))
    done = loomtui_process("drill", *calls, env={"TMPDIR": str(folder)})
    *events, outcome = done.lines
    assert done.status == 0, (outcome["wrong"], done.err)
    assert (outcome["scenario"], outcome["passed"]) == (scenario, True)
    assert [(step["name"], step["outcome"]) for step in outcome["steps"]] == [
        (name, "done") for name in STEPS
    ]
    assert all(step["seconds"] >= 0 for step in outcome["steps"])
    assert outcome["downtime_seconds"] > 0
    assert outcome["data_loss_seconds"] > 0
    assert [event["step"] for event in events if event["kind"] == "step-done"] == STEPS
    assert list(folder.iterdir()) == []
    kept = {path.name for path in home.rglob("*") if path.is_file()}
    assert kept == {"history.jsonl", f"{events[0]['run']}.json"}
    assert all(check["holds"] for check in outcome["checks"])
    assert 'failures="0"' in (tmp_path / "drill.xml").read_text()
    assert _processes_that_name(str(folder)) == []


def test_the_list_tells_what_each_scenario_teaches(loomtui: Run) -> None:
    told = loomtui("drill", "--list", "--json").document["scenarios"]
    assert len(told) >= 18
    assert all(one["teaches"] and one["title"] for one in told)
    assert "one-validator-lost" in loomtui("drill", "--list").out


def test_a_scenario_that_is_wrong_is_explained_with_its_line(loomtui: Run, tmp_path: Path) -> None:
    path = tmp_path / "mine.yml"
    path.write_text("title: Mine\nstori: nothing\n")
    done = loomtui("drill", "--auto", "--scenario", str(path))
    assert done.status == 2
    assert f"{path}:2: stori: found an unknown key" in done.err
    assert "did you mean 'story'?" in done.err


def test_the_history_is_empty_at_first_and_then_tells_of_each_drill(loomtui: Run) -> None:
    assert loomtui("drill", "--history", "--json").document == {"drills": []}
    assert "No drill" in loomtui("drill", "--history").out
    Logbook().note(result(wrong=("it stands still",)))
    (one,) = loomtui("drill", "--history", "--json").document["drills"]
    assert (one["scenario"], one["passed"], one["score"]["points"]) == ("clean-restore", False, 100)
    told = loomtui("drill", "--history").out
    assert "clean-restore  engine  failed" in told
    assert "2026-11  0 of 1  ████████████████████  100" in told
    assert 'class="drill failed"' in loomtui("drill", "--history", "--format", "html").out


def test_the_debriefing_of_the_last_drill_of_people_can_be_had_in_every_form(loomtui: Run) -> None:
    none = loomtui("drill", "--debriefing")
    assert (none.status, none.out) == (1, "")
    by_people = replace(result(), by=PlayedBy.PEOPLE, title="All databases lost", way=("Make a plan.",))
    Logbook().note(by_people)
    Logbook().note(result(began=AT + timedelta(days=1)))
    assert loomtui("drill", "--debriefing").out.startswith("**Drill `All databases lost`: ✓ solved")
    told = loomtui("drill", "--debriefing", "--format", "json").document
    assert (told["title"], told["shortest_way"], told["lost"]) == (
        "All databases lost",
        ["Make a plan."],
        None,
    )
    assert "<h1>Drill: All databases lost</h1>" in loomtui("drill", "--debriefing", "--format", "html").out
    junit = loomtui("drill", "--debriefing", "--format", "junit").out
    assert '<testcase classname="loomtui.drill" name="clean-restore"' in junit
    assert loomtui("drill", "--debriefing", "--scenario", "healthy").status == 1


def test_objectives_are_those_of_the_inventory_or_what_is_usual(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert agreed(Settings()) == USUAL
    path = tmp_path / "mine.yml"
    small = "cluster: c\nproduction: false\nnodes: [{name: a, host: h}]\ns3: {bucket: bbb}\n"
    path.write_text(f"{small}objectives: {{downtime: 10m}}\n")
    assert agreed(Settings(path)) == Objectives(600.0, None)
    path.write_text(small)
    assert agreed(Settings(path)) == USUAL
    path.write_text("cluster: [")
    with pytest.raises(InventoryError):
        agreed(Settings(path))


def test_the_hints_are_for_whoever_leads_the_drill(loomtui: Run) -> None:
    hints = loomtui("drill", "--hints", "--scenario", "clean-restore", "--json").document["hints"]
    assert [hint["costs"] for hint in hints] == [5, 5, 10]
    assert hints[0]["says"] in loomtui("drill", "--hints").out


def test_the_schema_is_that_of_a_scenario(loomtui: Run) -> None:
    assert "state" in loomtui("drill", "--schema").document["properties"]


@pytest.mark.parametrize(
    "options",
    [
        ("--all",),
        ("--json",),
        ("--junit", "x"),
        ("--auto", "--jobs", "2"),
        ("--auto", "--format", "md"),
    ],
)
def test_options_that_mean_nothing_alone_are_refused(loomtui: Run, options: tuple[str, ...]) -> None:
    done = loomtui("drill", *options)
    assert done.status == 2
    assert "want" in done.err


def _processes_that_name(text: str) -> list[str]:
    """Command lines of this machine's processes in which the text stands."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if text in line:
            lines.append(line)
    return lines
