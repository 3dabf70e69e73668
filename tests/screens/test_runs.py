"""Past runs, and the record of one of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from loomtui.errors import CallError
from loomtui.restore.takeover.known_runs import RunsOnNodes
from screens.app import LoomApp
from screens.input import keys
from screens.modals.confirm import ConfirmDialog
from screens.modals.text import ErrorDialog
from screens.runs.elsewhere_text import elsewhere_text, health_notes, runs_note, take_over_act, way_to_runs
from screens.runs.record_screen import RunRecordScreen
from screens.saving import save_text
from screens.widgets.pane import Pane
from tests.screens import basics, scenes
from tests.screens.basics import NOW
from tests.screens.fake import FakeEngine, WritableFakeEngine
from tests.screens.helping import LARGE, SMALL, USUAL, footer_keys, press, running, screen_text, until
from tests.screens.scenes import seen_run


@pytest.mark.parametrize("size", [SMALL, (120, 40), LARGE])
async def test_a_run_is_told_with_its_timeline_decisions_and_checks(size: tuple[int, int]) -> None:
    async with running(FakeEngine(scenes.healthy()), size) as (app, pilot):
        await press(pilot, "u", "enter")
        assert isinstance(app.screen, RunRecordScreen)
        await until(pilot, lambda: "By node" in screen_text(app))
        text = app.screen.query_one(Pane).text.plain
        for wanted in ("Downtime    11 min", "Data loss   2 h 00 min", "Throughput", "3 data", "✗", "op@desk",
                       "retry", "no room left", "Checks: ", "app_hash A1B2", "1-8 the step"):  # fmt: skip
            assert wanted in text, wanted
        drawing = [
            line for line in text.splitlines() if line.startswith(("db", "backup1", "decisions", "down"))
        ]
        assert all(len(line) <= size[0] - 2 for line in drawing)


async def test_the_record_is_copied_for_a_channel_and_saved_as_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "u", "enter")
        await until(pilot, lambda: "By node" in screen_text(app))
        await press(pilot, "c")
        assert app.clipboard.startswith("# Report of 20261121-031415-ab12 as md")
        await press(pilot, "S")
        saved = tmp_path / f"loomtui-report-20261121-031415-ab12-{NOW:%Y%m%d-%H%M%S}.html"
        assert saved.read_text().startswith("# Report of 20261121-031415-ab12 as html")
        assert saved.stat().st_mode & 0o777 == 0o600


async def test_a_record_that_cannot_be_read_says_why() -> None:
    async with running(FakeEngine(replace(scenes.healthy(), chronicle=None))) as (app, pilot):
        await press(pilot, "u", "enter")
        await until(pilot, lambda: "there is no run" in screen_text(app))
        assert "record.copy" not in footer_keys(app)


async def test_where_nothing_can_be_written_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise CallError("the file cannot be written: no room")

    monkeypatch.setattr("screens.runs.record_screen.save_text", refuse)
    async with running(FakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "u", "enter")
        await until(pilot, lambda: "By node" in screen_text(app))
        await press(pilot, "S")
        await until(pilot, lambda: isinstance(app.screen, ErrorDialog))


def test_a_file_is_never_written_over_another_nor_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / f"loomtui-x-{NOW:%Y%m%d-%H%M%S}.txt").symlink_to(tmp_path / "elsewhere")
    path = save_text("x", "txt", "text", NOW)
    assert path.name.endswith("-1.txt")
    assert not (tmp_path / "elsewhere").exists()


def test_where_the_folder_is_closed_the_state_folder_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = tmp_path / "state"
    monkeypatch.setattr("screens.saving.user_state_path", lambda _: state)
    monkeypatch.setattr("screens.saving.Path.cwd", lambda: tmp_path / "file" / "below")
    (tmp_path / "file").write_text("not a folder")
    assert save_text("x", "txt", "text", NOW).parent == state / "saved"
    state.joinpath("saved").rename(tmp_path / "gone")
    state.joinpath("saved").write_text("not a folder")
    with pytest.raises(CallError, match="cannot be written"):
        save_text("x", "txt", "text", NOW)


def said(app: LoomApp) -> str:
    """What stands on the screen, as if it had no lines."""
    return " ".join(screen_text(app).replace("┃", " ").split())


# ── runs of other machines ──────────────────────────────────────────────────────────────────────────────────


def test_a_run_of_another_machine_is_told_in_a_sentence() -> None:
    assert elsewhere_text(seen_run(alive_seconds=None)) == (
        "ann@desk-2 holds db1 and db2 since 2026-11-22 03:00:00 UTC with run 20261122-030000-ab12: Restore "
        "data; nobody works on it."
    )
    assert "5 seconds old" in elsewhere_text(seen_run(alive_seconds=5))
    assert "call them first" in take_over_act(seen_run(alive_seconds=5)).effect
    assert "call them" not in take_over_act(seen_run(alive_seconds=600)).effect


def test_what_to_do_next_depends_on_what_is_known() -> None:
    run = seen_run(alive_seconds=5)
    told = RunsOnNodes((run,))
    take_over = f"loomtui take-over {run.id}"
    assert take_over not in runs_note(told, can_take_over=True)  # there is a key for it
    assert f"Call ann@desk-2 first. To take it over: {take_over}." in runs_note(told, can_take_over=False)
    assert tuple(health_notes(told)) == (elsewhere_text(run),)
    assert way_to_runs(told, can_take_over=True) == "watches the run, or takes it over"
    assert take_over in str(way_to_runs(told, can_take_over=False))
    assert way_to_runs(RunsOnNodes(), can_take_over=True) is None
    lost = RunsOnNodes((replace(run, has_record=False, step=None),))
    note = runs_note(lost, can_take_over=True)
    assert "no record; the last sign" in note
    assert "It stopped db1 and replaced files on no node." in note
    assert f"loomtui rollback {run.id}" in note
    assert "docs/guide.md says how to go back by hand" in note
    assert take_over not in note
    assert "what to do" in str(way_to_runs(lost, can_take_over=True))
    odd = RunsOnNodes(odd_locks={"db3": "a lock that nobody can read: it is empty"})
    note = runs_note(odd, can_take_over=True)
    assert "loomtui changes nothing on db3" in note
    assert "Find out who put it there" in note
    (health,) = health_notes(odd)
    assert "db3 is held by a lock that nobody can read" in health


async def test_a_run_of_another_machine_can_be_taken_over_where_something_may_be_changed() -> None:
    scene = replace(scenes.of_a_colleague(), runs=())
    async with running(WritableFakeEngine(scene)) as (app, pilot):
        await press(pilot, "u")
        await until(pilot, lambda: "ann@desk-2 holds db1 and db2" in screen_text(app))
        assert {"runs.take_over", "runs.watch"} <= set(footer_keys(app))
        await press(pilot, "t")
        await until(pilot, lambda: isinstance(app.screen, ConfirmDialog))
    async with running(FakeEngine(scene)) as (app, pilot):
        await press(pilot, "u")
        await until(pilot, lambda: f"loomtui take-over {scenes.COLLEAGUES_RUN}." in said(app))
        assert "runs.take_over" not in footer_keys(app)


async def test_the_health_screen_shows_whose_run_it_is_and_forgets_it_when_the_nodes_are_free() -> None:
    engine = WritableFakeEngine(scenes.of_a_colleague())
    async with running(engine, USUAL) as (app, pilot):
        await until(pilot, lambda: "ann@desk-2 holds db1 and db2" in screen_text(app))
        assert "Restore data; the last sign of life is 5 seconds old" in said(app)
        engine.scene = scenes.healthy()
        await press(pilot, keys.name("screen.refresh"))
        await until(pilot, lambda: "ann@desk-2" not in screen_text(app), "free nodes")


async def test_a_run_of_ours_is_none_of_somebody_else_until_it_was_taken_over() -> None:
    scene = scenes.of_a_colleague()
    (mine, *_) = basics.runs(None)
    ours = replace(scene, runs=(replace(mine, id=scenes.COLLEAGUES_RUN),))
    async with running(FakeEngine(ours), USUAL) as (app, pilot):
        await press(pilot, "u")
        await until(pilot, lambda: "1 run, 1 unfinished" in screen_text(app))
        assert app.context.watch.elsewhere == RunsOnNodes()
    taken = seen_run(alive_seconds=5, generation="2-0af3")
    held = replace(ours, on_nodes=RunsOnNodes((taken,)))
    async with running(WritableFakeEngine(held), USUAL) as (app, pilot):
        await press(pilot, "escape", "u")
        await until(pilot, lambda: "ann@desk-2 holds db1" in screen_text(app))
        assert {"runs.resume", "runs.rollback"}.isdisjoint(footer_keys(app))
        assert "runs.take_over" in footer_keys(app)
