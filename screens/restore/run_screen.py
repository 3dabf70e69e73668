"""Shows a run, step by step, whether one takes part in it or only watches."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Static

from loomtui.errors import LoomtuiError
from loomtui.wording.quantities import stopwatch
from loomtui.wording.states import STEP_TITLES
from screens import clipboard
from screens.diff.diff_pane import DiffPane
from screens.diff.diff_screen import DiffScreen
from screens.input import keys
from screens.logs.live_log import LiveLog
from screens.modals.text import TextDialog
from screens.restore.next_panel import NextPanel
from screens.restore.run_controller import RunFollower
from screens.restore.run_text import Guidance, RunUiState, guidance_for, has_diff, pane_page
from screens.restore.run_view import STEPS, RunView
from screens.restore.screen_operator import FailureQuestion, Question, StepQuestion
from screens.restore.settling import Settling
from screens.restore.step_list import StepList, TaskList
from screens.text import content

if TYPE_CHECKING:
    from textual.widget import Widget


class RunScreen(DiffScreen):
    BINDINGS = keys.bindings(keys.RUN, keys.COPY)

    def __init__(self, followed: RunFollower) -> None:
        super().__init__()
        self.followed = followed
        self._question: Question | None = None
        self.settling = Settling(0)
        self._nodes_wanted = False
        self._actions: frozenset[str] = frozenset()
        self._guidance: Guidance | None = None

    def body(self) -> Iterable[Widget]:
        with Horizontal(id="run"):
            yield StepList(id="steps")
            with Vertical(id="run-right"):
                yield Static(id="run-head")
                yield DiffPane(id="run-text")
                with VerticalScroll(id="run-nodes"):
                    yield TaskList(id="tasks")
        yield LiveLog(self.context.engine.inventory.names, initial_lines=20, id="run-log")

    def below(self) -> Iterable[Widget]:
        yield NextPanel()

    def on_mount(self) -> None:
        super().on_mount()
        self.settling = Settling(self.context.settle_seconds)
        self.followed.watchers.add(self)
        self.query_one(DiffPane).focus()
        self.set_interval(1, self.show)
        self.show()

    def on_unmount(self) -> None:
        self.followed.watchers.discard(self)

    def on_screen_resume(self) -> None:
        self.show()

    def on_run_follower_changed(self, event: RunFollower.Changed) -> None:
        self.show()

    def state(self) -> RunUiState:
        followed = self.followed
        return RunUiState(
            followed.pending,
            followed.busy,
            followed.view or RunView(()),
            followed.error,
            followed.handle.id if followed.handle else "",
            self.context.now(),
        )

    def show(self) -> None:
        if not self.is_attached or not self.is_current:
            return
        state = self.state()
        if state.question is not self._question:
            self._question, self._nodes_wanted = state.question, False
            self.settling.begin(time.monotonic())
            self.query_one(DiffPane).scroll_home(animate=False)
        page = None if self._nodes_wanted else pane_page(state)
        self.set_class(page is not None, "-reading")
        self.set_class(page is not None and has_diff(state.question), "-diff")
        self.query_one(DiffPane).display = page is not None
        self.query_one("#run-nodes").display = page is None
        if page is not None:
            self.query_one(DiffPane).show_page(page)
        self._show_steps(state.view)
        guidance = guidance_for(state)
        if guidance != self._guidance:
            self._guidance = guidance
            self.query_one(NextPanel).say(
                guidance.headline, guidance.choices, detail=guidance.detail, urgent=guidance.urgent
            )
        if guidance.actions != self._actions:
            self._actions = guidance.actions
            self.refresh_bindings()

    def _show_steps(self, view: RunView) -> None:
        question = self._question
        step = (
            question.step
            if isinstance(question, StepQuestion | FailureQuestion)
            else view.current or STEPS[0]
        )
        self.query_one(StepList).show(view, step, self.context.now(), asked=question is not None)
        width = self.query_one("#run-nodes").size.width or self.app.size.width - 26
        self.query_one(TaskList).show(view.tasks_of(step), width - 2)
        downtime = view.downtime(self.context.now())
        downtime_text = (
            f"down for {stopwatch(downtime)}" if downtime is not None else "no service was stopped"
        )
        self.query_one("#run-head", Static).update(
            content.line(f"{STEPS.index(step) + 1} of 8  {STEP_TITLES[step]}   ·   {downtime_text}")
        )

    def available(self, action: str) -> bool | None:
        run_actions = {key.action for key in keys.RUN}
        return action in self._actions if action in run_actions else super().available(action)

    def action_toggle_view(self) -> None:
        self._nodes_wanted = not self._nodes_wanted
        self.show()
        self.refresh_bindings()

    def action_report(self) -> None:
        if self.followed.handle is None:
            return
        try:
            text = self.context.engine.report(self.followed.handle.id)
        except LoomtuiError as error:
            self.show_error(error, "No report")
            return
        self.app.push_screen(TextDialog("Report", text))

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(DiffPane).text.plain)
