"""The restore by keys, as the panel at the bottom says them."""

from __future__ import annotations

from textual.pilot import Pilot
from textual.widgets import TextArea

from loomtui.restore.events import Outcome, StepName
from loomtui.restore.running.operator import ONLY_LOOKS
from screens.app import LoomApp
from screens.modals.confirm import ConfirmDialog
from screens.modals.edit import EditDialog
from screens.restore.plan_screen import PlanScreen
from screens.restore.restore_screen import RestoreScreen
from screens.restore.run_view import STEPS
from screens.restore.screen_operator import StepQuestion
from tests.screens.helping import panel, press, type_text, until


def pending_question(app: LoomApp) -> object:
    assert app.context.controller is not None
    return app.context.controller.operator.pending


async def until_asked(app: LoomApp, pilot: Pilot[int], step: StepName) -> None:
    def is_it() -> bool:
        question = pending_question(app)
        return isinstance(question, StepQuestion) and question.step is step and step_shown(app, step)

    await until(pilot, is_it, f"the question before {step}")


def step_shown(app: LoomApp, step: StepName) -> bool:
    return isinstance(app.screen, RestoreScreen) and f"Step {STEPS.index(step) + 1} of 8" in panel(app)


async def begin(app: LoomApp, pilot: Pilot[int]) -> None:
    await press(pilot, "r", "enter")
    await until(pilot, lambda: isinstance(app.screen, PlanScreen) and app.screen.plan is not None, "a plan")
    assert "x" in panel(app)
    await press(pilot, "x")
    await until_asked(app, pilot, StepName.PREFLIGHT)


async def consent(app: LoomApp, pilot: Pilot[int]) -> None:
    """What a dangerous act asks for: the cluster's name, and of a production cluster a word more."""
    assert isinstance(app.screen, ConfirmDialog)
    await type_text(pilot, app.context.cluster)
    await press(pilot, "enter")
    if app.context.engine.inventory.production:
        await type_text(pilot, "production")
        await press(pilot, "enter")


async def carry_out(app: LoomApp, pilot: Pilot[int], step: StepName) -> None:
    """As the panel says it: x, and the cluster's name where it is asked for. What only looks asks nothing."""
    if step in ONLY_LOOKS:
        return
    await until_asked(app, pilot, step)
    wants_name = "asks for the cluster's name" in panel(app)
    await press(pilot, "x")
    if wants_name:
        await consent(app, pilot)


def outcome_of(app: LoomApp) -> Outcome | None:
    controller = app.context.controller
    return controller.view.outcome if controller is not None and controller.view is not None else None


async def edit(app: LoomApp, pilot: Pilot[int], old: str, new: str) -> None:
    """Opens the editor and submits the text with one thing changed."""
    await press(pilot, "E")
    assert isinstance(app.screen, EditDialog)
    area = app.screen.query_one(TextArea)
    assert old in area.text
    area.text = area.text.replace(old, new)
    await press(pilot, "tab", "enter")
