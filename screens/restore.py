"""Third part of a restore: the run, step by step. Leaving this screen does not stop it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from loomtui.errors import LoomtuiError, StillRunning
from loomtui.restore.events import Outcome
from loomtui.restore.operator import Go, OnFailure
from screens import content, keys
from screens.base import LoomScreen
from screens.desk import app_of
from screens.engine import WritableEngine
from screens.keeper import RunKeeper
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import Act, ConfirmDialog
from screens.modals.text import TextDialog
from screens.operator import FailureQuestion, Question, StepQuestion, UnitQuestion
from screens.run_text import Moment, Saying, has_diff, needs_name, pane_text, saying
from screens.run_view import STEPS, RunView
from screens.widgets.live_log import LiveLog
from screens.widgets.next_panel import NextPanel
from screens.widgets.pane import Pane
from screens.widgets.steps import StepList, TaskList
from screens.words import STEP_TITLES, stopwatch

if TYPE_CHECKING:
    from textual.widget import Widget


class RestoreScreen(LoomScreen):
    NAME_SHOWN: ClassVar[str] = "Restore"
    HELP: ClassVar[str] = (
        "Left: the eight steps. Middle: what the next step would do on each node, or the nodes of the step "
        "that runs; space switches. Below: the services' logs. At the bottom: what goes on, and the next "
        "key in words. Before each step the run waits for you. Stopping the services, swapping the data and "
        "rolling back want the cluster's name typed. Nothing is deleted: what is replaced is kept in the "
        "run's folder on each node. The run goes on when you look at other screens (r comes back), and "
        "survives the end of this program."
    )
    BINDINGS = keys.bindings(keys.RUN, keys.COPY)

    def __init__(self, keeper: RunKeeper) -> None:
        super().__init__()
        self.keeper = keeper
        self._shown: Question | None = None
        self._asked_at = 0.0
        self._nodes_wanted = False
        self._actions: frozenset[str] = frozenset()
        self._said: Saying | None = None

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="run"):
            yield StepList(id="steps")
            with Vertical(id="run-right"):
                yield Static(id="run-head")
                yield Pane(id="run-text")
                with VerticalScroll(id="run-nodes"):
                    yield TaskList(id="tasks")
        yield LiveLog(self.desk.engine.inventory.names, first=20, id="run-log")

    def below(self) -> Iterable[Widget]:
        yield NextPanel()

    def on_mount(self) -> None:
        super().on_mount()
        self.keeper.watchers.add(self)
        self.query_one(Pane).focus()
        self.set_interval(1, self.show)
        self.show()

    def on_unmount(self) -> None:
        self.keeper.watchers.discard(self)

    def on_screen_resume(self) -> None:
        self.show()

    def on_run_keeper_changed(self, event: RunKeeper.Changed) -> None:
        self.show()

    def moment(self) -> Moment:
        keeper = self.keeper
        question = keeper.operator.pending
        engine = self.desk.engine
        view = keeper.view or RunView(())
        step = question.step if isinstance(question, StepQuestion) else view.current
        words = None
        if isinstance(question, StepQuestion) and isinstance(engine, WritableEngine):
            words = engine.step(question.step)
        return Moment(
            question,
            keeper.busy,
            view,
            keeper.error,
            keeper.handle.id if keeper.handle else "",
            self.desk.now(),
            words.effect if words else "",
            words.undo if words else "",
            keeper.estimates.get(step) if step else None,
        )

    def show(self) -> None:
        if not self.is_attached:
            return
        moment = self.moment()
        if moment.question is not self._shown:
            self._shown, self._asked_at, self._nodes_wanted = moment.question, time.monotonic(), False
            self.query_one(Pane).scroll_home(animate=False)
        text = None if self._nodes_wanted else pane_text(moment)
        self.set_class(text is not None, "-reading")
        self.set_class(text is not None and has_diff(moment.question), "-diff")
        self.query_one(Pane).display = text is not None
        self.query_one("#run-nodes").display = text is None
        if text is not None:
            self.query_one(Pane).show(text)
        self._show_steps(moment.view)
        said = saying(moment)
        if said != self._said:
            self._said = said
            self.query_one(NextPanel).say(said.headline, said.choices, detail=said.detail, urgent=said.urgent)
        if said.actions != self._actions:
            self._actions = said.actions
            self.refresh_bindings()

    def _show_steps(self, view: RunView) -> None:
        question = self._shown
        step = (
            question.step
            if isinstance(question, StepQuestion | FailureQuestion)
            else view.current or STEPS[0]
        )
        self.query_one(StepList).show(view, step, self.desk.now(), asked=question is not None)
        width = self.query_one("#run-nodes").size.width or self.app.size.width - 26
        self.query_one(TaskList).show(view.tasks_of(step), width - 2)
        down = view.downtime(self.desk.now())
        clock = f"down for {stopwatch(down)}" if down is not None else "no service was stopped"
        self.query_one("#run-head", Static).update(
            content.line(f"{STEPS.index(step) + 1} of 8  {STEP_TITLES[step]}   ·   {clock}")
        )

    def available(self, action: str) -> bool | None:
        run_actions = {key.action for key in keys.RUN}
        return action in self._actions if action in run_actions else super().available(action)

    def _ask(self, act: Act, then: Callable[[], object]) -> None:
        def answered(confirmed: bool | None) -> None:
            if confirmed:
                then()

        self.app.push_screen(ConfirmDialog(act), answered)

    def action_go_on(self) -> None:
        """A key that is held down answers one question only."""
        question, operator = self._shown, self.keeper.operator
        if question is not None and time.monotonic() - self._asked_at < self.desk.settle_seconds:
            content.tell(self, "That was quick: read what is asked now, then press x again.", seconds=3)
            return
        if isinstance(question, UnitQuestion):
            operator.answer(question, True)
        elif isinstance(question, StepQuestion):
            if needs_name(question):
                self._ask(self._step_act(question), lambda: operator.answer(question, Go.CONTINUE))
            else:
                operator.answer(question, Go.CONTINUE)
        elif self.keeper.handle is not None and not self.keeper.busy:
            app_of(self).resume_run(self.keeper.handle.id)

    def _step_act(self, question: StepQuestion) -> Act:
        engine = self.desk.engine
        words = engine.step(question.step) if isinstance(engine, WritableEngine) else None
        nodes = tuple(name for name, preview in question.previews.items() if not preview.already)
        title = STEP_TITLES[question.step]
        effect, undo = (words.effect, words.undo) if words else ("", "")
        return Act(title, nodes, effect, undo, verb=title, typed=True)

    def action_approve_all(self) -> None:
        if isinstance(self._shown, UnitQuestion):
            self.keeper.operator.approve_all(self._shown)

    def action_refuse_unit(self) -> None:
        if isinstance(self._shown, UnitQuestion):
            self.keeper.operator.answer(self._shown, False)

    def action_retry(self) -> None:
        if isinstance(self._shown, FailureQuestion):
            self.keeper.operator.answer(self._shown, (OnFailure.RETRY, None))

    def action_kill(self) -> None:
        question = self._shown
        if not isinstance(question, FailureQuestion):
            return
        nodes = tuple(name for name, error in question.failures.items() if isinstance(error, StillRunning))
        effect = "The processes named above get SIGKILL. Loom's databases were not seen to suffer from it."
        self._ask(
            Act("Kill what is left", nodes, effect, "It cannot be undone.", "Kill", typed=True),
            lambda: self.keeper.operator.answer(question, (OnFailure.KILL, None)),
        )

    def action_leave_out(self) -> None:
        question = self._shown
        if not isinstance(question, FailureQuestion):
            return

        def answered(node: str | None) -> None:
            if node:
                self.keeper.operator.answer(question, (OnFailure.LEAVE_OUT, node))

        effect = "it stays stopped and held, and its data as it is now; the others go on without it"
        self.app.push_screen(
            ChoiceDialog(
                "Leave a node out",
                "More than two thirds of the voting power must remain, or the chain will not move.",
                (
                    ("", "leave none out", "back to the choice"),
                    *((node, f"leave {node} out", effect) for node in question.failures),
                ),
            ),
            answered,
        )

    def action_stop_here(self) -> None:
        question, operator = self._shown, self.keeper.operator
        if isinstance(question, StepQuestion):
            operator.answer(question, Go.STOP)
        elif isinstance(question, FailureQuestion):
            operator.answer(question, (OnFailure.STOP, None))
        elif self.keeper.busy:
            nodes = self.keeper.view.nodes if self.keeper.view else ()
            effect = "The work ends where it is. Services that are stopped stay stopped and held."
            self._ask(
                Act("Stop the run", nodes, effect, "Resume it: x on this screen.", "Stop"), self.keeper.stop
            )

    def action_roll_back(self) -> None:
        question, keeper = self._shown, self.keeper
        act = rollback_act(keeper.view.nodes if keeper.view else ())
        if isinstance(question, StepQuestion):
            self._ask(act, lambda: keeper.operator.answer(question, Go.ROLL_BACK))
        elif isinstance(question, FailureQuestion):
            self._ask(act, lambda: keeper.operator.answer(question, (OnFailure.ROLL_BACK, None)))
        elif keeper.handle is not None and not keeper.busy:
            run_id = keeper.handle.id
            self._ask(act, lambda: app_of(self).start_rollback(run_id))

    def action_toggle_view(self) -> None:
        self._nodes_wanted = not self._nodes_wanted
        self.show()

    def action_report(self) -> None:
        if self.keeper.handle is None:
            return
        try:
            text = self.desk.engine.report(self.keeper.handle.id)
        except LoomtuiError as error:
            self.show_error(error, "No report")
            return
        self.app.push_screen(TextDialog("Report", text))

    def action_back(self) -> None:
        """Home when the run is over, for the choice and the plan behind this screen are of the past."""
        view = self.keeper.view
        if (
            not self.keeper.busy
            and view is not None
            and view.outcome in (Outcome.RESTORED, Outcome.ROLLED_BACK)
        ):
            app_of(self).action_go("health")
        else:
            super().action_back()

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.query_one(Pane).text.plain)
        content.tell(self, "Copied to the clipboard.")


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
