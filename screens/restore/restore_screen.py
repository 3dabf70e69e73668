"""The third part of a restore: the run, step by step. Leaving this screen does not stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from textual import events

from loomtui.engine.api import WritableEngine
from loomtui.errors import StillRunning
from loomtui.restore.plan import Plan
from loomtui.restore.running.operator import Approval, FailureQuestion, Go, OnFailure, OnPlan
from loomtui.wording.quantities import joined
from loomtui.wording.states import STEP_TITLES
from screens.input import keys
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import Act, ConfirmDialog
from screens.modals.edit import EditDialog, Edited
from screens.modals.text import TextDialog
from screens.navigation import navigation_of, runs_of
from screens.restore.consent import all_of_it, before_step
from screens.restore.run_controller import RunController
from screens.restore.run_screen import RunScreen
from screens.restore.run_text import RunUiState, needs_name
from screens.restore.screen_operator import PlanQuestion, StepQuestion, UnitQuestion
from screens.text import content


class RestoreScreen(RunScreen):
    NAME_SHOWN: ClassVar[str] = "Restore"
    HELP: ClassVar[str] = (
        "On the left are the eight steps. In the middle is what the next step would do on each node, or the "
        "nodes of the step that runs; {run.view} switches between them. Below are the services' logs. The "
        "bottom says what goes on, and names the next key in words. Before each step that changes something "
        "the run waits for you, unless you let it carry on ({run.carry_on}): then it asks only where "
        "something fails or is not as the plan shows it, and {run.stop} makes it wait before the next step. "
        "You type the cluster's name once, under all that will be done, and again only to roll back. You can "
        "edit a unit before you approve it. Nothing is deleted but old databases that you gave up: what is "
        "replaced is kept in the run's folder on each node. The run goes on while "
        "you look at other screens ({app.restore} comes back), and it survives the end of this program."
    )

    def __init__(self, controller: RunController) -> None:
        super().__init__(controller)
        self.controller = controller
        self._typed_units: dict[str, str] = {}  # what became of units' texts in the editor, by node
        self._pressed = ""  # the key that was pressed last

    def on_key(self, event: events.Key) -> None:
        """What is typed behind a key that was passed over was meant for what that key would have opened."""
        self._pressed = event.key
        if self._question is not None and self.settling.swallows(time.monotonic(), event.key):
            event.stop()
            event.prevent_default()

    def state(self) -> RunUiState:
        state, question, engine = super().state(), self.controller.pending, self.context.engine
        step = question.step if isinstance(question, StepQuestion) else state.view.current
        plan = self._plan()
        state = replace(
            state,
            estimate=self.controller.estimates.get(step) if step else None,
            consented=plan is not None and self.controller.operator.has_consented(plan),
            carries_on=self.controller.operator.carries_on,
            too_quick=question is not None and self.settling.is_hushed(time.monotonic()),
        )
        if state.view.finished:
            state = replace(state, ending=self.controller.ending, cleaning=self.controller.cleaning)
        if isinstance(question, StepQuestion) and isinstance(engine, WritableEngine):
            step_words = engine.step(question.step)
            state = replace(state, effect=step_words.effect, undo=step_words.undo)
        return state

    def _plan(self) -> Plan | None:
        """The plan that the next consent is about."""
        if isinstance(self.controller.pending, PlanQuestion):
            return self.controller.pending.completed
        return self.controller.handle.plan if self.controller.handle is not None else None

    def _ask(self, act: Act, act_confirmed: Callable[[], object]) -> None:
        def carry_out_if(confirmed: bool | None) -> None:
            if confirmed:
                act_confirmed()

        self.app.push_screen(ConfirmDialog(act), carry_out_if)

    def _too_quick(self) -> bool:
        """A key that is held down answers only one question."""
        if self._question is None or self.settling.takes(time.monotonic(), self._pressed):
            return False
        self.show()
        return True

    def action_go_on(self) -> None:
        question, operator = self._question, self.controller.operator
        if self._too_quick():
            return
        if isinstance(question, PlanQuestion):
            operator.answer(question, OnPlan.CONTINUE)
        elif isinstance(question, UnitQuestion):
            operator.answer(question, question.yes)
        elif isinstance(question, StepQuestion):
            self._carry_out(question)
        elif self.controller.handle is not None and not self.controller.busy:
            runs_of(self).resume_run(self.controller.handle.id)

    def _carry_out(self, question: StepQuestion) -> None:
        operator, plan = self.controller.operator, self._plan()

        def consented() -> None:
            if plan is not None:
                operator.consent(plan)
            operator.answer(question, Go.CONTINUE)

        if plan is not None and needs_name(question, consented=operator.has_consented(plan)):
            self._ask(before_step(plan, STEP_TITLES[question.step]), consented)
        else:
            operator.answer(question, Go.CONTINUE)

    def action_carry_on(self) -> None:
        """All that is left. What is listed for it was typed for, or is now."""
        operator, plan = self.controller.operator, self._plan()
        if self._too_quick() or plan is None:
            return

        def consented() -> None:
            operator.consent(plan)
            operator.carry_on()

        if operator.has_consented(plan):
            operator.carry_on()
        else:
            self._ask(all_of_it(plan), consented)

    def action_consent(self) -> None:
        """Makes the completed plan again with what it offers; then it is asked about again."""
        question = self._question
        if isinstance(question, PlanQuestion) and not self._too_quick():
            self.controller.operator.answer(question, OnPlan.CONSENT)

    def action_approve_all(self) -> None:
        if isinstance(self._question, UnitQuestion) and not self._too_quick():
            self.controller.operator.approve_all(self._question)

    def action_refuse_unit(self) -> None:
        if isinstance(self._question, UnitQuestion) and not self._too_quick():
            self.controller.operator.answer(self._question, Approval(False))

    def action_edit_unit(self) -> None:
        question = self._question
        if not isinstance(question, UnitQuestion):
            return
        if question.draft.locked:
            self.app.push_screen(TextDialog(f"The unit of {question.node}", question.draft.locked))
            return
        text = self._typed_units.get(question.node) or question.yes.text or question.draft.text
        dialog = EditDialog(f"The unit of {question.node}", text, question.draft.judge)
        self.app.push_screen(dialog, lambda edited: self._take_edit(question, edited))

    def _take_edit(self, question: UnitQuestion, edited: Edited | None) -> None:
        """What was typed is there again when the dialog is opened the next time."""
        if edited is None:
            return
        self._typed_units[question.node] = edited.text
        if edited.accepted and not self.controller.operator.revise(question, edited.text):
            content.tell(self, "Nobody asks about this unit any more.", severity="warning")

    def action_retry(self) -> None:
        if isinstance(self._question, FailureQuestion) and not self._too_quick():
            self.controller.operator.answer(self._question, (OnFailure.RETRY, None))

    def action_kill(self) -> None:
        question = self._question
        if not isinstance(question, FailureQuestion):
            return
        nodes = tuple(name for name, error in question.failures.items() if isinstance(error, StillRunning))
        effect = "The processes named above get SIGKILL. Loom's databases were not seen to suffer from it."
        self._ask(
            Act("Kill what is left", nodes, effect, "It cannot be undone.", "Kill", typed=True),
            lambda: self.controller.operator.answer(question, (OnFailure.KILL, None)),
        )

    def action_leave_out(self) -> None:
        question = self._question
        if not isinstance(question, FailureQuestion):
            return

        def leave_out(node: str | None) -> None:
            if node:
                self.controller.operator.answer(question, (OnFailure.LEAVE_OUT, node))

        effect = "it stays stopped and held, and its data as it is now; the others go on without it"
        self.app.push_screen(
            ChoiceDialog(
                "Leave a node out",
                "As the plan predicts it, the chain can move without this node.",
                (
                    ("", "leave none out", "back to the choice"),
                    *((node, f"leave {node} out", effect) for node in question.may_leave),
                ),
            ),
            leave_out,
        )

    def action_stop_here(self) -> None:
        question, operator = self._question, self.controller.operator
        if self._too_quick():
            return
        if isinstance(question, StepQuestion):
            operator.answer(question, Go.STOP)
        elif isinstance(question, PlanQuestion):
            operator.answer(question, OnPlan.STOP)
        elif isinstance(question, FailureQuestion):
            operator.answer(question, (OnFailure.STOP, None))
        elif operator.carries_on:
            operator.go_step_by_step()
        elif self.controller.busy:
            nodes = self.controller.view.nodes if self.controller.view else ()
            effect = "The work ends where it is. Services that are stopped stay stopped and held."
            self._ask(
                Act(
                    "Stop the run", nodes, effect, f"Resume it: {keys.name('run.go')} on this screen.", "Stop"
                ),
                self.controller.stop,
            )

    def action_roll_back(self) -> None:
        question, controller = self._question, self.controller
        view = controller.view
        act = rollback_act(view.nodes, view.given_up) if view is not None else rollback_act(())
        if isinstance(question, StepQuestion):
            self._ask(act, lambda: controller.operator.answer(question, Go.ROLL_BACK))
        elif isinstance(question, FailureQuestion):
            self._ask(act, lambda: controller.operator.answer(question, (OnFailure.ROLL_BACK, None)))
        elif controller.handle is not None and not controller.busy:
            run_id = controller.handle.id
            self._ask(act, lambda: runs_of(self).start_rollback(run_id))

    def action_clean(self) -> None:
        controller = self.controller
        if controller.handle is None or controller.busy:
            return
        run_id = controller.handle.id
        nodes = controller.view.nodes if controller.view is not None else ()
        self._ask(clean_act(nodes), lambda: runs_of(self).clean_run(run_id))

    def action_back(self) -> None:
        """Goes home if the run is over. The choice and the plan behind this screen are then of the past."""
        if self.controller.over and not self.controller.busy:
            navigation_of(self).go("health")
        else:
            super().action_back()


def rollback_act(nodes: tuple[str, ...], given_up: tuple[str, ...] = ()) -> Act:
    """`given_up`: nodes whose old databases are deleted."""
    gone = (
        f" The old data of {joined(given_up)} was given up and does not come back: config and units are put "
        "back there, and the service stays stopped and held."
    )
    return Act(
        "Roll back",
        nodes,
        "Data, config and units that were there before the run are put back, and services that ran then are "
        f"started.{gone if given_up else ''}",
        "The run can be done again; what it restored is kept in its folder on the nodes.",
        "Roll back",
        typed=True,
    )


def clean_act(nodes: tuple[str, ...]) -> Act:
    return Act(
        "Free the room",
        nodes,
        "What the run replaced is deleted on these nodes for good.",
        "The run cannot be rolled back any more.",
        "Free the room",
        typed=True,
    )
