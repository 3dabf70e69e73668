"""The app: home, the way between the screens, the run, and leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from loomtui.engine.api import Engine, WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.prompter import Refuse
from loomtui.restore.choices import Choices
from loomtui.restore.events import Outcome
from loomtui.text import clean, clean_line
from screens.backups.backups_screen import BackupsScreen
from screens.base import LoomScreen
from screens.context import AppContext, Clock, utc_now
from screens.health.health_screen import HealthScreen
from screens.identity.node_keys_screen import NodeKeysScreen
from screens.identity.services_screen import ServicesScreen
from screens.input import keymap, keys
from screens.input.key_order import KeyOrder, Typed
from screens.input.palette import ActionCommands, ThemeCommands
from screens.logs.log_view import LogView
from screens.logs.logs_screen import LogsScreen
from screens.modals.ask import ChoiceDialog
from screens.modals.confirm import ConfirmDialog
from screens.modals.help import help_text
from screens.modals.jump import JumpScreen, targets
from screens.modals.text import ErrorDialog, TextDialog
from screens.modals.theme import ThemeDialog
from screens.prompter import ScreenPrompter
from screens.restore.choose_screen import ChooseScreen
from screens.restore.plan_screen import PlanScreen
from screens.restore.restore_screen import RestoreScreen, rollback_act
from screens.restore.run_controller import RunController, RunMonitor
from screens.restore.watch_screen import WatchScreen
from screens.runs.runs_screen import RunsScreen, is_unfinished
from screens.settings import Settings
from screens.styles.themes import THEMES, Plain
from screens.terminal import GONE_STATUS
from screens.text import content
from screens.text.words import STEP_TITLES, time_of

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.widget import Widget

    from loomtui.restore.plan import Plan
    from loomtui.restore.record.run_store import RunSummary

_CLOSE_SECONDS = 3.0
_INTERRUPTED = 130
_PLACES: dict[str, Callable[[], LoomScreen]] = {
    "backups": BackupsScreen,
    "keys": NodeKeysScreen,
    "services": ServicesScreen,
    "logs": LogsScreen,
    "runs": RunsScreen,
}
_PLACE_TYPES: dict[str, type[LoomScreen]] = {
    "health": HealthScreen,
    "backups": BackupsScreen,
    "keys": NodeKeysScreen,
    "services": ServicesScreen,
    "logs": LogsScreen,
    "runs": RunsScreen,
}


class LoomApp(App[int]):
    """`story`: what has happened, told at the start of a drill. `plan_path`: a plan to review at once.

    `own_keys`: keys by action id, checked. `keep_theme`: remembers a chosen theme; raises OSError.
    `served`: shown in a browser, where nobody is asked anything.
    """

    TITLE = "loomtui"
    CSS_PATH = [  # noqa: RUF012
        "styles/frame.tcss",
        "styles/widgets.tcss",
        "styles/dialogs.tcss",
        "styles/restore.tcss",
        "styles/plain.tcss",
    ]
    BINDINGS = keys.bindings(keys.APP)
    COMMANDS = {ActionCommands, ThemeCommands}  # noqa: RUF012
    COMMAND_PALETTE_BINDING = "ctrl+p"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (100, "-medium"),
        (160, "-wide"),
    ]

    def __init__(
        self,
        engine: Engine,
        *,
        story: str = "",
        plan_path: Path | None = None,
        now: Clock = utc_now,
        settle_seconds: float = 0.7,
        settings: Settings | None = None,
        own_keys: Mapping[str, str] | None = None,
        keep_theme: Callable[[str], None] | None = None,
        driver_class: type[Driver] | None = None,
        served: bool = False,
    ) -> None:
        super().__init__(driver_class=driver_class)
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = (settings or Settings()).theme
        self._keep_theme = keep_theme
        keys.use(own_keys or {})
        self.set_keymap(keymap.for_textual(own_keys or {}))
        self.context = AppContext(engine, now=now, settle_seconds=settle_seconds, served=served)
        self._story = story
        self._plan_path = plan_path
        self._key_order = KeyOrder(self, super().on_event)
        if isinstance(engine, WritableEngine):
            self.context.controller = RunController(self, engine)

    def on_mount(self) -> None:
        home = HealthScreen()
        self.push_screen(home)
        home.call_after_refresh(self._begin, home)

    def _begin(self, home: HealthScreen) -> None:
        """After the first frame: nobody waits for a connection to see something."""
        self.context.engine.open(Refuse() if self.context.served else ScreenPrompter(self))
        home.start_polling()
        if self._plan_path is not None:
            self._review(self._plan_path)
        elif self.context.writable and (runs := self.unfinished()):
            self._offer(runs[0])
        if self._story:
            self.push_screen(TextDialog("What has happened", self._story))

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """Those that can be seen behind the open one. Textual counts the next one under an opaque one too:
        whatever changed there, ten times a second in a flood, had the open one drawn anew from top to end.
        """
        hidden = not self.screen_stack or self.screen.styles.background.a == 1
        return [] if hidden else super()._background_screens

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Of the workers that belong to no screen: those of a run."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.show_fault(event.worker.error)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste):
            event.text = clean(event.text)  # a field would show it as it is
        if isinstance(event, Typed) and not event.is_forwarded:
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [Plain()] if self.no_color else super().get_line_filters()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.context.offers(action)

    def on_screen_prompter_asked(self, message: ScreenPrompter.Asked) -> None:
        def answered(answer: object) -> None:
            if not message.answer.done():
                message.answer.set_result(answer)

        self.push_screen(message.dialog, answered)

    def on_screen_prompter_withdrawn(self, message: ScreenPrompter.Withdrawn) -> None:
        if message.dialog.is_active:
            message.dialog.dismiss(None)

    def show_fault(self, error: BaseException) -> None:
        """What should not happen, told without a traceback."""
        what = f"an unexpected error inside loomtui: {type(error).__name__}: {clean_line(str(error))}"
        controller = self.context.controller
        if controller is not None and controller.busy:
            safe = "The restore is not touched by it and goes on."
            advice = f"Close this; {keys.name('app.restore')} shows the restore."
        else:
            safe = "No step goes on. What a restore has stopped stays stopped and held."
            advice = f"Leave with {keys.name('app.quit')} and start again; a restore can be resumed."
        fault = error if isinstance(error, LoomtuiError) else LoomtuiError(what, safe=safe, advice=advice)
        if not isinstance(self.screen, ErrorDialog):
            self.push_screen(ErrorDialog("Something went wrong", fault))

    def action_go(self, place: str) -> None:
        """Back to a screen that is open, else a new one on top."""
        if not self._return_to(_PLACE_TYPES[place]):
            self.push_screen(_PLACES[place]())

    def _return_to(self, kind: type[Screen[None]]) -> bool:
        depth = next(
            (depth for depth, screen in enumerate(reversed(self.screen_stack)) if isinstance(screen, kind)),
            None,
        )
        for _ in range(depth or 0):
            self.pop_screen()
        return depth is not None

    def back(self) -> None:
        if len(self.screen_stack) > 2:
            self.pop_screen()

    def action_restore(self) -> None:
        controller = self.context.controller
        if (
            controller is not None
            and controller.handle is not None
            and (controller.busy or not self._over(controller))
        ):
            self._open_restore(controller)
        elif not self._return_to(PlanScreen) and not self._return_to(ChooseScreen):
            self.push_screen(ChooseScreen())

    def restore_from(self, moment: datetime | None) -> None:
        """Chooses for a restore with the backups of this moment or before; None: the newest."""
        controller = self.context.controller
        if controller is None:
            return
        if controller.busy:
            content.tell(self, f"A run is going on; {keys.name('app.restore')} shows it.", severity="warning")
            return
        choose = ChooseScreen()
        choose.choices = replace(choose.choices, before=moment)
        self.push_screen(choose)

    @staticmethod
    def _over(controller: RunController) -> bool:
        return controller.view is not None and controller.view.outcome in (
            Outcome.RESTORED,
            Outcome.ROLLED_BACK,
        )

    def _open_restore(self, controller: RunController) -> None:
        if not self._return_to(RestoreScreen):
            self.push_screen(RestoreScreen(controller))

    def begin_run(self, plan: Plan) -> None:
        self._work(lambda controller: controller.begin(plan))

    def resume_run(self, run_id: str) -> None:
        self._work(lambda controller: controller.resume(run_id))

    def start_rollback(self, run_id: str) -> None:
        """The operator has confirmed it."""
        self._work(lambda controller: controller.roll_back(run_id))

    def roll_back_run(self, run_id: str) -> None:
        act = rollback_act(self.context.engine.inventory.names)
        self.push_screen(
            ConfirmDialog(act), lambda confirmed: self.start_rollback(run_id) if confirmed else None
        )

    def _work(self, start: Callable[[RunController], None]) -> None:
        controller = self.context.controller
        if controller is None:
            return
        if controller.busy:
            content.tell(self, f"A run is going on; {keys.name('app.restore')} shows it.", severity="warning")
            return
        try:
            start(controller)
        except LoomtuiError as error:
            self.push_screen(ErrorDialog("The run could not begin", error))
            return
        self._open_restore(controller)

    def watch_run(self, run_id: str) -> None:
        """A run in the hands of another process."""
        try:
            handle = self.context.engine.watched(run_id)
        except LoomtuiError as error:
            self.push_screen(ErrorDialog("The run cannot be watched", error))
            return
        self.push_screen(WatchScreen(RunMonitor(self, handle)))

    def _review(self, path: Path) -> None:
        engine = self.context.engine
        if not isinstance(engine, WritableEngine):
            return
        try:
            plan = engine.load_plan(path)
            self.push_screen(PlanScreen(plan.choices, plan))
        except LoomtuiError as error:
            self.push_screen(ErrorDialog("This plan cannot be read", error))

    def unfinished(self) -> tuple[RunSummary, ...]:
        """Of this cluster, newest first."""
        runs = self.context.engine.runs()
        return tuple(run for run in runs if run.cluster == self.context.cluster and is_unfinished(run))

    def _offer(self, run: RunSummary) -> None:
        if run.at_work:
            self._offer_to_watch(run)
            return
        step = STEP_TITLES[run.last_step] if run.last_step else "its beginning"
        runs = keys.name("app.runs")
        self.push_screen(
            ChoiceDialog(
                "An unfinished restore",
                f"The restore {run.id} of {time_of(run.started_at)} stopped at: {step}. "
                "Its nodes may be stopped and held.",
                (
                    ("", "Look first", f"nothing happens; {runs} lists the runs, from where you can go on"),
                    ("resume", "Resume it", "goes on where it stood; each step is shown and asked for"),
                    (
                        "roll-back",
                        "Roll it back",
                        "puts back what was there before; wants the cluster's name",
                    ),
                ),
            ),
            lambda answer: self._offered(run, answer),
        )

    def _offer_to_watch(self, run: RunSummary) -> None:
        runs = keys.name("app.runs")
        self.push_screen(
            ChoiceDialog(
                "A restore is going on",
                f"Another loomtui on this machine works on {run.id}, begun {time_of(run.started_at)} by "
                f"{run.operator}.",
                (
                    ("", "Look at the cluster", f"nothing happens; {runs} lists the runs"),
                    ("watch", "Watch it", "you see its steps; decisions are taken there"),
                ),
            ),
            lambda answer: self.watch_run(run.id) if answer == "watch" else None,
        )

    def _offered(self, run: RunSummary, answer: str | None) -> None:
        if answer == "resume":
            self.resume_run(run.id)
        elif answer == "roll-back":
            self.roll_back_run(run.id)

    def logs_of(self, nodes: Sequence[str]) -> None:
        """The logs, with all other nodes hidden."""
        self.action_go("logs")
        self.call_after_refresh(self._hide_others, frozenset(nodes))

    def _hide_others(self, nodes: frozenset[str]) -> None:
        for view in self.screen.query(LogView):
            view.buffer.select(hidden=frozenset(self.context.engine.inventory.names) - nodes)
            view.change()

    def plan_for(self, nodes: Sequence[str]) -> None:
        """The choice of a backup, for these nodes."""
        if not self.context.writable:
            return
        whole = len(nodes) == len(self.context.engine.inventory.names)
        screen = ChooseScreen()
        screen.choices = Choices(nodes=None if whole else tuple(nodes))
        self.push_screen(screen)

    def action_jump(self) -> None:
        def chosen(widget: Widget | None) -> None:
            if widget is not None:
                widget.focus()

        if isinstance(self.screen, LoomScreen):
            self.push_screen(JumpScreen(targets(self.screen)), chosen)

    def action_choose_theme(self) -> None:
        self.push_screen(ThemeDialog(), lambda name: self.take_theme(name) if name else None)

    def take_theme(self, name: str) -> None:
        self.theme = name
        if self._keep_theme is None:
            return
        try:
            self._keep_theme(name)
        except OSError as error:
            content.tell(self, f"The theme could not be kept for the next time: {error}", severity="warning")

    def action_suspend(self) -> None:
        """Stopped by the shell, this process could not go on with a run either."""
        controller = self.context.controller
        if controller is not None and controller.busy and not controller.waits:
            content.tell(
                self,
                "A run is at work and would stand still with this program. Open another terminal instead.",
                severity="warning",
            )
            return
        self.action_suspend_process()

    def action_help(self) -> None:
        if isinstance(self.screen, LoomScreen):
            self.push_screen(TextDialog(f"Help: {self.screen.NAME_SHOWN}", help_text(self.screen)))

    async def action_quit(self) -> None:
        controller = self.context.controller
        if controller is None or not controller.busy or controller.handle is None:
            self.exit(self.exit_status)
            return
        run_id = controller.handle.id
        self.push_screen(
            ChoiceDialog(
                "Leave in the middle of a restore?",
                f"The run {run_id} stops where it is. What is stopped stays stopped and held. "
                f"It can be resumed:  loomtui resume {run_id}",
                (
                    ("", "Stay", "the run goes on"),
                    ("leave", "Leave", f"resume later with: loomtui resume {run_id}"),
                ),
            ),
            lambda answer: self.exit(_INTERRUPTED) if answer == "leave" else None,
        )

    def on_terminal_gone(self) -> None:
        """What is at work is brought to its end; the next question, which nobody hears, stops the run."""
        controller = self.context.controller
        if controller is not None:
            controller.operator.leave()
        self.run_worker(self._exit_after(controller), group="leave", exclusive=True)

    async def _exit_after(self, controller: RunController | None) -> None:
        if controller is not None:
            await controller.ended()
        self.exit(GONE_STATUS)

    @property
    def exit_status(self) -> int:
        """As the command line promises: 0 unless a run was begun and is not done."""
        controller = self.context.controller
        if controller is None or controller.handle is None or self._over(controller):
            return 0
        return _INTERRUPTED if controller.error is None else controller.error.exit_status

    def farewell(self) -> str:
        """What is left to say in the terminal."""
        controller = self.context.controller
        if controller is None or controller.handle is None or self._over(controller):
            return ""
        run_id = controller.handle.id
        ways = f"Go on: loomtui resume {run_id}   Undo: loomtui rollback {run_id}"
        return f"The restore {run_id} is unfinished. {ways}"

    async def on_unmount(self) -> None:
        """A node that hangs does not keep the program."""
        with suppress(TimeoutError, LoomtuiError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.context.engine.close()
