"""The second part of a restore: the plan is made and reviewed. Nothing is changed here either."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from loomtui.engine.api import WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.restore.choices import BackupPolicy, Choices, check_redis_choice
from loomtui.restore.plan import Plan, RemedyKind, consented
from loomtui.restore.planning.signed_plan import PlanFile
from loomtui.wording.quantities import span
from screens import clipboard
from screens.diff.diff_pane import DiffPane
from screens.diff.diff_screen import DiffScreen
from screens.diff.diff_text import page
from screens.input import keys, restore_keys
from screens.loading_screen import LoadingScreen
from screens.modals.ask import InputDialog
from screens.modals.confirm import ConfirmDialog
from screens.modals.text import error_text
from screens.navigation import runs_of
from screens.restore.consent import all_of_it
from screens.restore.next_panel import Choice, NextPanel
from screens.restore.plan_guidance import BACK, guidance_for_plan
from screens.restore.plan_text import (
    has_backup_jobs,
    headline,
    may_start,
    may_take_delta,
    names_redis,
    offer_of,
    plan_page,
)
from screens.text import content
from screens.text.words import Tone

if TYPE_CHECKING:
    from textual.widget import Widget


class PlanScreen(LoadingScreen, DiffScreen):
    NAME_SHOWN: ClassVar[str] = "Restore: the plan"
    HELP: ClassVar[str] = (
        "The plan holds every choice. Its first lines predict, from heights, signing states and voting "
        "powers, whether the chain can move after the restore. Next come the reasons why the plan must not "
        "be run, if there are any; then every node with what happens to each file, and the differences. "
        "Arrow keys and page keys scroll. Nothing is changed before you begin: {plan.carry_on} lists all "
        "that will be done, asks for the cluster's name, and carries it out; {plan.start} goes step by step, "
        "and the first step leaves the services running."
    )
    BINDINGS = keys.bindings(restore_keys.PLAN, keys.COPY)
    LOADING: ClassVar[Content | str] = content.line("Making the plan …", Tone.STRONG)
    NOTE: ClassVar[str] = "#prediction"

    class Progress(Message):
        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Planned(Message):
        def __init__(self, plan: Plan) -> None:
            super().__init__()
            self.plan = plan

    def __init__(self, choices: Choices, file: PlanFile | None = None) -> None:
        """If there is a plan that was made before, it is reviewed as it is."""
        super().__init__()
        self.choices = choices
        self.file = file
        self.plan = file.plan if file is not None else None
        self._progress_lines: list[str] = []
        self._declined = False

    def body(self) -> Iterable[Widget]:
        yield Static(id="prediction")
        yield DiffPane(id="plan")

    def below(self) -> Iterable[Widget]:
        yield NextPanel()

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one(DiffPane).focus()
        if self.plan is None:
            self._make_plan()
        else:
            self._show_plan(self.plan)

    def _make_plan(self) -> None:
        self.plan, self._progress_lines, self._declined = None, [], False
        self._planning_since = self.context.now()
        self.query_one(NextPanel).say(
            "Every node is looked at, and the archives are read.",
            [Choice("screen.back", "give it up", "nothing was changed")],
        )
        self.begin_loading()
        self.refresh_bindings()

    async def load(self) -> None:
        engine = self.context.engine
        if not isinstance(engine, WritableEngine):
            return

        def tell(text: str) -> None:
            self.post_message(self.Progress(text))

        plan = await engine.plan(self.choices, tell)
        self.post_message(self.Planned(plan))

    def on_plan_screen_progress(self, message: Progress) -> None:
        """A thread may tell something late; that does not cover the plan."""
        if self.plan is not None:
            return
        elapsed = span(self.context.now() - self._planning_since)
        self._progress_lines.append(f"{elapsed:>6}  {message.text}")
        self.query_one(DiffPane).show_page(page([content.lines(self._progress_lines[-200:])]))
        self.query_one(DiffPane).scroll_end(animate=False)

    def on_plan_screen_planned(self, message: Planned) -> None:
        self._show_plan(message.plan)

    def failed(self, error: LoomtuiError) -> None:
        self.say(content.line("✗ No plan could be made", Tone.BAD))
        self.query_one(DiffPane).show_page(page([error_text(error)]))
        self.query_one(NextPanel).say("Nothing was changed.", [BACK], urgent=True)

    def _show_plan(self, plan: Plan) -> None:
        self.plan = plan
        if self.context.drill is not None:
            self.context.drill.saw_plan(plan)
        self.say(headline(plan))
        pane = self.query_one(DiffPane)
        pane.show_page(plan_page(plan, self.context.now()))
        pane.scroll_home(animate=False)
        self._show_next(plan)
        self.refresh_bindings()

    def _show_next(self, plan: Plan) -> None:
        said = guidance_for_plan(plan, declined=self._declined, redis=self.choices.redis)
        self.query_one(NextPanel).say(said.headline, said.choices, detail=said.detail, urgent=True)

    def available(self, action: str) -> bool | None:
        plan = self.plan
        offer = offer_of(plan) if plan is not None and not self._declined else None
        if action in ("start", "start_all"):
            return plan is not None and may_start(plan) and not self._declined
        if action == "decline":
            return offer is not None
        if action == "give_up":
            return offer is not None and offer.remedy is RemedyKind.GIVE_UP
        if action == "reset_signing":
            return offer is not None and offer.remedy is not RemedyKind.GIVE_UP
        if action == "take_delta":
            return plan is not None and may_take_delta(plan) and not self._declined
        if action == "next_policy":
            return plan is not None and has_backup_jobs(plan) and not self._declined
        if action == "edit_redis":
            return plan is not None and names_redis(plan) and not self._declined
        return super().available(action)

    def action_next_policy(self) -> None:
        """Takes the next of wait, stop, leave. Nothing else in the plan depends on it."""
        if self.plan is None:
            return
        policies = list(BackupPolicy)
        policy = policies[(policies.index(self.plan.backup_policy) + 1) % len(policies)]
        self.choices = replace(self.choices, backup_policy=policy)
        self._show_plan(replace(self.plan, choices=self.choices))

    def action_edit_redis(self) -> None:
        self.app.push_screen(
            InputDialog(
                "Which Redis?",
                "HOST:PORT that every Redis URI of loom.yml names after the restore; user, password and path "
                "stay. Each node tries to reach it. 'keep': as it is, although a node does not reach it. The "
                "plan is made anew; nothing is changed by that.",
                value=self.choices.redis or "",
                hint="10.2.0.9:6379",
            ),
            self._take_redis,
        )

    def _take_redis(self, typed: str | None) -> None:
        if typed is None:
            return
        redis = typed.strip() or None
        try:
            check_redis_choice(redis)
        except LoomtuiError as error:
            content.tell(self, f"{error.what}; nothing was changed.", severity="warning")
            return
        self.choices = replace(self.choices, redis=redis)
        self._make_plan()

    def action_start(self) -> None:
        if self.plan is not None:
            self._begin(self.plan, carry_on=False)

    def _begin(self, plan: Plan, *, carry_on: bool) -> None:
        is_as_read = self.file is not None and self.file.plan == plan
        runs_of(self).begin_run(plan, self.file if is_as_read else None, carry_on=carry_on)

    def action_start_all(self) -> None:
        """Begins, and carries out all of it; the cluster's name is typed for that here, and nowhere else."""
        plan = self.plan
        if plan is None:
            return

        def begin(confirmed: bool | None) -> None:
            if confirmed:
                self._begin(plan, carry_on=True)

        self.app.push_screen(ConfirmDialog(all_of_it(plan)), begin)

    def action_decline(self) -> None:
        if self.plan is not None:
            self._declined = True
            self._show_next(self.plan)
            self.refresh_bindings()

    def action_take_delta(self) -> None:
        self.choices = replace(self.choices, delta=True)
        self._make_plan()

    def action_reset_signing(self) -> None:
        """Plans anew with what the plan offers. It is listed where the cluster's name is typed."""
        offer = offer_of(self.plan) if self.plan is not None else None
        if offer is not None:
            self.choices = consented(self.choices, offer.remedy)
            self._make_plan()

    action_give_up = action_reset_signing  # the key that is there is that of what the plan offers

    def action_copy(self) -> None:
        clipboard.copy(self, self.query_one(DiffPane).text.plain)
