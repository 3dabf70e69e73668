"""What is decided of a plan that was made: backup.sh on the nodes, and where Redis is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from textual.widgets import Input

from loomtui.backups.model import BackupKind, FaultKind
from loomtui.restore.choices import BackupPolicy, Choices
from loomtui.restore.findings import Finding, FindingCode
from loomtui.restore.plan import PassedOver, Plan, RemedyKind
from screens.modals.ask import InputDialog
from screens.restore.plan_screen import PlanScreen
from screens.restore.plan_text import offer_of
from screens.widgets.pane import Pane
from tests.screens import plans, scenes
from tests.screens.basics import NOW
from tests.screens.fake import WritableFakeEngine
from tests.screens.helping import panel, press, running, type_text, until


def engine_of(plan: Plan) -> WritableFakeEngine:
    return WritableFakeEngine(replace(scenes.healthy(), plan=plan))


def lost_redis() -> Plan:
    sentence = "db1: loom.yml names a Redis that does not answer"  # it is the code that counts
    plan = plans.plan(refusals=(Finding(FindingCode.REDIS_UNREACHED, "db1", sentence),))
    nodes = tuple(
        replace(
            node, external_addresses=tuple(replace(entry, reached=False) for entry in node.external_addresses)
        )
        for node in plan.nodes
    )
    return replace(plan, nodes=nodes)


def halting(**changes: Any) -> Plan:
    plan = plans.plan(moves=False)
    return replace(plan, prediction=replace(plan.prediction, **changes))


def test_a_reset_is_offered_where_the_height_of_the_data_is_not_known() -> None:
    offer = offer_of(halting(height=None))
    assert offer is not None
    assert offer.remedy is RemedyKind.RESET
    assert "after the height of the data again" in offer.effect


def test_a_reset_is_offered_where_a_validator_is_gone() -> None:
    plan = halting()
    without = replace(plan, nodes=tuple(node for node in plan.nodes if node.name != "db4"))
    offer = offer_of(without)
    assert offer is not None
    assert offer.nodes == ("db1", "db2", "db3")
    assert "or is gone for good" in offer.danger


def test_where_the_engine_sees_no_safe_way_no_reset_is_offered() -> None:
    assert offer_of(halting(remedy_kind=RemedyKind.FIND_KEYS)) is None


async def test_what_is_done_about_backup_sh_is_chosen_on_the_plan() -> None:
    engine = engine_of(plans.plan())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        assert "backup.sh: wait" in panel(app)
        assert "/var/tmp/stage is set aside" in app.screen.query_one(Pane).text.plain
        await press(pilot, "p")
        assert "backup.sh: stop" in panel(app)
        assert "its backup is lost" in panel(app)
        await press(pilot, "p", "p", "p", "p")
        assert "backup.sh: leave" in panel(app)
        await press(pilot, "x")
        await until(pilot, lambda: bool(engine.begun))
        assert engine.begun[0].plan.backup_policy is BackupPolicy.LEAVE


async def test_without_backup_sh_there_is_nothing_to_choose() -> None:
    plan = plans.plan()
    plan = replace(
        plan, nodes=tuple(replace(node, backup_jobs=(), external_addresses=()) for node in plan.nodes)
    )
    async with running(engine_of(plan)) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        assert "backup.sh:" not in panel(app)
        await press(pilot, "p", "e")
        assert isinstance(app.screen, PlanScreen)


async def test_what_is_newer_and_was_passed_over_is_named() -> None:
    passed = PassedOver(
        "prod/2026-11-22--020000-backup1.tar.bz2",
        4_096,
        NOW - timedelta(hours=1),
        BackupKind.DATA,
        FaultKind.REJECTED,
        "the archive ends too soon",
        True,
    )
    plan = replace(plans.plan(), passed_over=(passed,))
    async with running(engine_of(plan)) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        text = app.screen.query_one(Pane).text.plain
        assert "Newer, but passed over" in text
        assert passed.key in text
        assert "the archive ends too soon" in text


async def test_redis_out_of_reach_is_decided_on_the_plan() -> None:
    engine = engine_of(lost_redis())
    async with running(engine) as (app, pilot):
        await press(pilot, "r", "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None)
        assert "would not reach its Redis" in panel(app)
        await press(pilot, "e")
        await until(pilot, lambda: isinstance(app.screen, InputDialog) and bool(app.screen.query(Input)))
        await type_text(pilot, "nonsense")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert engine.choices[-1].redis is None
        await press(pilot, "e")
        await type_text(pilot, "10.9.9.9:7000")
        await press(pilot, "enter")
        await until(pilot, lambda: engine.choices[-1].redis == "10.9.9.9:7000")


async def test_a_plan_from_a_file_is_made_anew_of_its_own_choices() -> None:
    choices = Choices(nodes=("db2",), keep_keys=True, backup_policy=BackupPolicy.STOP)
    engine = engine_of(replace(lost_redis(), choices=choices))
    async with running(engine, plan_path=Path("plan.yml")) as (app, pilot):
        await until(pilot, lambda: isinstance(app.screen, PlanScreen))
        assert "backup.sh: stop" in panel(app)
        await press(pilot, "p", "e")
        await until(pilot, lambda: isinstance(app.screen, InputDialog) and bool(app.screen.query(Input)))
        await type_text(pilot, "10.9.9.9:7000")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(engine.choices))
        assert engine.choices == [
            replace(choices, backup_policy=BackupPolicy.LEAVE, redis="10.9.9.9:7000"),
        ]
