"""What every app with framed screens has: keys in their order, help, palette, the choice of a theme."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from textual import events
from textual.screen import Screen

from loomtui.text import clean
from screens.frame import FrameContext
from screens.framed_screen import FramedScreen
from screens.input import keys
from screens.input.key_order import KeyOrder, Typed
from screens.input.palette import ActionCommands, ThemeCommands
from screens.modals.help import help_text
from screens.modals.jump import JumpScreen, targets
from screens.modals.text import TextDialog
from screens.modals.theme import ThemeDialog
from screens.settings import Settings
from screens.styled_app import StyledApp
from screens.text import content

if TYPE_CHECKING:
    from textual.driver import Driver
    from textual.widget import Widget


class FramedApp(StyledApp[int]):
    """`keep_theme` remembers a chosen theme; it raises OSError."""

    COMMANDS = {ActionCommands, ThemeCommands}  # noqa: RUF012 - so Textual declares it
    COMMAND_PALETTE_BINDING = "ctrl+p"
    VERTICAL_BREAKPOINTS = [(0, "-low"), (32, "-high")]  # noqa: RUF012 - so Textual declares it
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - so Textual declares it
        (0, "-narrow"),
        (100, "-medium"),
        (160, "-wide"),
    ]

    def __init__(
        self,
        context: FrameContext,
        *,
        settings: Settings | None = None,
        own_keys: Mapping[str, str] | None = None,
        keep_theme: Callable[[str], None] | None = None,
        driver_class: type[Driver] | None = None,
    ) -> None:
        super().__init__(settings, own_keys, driver_class)
        self._keep_theme = keep_theme
        self._frame = context
        self._key_order = KeyOrder(self, super().on_event)

    @property
    def _background_screens(self) -> list[Screen[Any]]:
        """The screens that can be seen behind the open one.

        Textual also counts the next one under an opaque screen. Then whatever changed there, ten times a
        second in a flood, had the open screen drawn again from top to bottom.
        """
        hidden = not self.screen_stack or self.screen.styles.background.a == 1
        return [] if hidden else super()._background_screens

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Paste):
            event.text = clean(event.text)  # a field would show it as it is
        if isinstance(event, Typed) and not event.is_forwarded:
            await self._key_order.take(event)
        else:
            await super().on_event(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self._frame.offers(action) and self._leads_to(action)

    def _leads_to(self, action: str) -> bool:
        """Whether the screen in front lets this way be gone, also from the palette or a dialog over it."""
        if action not in keys.WAY_ACTIONS:
            return True
        framed = (screen for screen in reversed(self.screen_stack) if isinstance(screen, FramedScreen))
        front = next(framed, None)
        return front is None or front.leads_to(action)

    def action_jump(self) -> None:
        def focus_on(widget: Widget | None) -> None:
            if widget is not None:
                widget.focus()

        if isinstance(self.screen, FramedScreen):
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

    def action_help(self) -> None:
        if isinstance(self.screen, FramedScreen):
            self.push_screen(TextDialog(f"Help: {self.screen.NAME_SHOWN}", help_text(self.screen)))
