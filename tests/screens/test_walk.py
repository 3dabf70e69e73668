"""The restore by keys alone, at 80x24, by someone who reads nothing but the screen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from textual.pilot import Pilot
from textual.widgets import Button, Input

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.running.operator import Approval, FailureQuestion, Go, Preview, UnitDraft
from screens.app import LoomApp
from screens.health.health_screen import HealthScreen
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import ConfirmDialog
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.restore.restore_screen import RestoreScreen
from screens.restore.run_view import StepState
from screens.restore.screen_operator import ScreenOperator, StepQuestion, UnitQuestion
from tests.screens import basics, records, scenes
from tests.screens.basics import NOW
from tests.screens.fake import RUN_ID, FakeRun, WritableFakeEngine, judge
from tests.screens.helping import footer_keys, panel, press, running, screen_text, type_text, until
from tests.screens.walking import (
    begin,
    carry_out,
    consent,
    outcome_of,
    pending_question,
    step_shown,
    until_asked,
)

DRAFT = UnitDraft(basics.UNIT_AFTER, "", judge)


async def test_the_whole_restore_by_keys() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in StepName:
            await carry_out(app, pilot, step)
            if step is StepName.SERVICES:
                await until(
                    pilot,
                    lambda: isinstance(pending_question(app), UnitQuestion),
                    "the question about a unit",
                )
                await until(pilot, lambda: "db1" in panel(app), "the panel")
                assert "+ ExecStart" in screen_text(app)
                await press(pilot, "x")
                await until(pilot, lambda: "db2" in panel(app), "the second unit")
                await press(pilot, "x")
        await until(pilot, lambda: outcome_of(app) is Outcome.RESTORED, "the end")
        await until(pilot, lambda: "RESTORED" in panel(app), "the panel")
        assert engine.begun[0].declined == []
        assert len(engine.begun[0].done) == 8 * 5
        await press(pilot, "escape")
        assert isinstance(app.screen, HealthScreen)
        assert app.leaving.exit_status == 0


async def test_the_room_is_freed_by_its_key_and_the_name() -> None:
    over = replace(basics.runs()[0], id=RUN_ID)
    scene = replace(scenes.healthy(), runs=(over,), chronicle=records.with_loose_ends())
    engine = WritableFakeEngine(scene)
    async with running(engine) as (app, pilot):
        app.runs.roll_back_run(RUN_ID)
        await consent(app, pilot)
        await until(pilot, lambda: "free the room" in panel(app), "the offer")
        await press(pilot, "F")
        await consent(app, pilot)
        await until(pilot, lambda: engine.begun[-1].done == ["clean"], "it is deleted")
        await until(pilot, lambda: "12.0 GiB are free again" in screen_text(app), "what is free is told")


async def test_a_fault_of_loomtui_itself_is_told_and_the_run_can_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def broken(run: FakeRun, step: StepName) -> None:
        raise ZeroDivisionError("[red]\x1b[31m")

    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        with monkeypatch.context() as patched:
            patched.setattr(FakeRun, "_attempt", broken)
            await press(pilot, "x")
            await until(pilot, lambda: "Something went wrong" in screen_text(app), "the error")
        text = " ".join(screen_text(app).replace("┃", " ").split())
        assert "an unexpected error inside loomtui: ZeroDivisionError: [red]" in text
        assert "What a restore has stopped stays stopped and held" in text
        await press(pilot, "escape")
        await until(pilot, lambda: "STOPPED" in panel(app), "the panel")
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.PREFLIGHT)


async def test_a_fault_elsewhere_does_not_say_that_the_run_has_stopped() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        app.navigation.show_fault(KeyError("of another screen"))
        await until(
            pilot, lambda: "The restore is not touched by it and goes on" in screen_text(app), "the error"
        )
        assert "stays stopped" not in screen_text(app)
        await press(pilot, "escape")
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)


async def test_the_name_is_typed_once_before_the_stop() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    steps_with_name = set()
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in list(StepName)[:4]:
            await until_asked(app, pilot, step)
            if "asks for the cluster's name" in panel(app):
                steps_with_name.add(step)
            await carry_out(app, pilot, step)
    assert steps_with_name == {StepName.STOP}


async def test_a_wrong_name_and_a_blind_enter_stop_nothing() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await press(pilot, "x")
        await type_text(pilot, "loom-test")
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "escape")
        assert isinstance(app.screen, RestoreScreen)
        await press(pilot, "x", "enter")
        assert isinstance(app.screen, RestoreScreen)
        assert isinstance(pending_question(app), StepQuestion)
        assert not any(done.startswith("stop ") for done in engine.begun[0].done)


@pytest.mark.slow
async def test_a_production_cluster_is_asked_about_twice() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await press(pilot, "x")
        await type_text(pilot, basics.CLUSTER)
        await press(pilot, "enter", "enter")
        assert isinstance(app.screen, ConfirmDialog)
        assert "It is a production cluster. Type production as well" in screen_text(app)
        assert app.screen.query_one("#confirm", Button).disabled
        await type_text(pilot, basics.CLUSTER)
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmDialog), "the name once more is not what is asked for"
        await press(pilot, "escape")
        assert isinstance(pending_question(app), StepQuestion)
        assert not any(done.startswith("stop ") for done in engine.begun[0].done)
        await press(pilot, "x")
        await consent(app, pilot)
        await until_asked(app, pilot, StepName.DATA)


async def test_another_cluster_is_asked_about_once() -> None:
    engine = WritableFakeEngine(scenes.healthy(production=False))
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)
        await press(pilot, "x")
        await type_text(pilot, basics.CLUSTER)
        await press(pilot, "enter")
        await until_asked(app, pilot, StepName.DATA)


async def test_a_key_that_is_held_down_answers_one_question() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine, settle_seconds=3600) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        await press(pilot, "x", "x", "x")
        await until_asked(app, pilot, StepName.PREFLIGHT)
        assert engine.begun[0].done == []


async def test_all_units_are_approved_at_once_when_they_are_as_previewed() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in list(StepName)[:6]:
            await carry_out(app, pilot, step)
        await until(pilot, lambda: isinstance(pending_question(app), UnitQuestion) and "db1" in panel(app))
        await press(pilot, "a")
        await until_asked(app, pilot, StepName.START)
        assert engine.begun[0].declined == []


async def test_a_unit_can_be_left_as_it_is() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        for step in list(StepName)[:6]:
            await carry_out(app, pilot, step)
        await until(pilot, lambda: isinstance(pending_question(app), UnitQuestion) and "db1" in panel(app))
        await press(pilot, "m")
        await until(pilot, lambda: "db2" in panel(app))
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.START)
        assert engine.begun[0].declined == ["db1"]


async def test_another_diff_than_the_previewed_one_is_asked_about() -> None:
    operator = ScreenOperator("me", lambda: None)
    shown_before = {"db1": Preview("db1", "", "-a\n+b"), "db2": Preview("db2", "", "-a\n+b")}

    async def before() -> None:
        await operator.before_step(StepName.SERVICES, shown_before)

    task = asyncio.create_task(before())
    await asyncio.sleep(0)
    assert operator.pending is not None
    operator.answer(operator.pending, Go.CONTINUE)
    await task
    first = asyncio.create_task(operator.approve_unit("db1", shown_before["db1"], DRAFT))
    await asyncio.sleep(0)
    assert isinstance(operator.pending, UnitQuestion)
    operator.approve_all(operator.pending)
    assert await first == Approval(True)
    assert await operator.approve_unit("db2", shown_before["db2"], DRAFT) == Approval(True)
    other = asyncio.create_task(operator.approve_unit("db2", Preview("db2", "", "-a\n+evil"), DRAFT))
    await asyncio.sleep(0)
    assert isinstance(operator.pending, UnitQuestion)
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    assert operator.pending is None


async def fail_at_config(app: LoomApp, pilot: Pilot[int]) -> None:
    await begin(app, pilot)
    for step in list(StepName)[:4]:
        await carry_out(app, pilot, step)
    await until(
        pilot,
        lambda: isinstance(pending_question(app), FailureQuestion) and "failed" in panel(app),
        "the failure",
    )
    text = screen_text(app)
    assert "the disk is full" in text
    assert "The old data is untouched." in text
    assert "Make room, then retry." in text
    assert app.context.controller is not None
    assert app.context.controller.view is not None
    assert app.context.controller.view.states[StepName.CONFIG] is StepState.FAILED


def failing() -> WritableFakeEngine:
    return WritableFakeEngine(scenes.healthy(), {(StepName.CONFIG, "db2")})


async def test_failure_retry() -> None:
    engine = failing()
    async with running(engine) as (app, pilot):
        await fail_at_config(app, pilot)
        await press(pilot, "y")
        await until_asked(app, pilot, StepName.SERVICES)
        assert engine.begun[0].done.count("config db2") == 1


@pytest.mark.slow
async def test_failure_leave_out() -> None:
    engine = failing()
    async with running(engine) as (app, pilot):
        await fail_at_config(app, pilot)
        await press(pilot, "m", "enter")
        assert isinstance(pending_question(app), FailureQuestion), "the first choice leaves none out"
        await press(pilot, "m", "down", "enter")
        await until_asked(app, pilot, StepName.SERVICES)
        assert engine.begun[0].left_out == {"db2"}


@pytest.mark.slow
async def test_what_does_not_stop_is_killed_only_when_that_is_confirmed() -> None:
    engine = WritableFakeEngine(scenes.healthy(), {(StepName.STOP, "db2")})
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await carry_out(app, pilot, StepName.STOP)
        await until(pilot, lambda: isinstance(pending_question(app), FailureQuestion), "the failure")
        assert "process 7 (loom)" in screen_text(app)
        await press(pilot, "z")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "escape")
        assert "kill db2" not in engine.begun[0].done
        await press(pilot, "z")
        await consent(app, pilot)
        await until_asked(app, pilot, StepName.DATA)
        assert engine.begun[0].done.count("kill db2") == 1


async def test_killing_is_not_offered_for_other_failures() -> None:
    async with running(failing()) as (app, pilot):
        await fail_at_config(app, pilot)
        assert "run.kill" not in footer_keys(app)


@pytest.mark.slow
async def test_failure_stop_and_resume() -> None:
    engine = failing()
    async with running(engine) as (app, pilot):
        await fail_at_config(app, pilot)
        await press(pilot, "e")
        await until(pilot, lambda: "STOPPED" in panel(app), "the end")
        assert f"loomtui resume {RUN_ID}" in panel(app)
        assert app.leaving.exit_status == 130
        assert RUN_ID in app.leaving.farewell
        await press(pilot, "x")
        await until_asked(app, pilot, StepName.PREFLIGHT)
        assert len(engine.begun) == 2


@pytest.mark.slow
async def test_failure_roll_back() -> None:
    async with running(failing()) as (app, pilot):
        await fail_at_config(app, pilot)
        await press(pilot, "v")
        assert isinstance(app.screen, ConfirmDialog)
        await press(pilot, "escape")
        assert isinstance(pending_question(app), FailureQuestion)
        await press(pilot, "v")
        await consent(app, pilot)
        await until(pilot, lambda: outcome_of(app) is Outcome.ROLLED_BACK, "the rollback")
        await until(pilot, lambda: "ROLLED BACK" in panel(app))
        assert app.leaving.exit_status == 0


@pytest.mark.slow
async def test_stop_before_a_step_then_roll_back() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await begin(app, pilot)
        assert "run.rollback" not in footer_keys(app), "nothing was changed yet"
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await carry_out(app, pilot, StepName.STOP)
        await until_asked(app, pilot, StepName.DATA)
        await press(pilot, "e")
        await until(pilot, lambda: "STOPPED" in panel(app))
        await press(pilot, "v")
        await consent(app, pilot)
        await until(pilot, lambda: outcome_of(app) is Outcome.ROLLED_BACK)


async def test_a_standstill_is_declined_and_nothing_happens() -> None:
    engine = WritableFakeEngine(scenes.degraded())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        assert "STAND STILL" in screen_text(app)
        assert "plan.start" not in footer_keys(app)
        await press(pilot, "x", "n")
        assert "Nothing was changed" in panel(app)
        assert "plan.reset" not in footer_keys(app)
        await press(pilot, "x", "z", "escape")
        assert isinstance(app.screen, ChooseScreen)
        assert engine.begun == []
        assert [choices.reset_signing for choices in engine.choices] == [False]


async def test_a_standstill_is_mended_by_the_reset() -> None:
    engine = WritableFakeEngine(scenes.degraded())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        await press(pilot, "z")
        await until(pilot, lambda: len(engine.choices) == 2, "another plan")
        assert engine.begun == [], "only the plan is made anew"
        assert engine.choices[1].reset_signing
        await until(pilot, lambda: "plan.start" in footer_keys(app))
        assert "CAN MOVE" in screen_text(app)


async def test_the_run_goes_on_behind_other_screens() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await begin(app, pilot)
        await press(pilot, "o")
        assert "run waits for you" in screen_text(app)
        await press(pilot, "r")
        assert step_shown(app, StepName.PREFLIGHT)
        await press(pilot, "escape", "escape", "escape", "escape", "escape")
        assert isinstance(app.screen, HealthScreen)
        await press(pilot, "r")
        await carry_out(app, pilot, StepName.PREFLIGHT)
        await until_asked(app, pilot, StepName.STOP)


async def test_no_node_is_looked_at_behind_a_run_that_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """It looks at them itself, and an outage is longer by whatever else the nodes and this machine do."""
    monkeypatch.setattr("screens.health.node_polls._REFRESH_SECONDS", 0.01)
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        looks = engine.looks
        await until(pilot, lambda: engine.looks > looks + 2 * len(basics.NAMES), "looks without a run")
        await begin(app, pilot)
        await pilot.pause(0.1)  # for those that were on their way
        looks = engine.looks
        await pilot.pause(0.2)
        assert engine.looks == looks
        await press(pilot, "h")
        assert isinstance(app.screen, HealthScreen)
        await until(pilot, lambda: engine.looks > looks + 2 * len(basics.NAMES), "looks beside the run")


async def test_leaving_in_the_middle_says_how_to_resume() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await begin(app, pilot)
        await press(pilot, "q")
        assert isinstance(app.screen, ChoiceDialog)
        assert f"loomtui resume {RUN_ID}" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, RestoreScreen)
        await press(pilot, "q", "down", "enter")
        await until(pilot, lambda: app.return_value == 130, "the end")


async def test_an_unfinished_run_is_offered() -> None:
    from dataclasses import replace

    scene = replace(scenes.healthy(), runs=basics.runs(None))
    engine = WritableFakeEngine(scene)
    async with running(engine) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the offer")
        assert "20261121-031415-ab12" in screen_text(app)
        await press(pilot, "enter")
        assert engine.begun == [], "to look first is the first choice"
        await press(pilot, "u", "x")
        await until_asked(app, pilot, StepName.PREFLIGHT)


async def test_the_choices_reach_the_plan() -> None:
    engine = WritableFakeEngine(scenes.healthy())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "n", "space", "tab", "enter")
        assert isinstance(app.screen, ChooseScreen)
        await press(pilot, "f", "t")
        await type_text(pilot, "20261120")
        await press(pilot, "enter", "down", "enter")
        await until(pilot, lambda: len(engine.choices) == 1)
        choices = engine.choices[0]
        assert choices.nodes == basics.NAMES[1:]
        assert not choices.stage_first
        assert choices.before is not None
        assert choices.before.isoformat() == "2026-11-20T00:00:00+00:00"
        assert choices.data_key == basics.backups()[0].key


async def test_backups_are_chosen_by_how_long_ago_they_were_taken() -> None:
    async with running(WritableFakeEngine(scenes.healthy())) as (app, pilot):
        await press(pilot, "r", "t")
        app.screen.query_one("#line", Input).value = "-6h"
        await press(pilot, "enter")
        assert isinstance(app.screen, ChooseScreen)
        assert app.screen.choices.before == NOW - timedelta(hours=6)
        await press(pilot, "t")
        app.screen.query_one("#line", Input).value = "-6x"
        await press(pilot, "enter")
        assert "'-6x' is not a time" in screen_text(app)
        assert app.screen.choices.before == NOW - timedelta(hours=6)


async def test_no_backup_says_so_and_leaves_a_way_back() -> None:
    engine = WritableFakeEngine(scenes.empty())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: "no data backup" in screen_text(app))
        assert "Nothing was changed." in panel(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, ChooseScreen)
