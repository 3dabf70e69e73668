"""The third part of a restore: the run, step by step. Leaving this screen does not stop it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar

from loomtui.engine.api import WritableEngine
from loomtui.errors import StillRunning
from loomtui.restore.running.operator import Approval, Go, OnFailure
from loomtui.wording.states import STEP_TITLES
from screens.input import keys
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import Act, ConfirmDialog
from screens.modals.edit import EditDialog, Edited
from screens.modals.text import TextDialog
from screens.navigation import navigation_of, runs_of
from screens.restore.run_controller import RunController
from screens.restore.run_screen import RunScreen
from screens.restore.run_text import RunUiState, needs_name
from screens.restore.screen_operator import FailureQuestion, StepQuestion, UnitQuestion
from screens.text import content


class RestoreScreen(RunScreen):
    NAME_SHOWN: ClassVar[str] = "Restore"
    HELP: ClassVar[str] = (
        "On the left are the eight steps. In the middle is what the next step would do on each node, or the "
        "nodes of the step that runs; {run.view} switches between them. Below are the services' logs. The "
        "bottom says what goes on, and names the next key in words. Before each step the run waits for you. "
        "Before the services are stopped, the data is swapped, or the run is rolled back, you type the "
        "cluster's name. You can edit a unit before you approve it. Nothing is deleted: what is replaced is "
        "kept in the run's folder on each node. The run goes on while you look at other screens "
        "({app.restore} comes back), and it survives the end of this program."
    )

    def __init__(self, controller: RunController) -> None:
        super().__init__(controller)
        self.controller = controller
        self._typed_units: dict[str, str] = {}  # what became of units' texts in the editor, by node

    def state(self) -> RunUiState:
        state, question, engine = super().state(), self.controller.pending, self.context.engine
        step = question.step if isinstance(question, StepQuestion) else state.view.current
        state = replace(state, estimate=self.controller.estimates.get(step) if step else None)
        if isinstance(question, StepQuestion) and isinstance(engine, WritableEngine):
            step_words = engine.step(question.step)
            state = replace(state, effect=step_words.effect, undo=step_words.undo)
        return state

    def _ask(self, act: Act, act_confirmed: Callable[[], object]) -> None:
        def carry_out_if(confirmed: bool | None) -> None:
            if confirmed:
                act_confirmed()

        self.app.push_screen(ConfirmDialog(act), carry_out_if)

    def _too_quick(self) -> bool:
        """A key that is held down answers only one question."""
        if self._question is None or self.settling.takes(time.monotonic()):
            return False
        if self.settling.refused == 1:
            content.tell(self, "That was quick: read what is asked now, then press the key again.", seconds=3)
        return True

    def action_go_on(self) -> None:
        question, operator = self._question, self.controller.operator
        if self._too_quick():
            return
        if isinstance(question, UnitQuestion):
            operator.answer(question, question.yes)
        elif isinstance(question, StepQuestion):
            if needs_name(question):
                self._ask(self._step_act(question), lambda: operator.answer(question, Go.CONTINUE))
            else:
                operator.answer(question, Go.CONTINUE)
        elif self.controller.handle is not None and not self.controller.busy:
            runs_of(self).resume_run(self.controller.handle.id)

    def _step_act(self, question: StepQuestion) -> Act:
        engine = self.context.engine
        step_words = engine.step(question.step) if isinstance(engine, WritableEngine) else None
        nodes = tuple(name for name, preview in question.previews.items() if not preview.already)
        title = STEP_TITLES[question.step]
        effect, undo = (step_words.effect, step_words.undo) if step_words else ("", "")
        return Act(title, nodes, effect, undo, verb=title, typed=True)

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
        elif isinstance(question, FailureQuestion):
            operator.answer(question, (OnFailure.STOP, None))
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
        act = rollback_act(controller.view.nodes if controller.view else ())
        if isinstance(question, StepQuestion):
            self._ask(act, lambda: controller.operator.answer(question, Go.ROLL_BACK))
        elif isinstance(question, FailureQuestion):
            self._ask(act, lambda: controller.operator.answer(question, (OnFailure.ROLL_BACK, None)))
        elif controller.handle is not None and not controller.busy:
            run_id = controller.handle.id
            self._ask(act, lambda: runs_of(self).start_rollback(run_id))

    def action_back(self) -> None:
        """Goes home if the run is over. The choice and the plan behind this screen are then of the past."""
        if self.controller.over and not self.controller.busy:
            navigation_of(self).go("health")
        else:
            super().action_back()


def rollback_act(nodes: tuple[str, ...]) -> Act:
    return Act(
        "Roll back",
        nodes,
        "Data, config and units that were there before the run are put back, and services that ran then are "
        "started.",
        "The run can be done again; what it restored is kept in its folder on the nodes.",
        "Roll back",
        typed=True,
    )
