"""Shows a run, step by step, whether one takes part in it or only watches."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from loomtui.restore.running.operator import FailureQuestion
from screens import clipboard
from screens.diff.diff_pane import DiffPane
from screens.diff.diff_screen import DiffScreen
from screens.input import keys, restore_keys
from screens.logs.live_log import LiveLog
from screens.navigation import runs_of
from screens.restore.next_panel import NextPanel
from screens.restore.preview_text import Folders
from screens.restore.run_controller import RunFollower
from screens.restore.run_panes import RunPanes
from screens.restore.run_text import (
    Guidance,
    RunUiState,
    guidance_for,
    has_diff,
    has_paths_shown,
    pane_page,
)
from screens.restore.run_view import RunView
from screens.restore.screen_operator import Question, StepQuestion
from screens.restore.settling import Settling

if TYPE_CHECKING:
    from textual.widget import Widget


class RunScreen(DiffScreen):
    BINDINGS = keys.bindings(restore_keys.RUN, keys.COPY)

    def __init__(self, followed: RunFollower) -> None:
        super().__init__()
        self.followed = followed
        self._question: Question | None = None
        self.settling = Settling(0)
        self._nodes_wanted = False
        self._paths_whole = False
        self._actions: frozenset[str] = frozenset()
        self._guidance: Guidance | None = None

    def body(self) -> Iterable[Widget]:
        yield RunPanes(DiffPane(id="run-text"))
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
            folders=self._folders,
        )

    @property
    def _folders(self) -> Folders:
        handle = self.followed.handle
        plan_nodes = handle.plan.nodes if handle else ()
        return Folders({node.name: node.working_directory for node in plan_nodes}, self._paths_whole)

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
        self._show_steps(state)
        guidance = guidance_for(state)
        if guidance != self._guidance:
            self._guidance = guidance
            self.query_one(NextPanel).say(
                guidance.headline, guidance.choices, detail=guidance.detail, urgent=guidance.urgent
            )
        if guidance.actions != self._actions:
            self._actions = guidance.actions
            self.refresh_bindings()

    def _show_steps(self, state: RunUiState) -> None:
        question = self._question
        step = question.step if isinstance(question, StepQuestion | FailureQuestion) else None
        handle = self.followed.handle
        objective = handle.plan.objectives.downtime_seconds if handle else None
        self.query_one(RunPanes).show(state.view, state.now, objective, step=step, asked=question is not None)

    def available(self, action: str) -> bool | None:
        if action == "toggle_paths":
            return not self._nodes_wanted and has_paths_shown(self.state())
        run_actions = {key.action for key in restore_keys.RUN}
        return action in self._actions if action in run_actions else super().available(action)

    def action_toggle_view(self) -> None:
        self._nodes_wanted = not self._nodes_wanted
        self.show()
        self.refresh_bindings()

    def action_toggle_paths(self) -> None:
        self._paths_whole = not self._paths_whole
        self.show()

    def action_report(self) -> None:
        if self.followed.handle is not None:
            runs_of(self).show_record(self.followed.handle.id)

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(DiffPane).text.plain)
