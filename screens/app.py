"""The app: its frame, its parts, and what works on every screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from loomtui.engine.api import Engine, WritableEngine
from loomtui.errors import LoomtuiError
from loomtui.fleet.ssh.prompter import Refuse
from loomtui.text import clean
from screens import unfinished_run
from screens.attention import LOOK_SECONDS, Attention, terminal_of
from screens.base import LoomScreen
from screens.context import AppContext, Clock, utc_now
from screens.health.health_screen import HealthScreen
from screens.input import keymap, keys
from screens.input.key_order import KeyOrder, Typed
from screens.input.palette import ActionCommands, ThemeCommands
from screens.leaving import Leaving
from screens.modals.help import help_text
from screens.modals.jump import JumpScreen, targets
from screens.modals.text import TextDialog
from screens.modals.theme import ThemeDialog
from screens.navigator import Navigator
from screens.prompter import ScreenPrompter
from screens.restore.run_controller import RunController
from screens.run_navigator import RunNavigator
from screens.settings import Settings
from screens.styles.sheets import STYLE_SHEETS
from screens.styles.themes import THEMES, Plain
from screens.text import content

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.filter import LineFilter
    from textual.widget import Widget

    from loomtui.drill.desk import Desk
    from screens.drill.referee import Referee

_CLOSE_SECONDS = 3.0


class LoomApp(App[int]):
    """`drill` is what is played, if this is a drill. `plan_path` is a plan to review at once.

    `at_choice` opens the choice of what is restored at once, unless a restore is unfinished.
    `own_keys` are checked keys by action id. `keep_theme` remembers a chosen theme; it raises OSError.
    `served` means that the app is shown in a browser, where nobody is asked anything.
    """

    TITLE = "loomtui"
    CSS_PATH = STYLE_SHEETS
    BINDINGS = keys.bindings(keys.APP, keys.DRILL)
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
        drill: Desk | None = None,
        plan_path: Path | None = None,
        at_choice: bool = False,
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
        settings = settings or Settings()
        self.theme = settings.theme
        self._keep_theme = keep_theme
        keys.use_keymap(own_keys or {})
        self.set_keymap(keymap.for_textual(own_keys or {}))
        self.context = AppContext(engine, now=now, settle_seconds=settle_seconds, served=served, drill=drill)
        self._prompter = ScreenPrompter(self)
        self._plan_path = plan_path
        self._at_choice = at_choice
        self._key_order = KeyOrder(self, super().on_event)
        if isinstance(engine, WritableEngine):
            self.context.controller = RunController(self, engine)
        self.runs = RunNavigator(self, self.context)
        self.navigation = Navigator(self, self.context, self.runs)
        self.leaving = Leaving(self, self.context)
        self._referee: Referee | None = None
        if drill is not None:
            from screens.drill.referee import Referee  # what it imports takes time that no incident has

            self._referee = Referee(self, self.context, drill)
        self.attention = Attention(self.context, lambda: terminal_of(self._driver), settings.attention)

    def on_mount(self) -> None:
        home_screen = HealthScreen()
        self.push_screen(home_screen)
        self.call_later(home_screen.call_after_refresh, self._begin, home_screen)

    def _begin(self, home_screen: HealthScreen) -> None:
        """Begins after the first frame, so that nobody waits for a connection to see something."""
        self.context.engine.open(Refuse() if self.context.served else self._prompter)
        home_screen.start_polling()
        if self._plan_path is not None:
            self.navigation.review(self._plan_path)
        elif self.context.writable and (unfinished := self.runs.unfinished()):
            unfinished_run.offer(self, self.runs, unfinished[0])
        elif self._at_choice:
            self.navigation.restore()
        if self.context.writable:
            self.set_interval(LOOK_SECONDS, self.attention.look)
        if self._referee is not None:
            self._referee.begin()

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """The screens that can be seen behind the open one.

        Textual also counts the next one under an opaque screen. Then whatever changed there, ten times a
        second in a flood, had the open screen drawn again from top to bottom.
        """
        hidden = not self.screen_stack or self.screen.styles.background.a == 1
        return [] if hidden else super()._background_screens

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Handles the workers that belong to no screen: those of a run."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.navigation.show_fault(event.worker.error)

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste):
            event.text = clean(event.text)  # a field would show it as it is
        if isinstance(event, Typed | events.MouseEvent):
            self.attention.typed()
        if isinstance(event, Typed) and not event.is_forwarded:
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [Plain()] if self.no_color else super().get_line_filters()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.context.offers(action)

    def on_screen_prompter_asked(self, message: ScreenPrompter.Asked) -> None:
        def set_answer(answer: object) -> None:
            if not message.answer.done():
                message.answer.set_result(answer)

        self.push_screen(message.dialog, set_answer)

    def on_screen_prompter_withdrawn(self, message: ScreenPrompter.Withdrawn) -> None:
        if message.dialog.is_active:
            message.dialog.dismiss(None)

    def action_go(self, place: str) -> None:
        self.navigation.go(place)

    def action_restore(self) -> None:
        self.navigation.restore()

    def action_drill(self, what: str) -> None:
        if self._referee is not None:
            self._referee.do(what)

    def action_jump(self) -> None:
        def focus_on(widget: Widget | None) -> None:
            if widget is not None:
                widget.focus()

        if isinstance(self.screen, LoomScreen):
            self.push_screen(JumpScreen(targets(self.screen)), focus_on)

    def action_choose_theme(self) -> None:
        self.push_screen(ThemeDialog(), lambda name: self.action_take_theme(name) if name else None)

    def action_take_theme(self, name: str) -> None:
        self.theme = name
        if self._keep_theme is None:
            return
        try:
            self._keep_theme(name)
        except OSError as error:
            content.tell(self, f"The theme could not be kept for the next time: {error}", severity="warning")

    def action_suspend(self) -> None:
        if self.leaving.may_suspend():
            self.action_suspend_process()

    def action_help(self) -> None:
        if isinstance(self.screen, LoomScreen):
            self.push_screen(TextDialog(f"Help: {self.screen.NAME_SHOWN}", help_text(self.screen)))

    async def action_quit(self) -> None:
        self.leaving.ask()

    def on_terminal_gone(self) -> None:
        self._prompter.leave()
        self.leaving.terminal_gone()

    async def on_unmount(self) -> None:
        """A node that hangs does not keep the program from ending."""
        with suppress(TimeoutError, LoomtuiError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                await self.context.engine.close()
