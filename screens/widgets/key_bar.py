"""The last line: the keys that are possible now. Where room is short, ways to other screens go first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual import events
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from screens.input import keys
from screens.text import content

if TYPE_CHECKING:
    from textual.screen import Screen

_GAP = 1  # cells between two caps


@dataclass(frozen=True)
class Cap:
    """One key on the bar."""

    id: str
    key: str
    display: str
    label: str
    action: str
    enabled: bool
    tooltip: str

    @property
    def cells(self) -> int:
        """How wide it is, the gap behind it included."""
        return cell_len(self.display) + cell_len(self.label) + 1 + _GAP

    @property
    def is_way(self) -> bool:
        """Whether it leads to another screen."""
        return self.id in keys.WAYS

    @property
    def is_common(self) -> bool:
        """Whether it is the same on every screen, and no way to another one."""
        return not self.is_way and self.id.partition(".")[0] in keys.COMMON

    @property
    def is_of_drills(self) -> bool:
        """Whether it exists in a drill alone."""
        return self.id.partition(".")[0] == keys.DRILL_GROUP

    @property
    def is_dangerous(self) -> bool:
        """Whether it may lead to changes."""
        key = keys.by_id(self.id)
        return key is not None and key.danger


def fitting(caps: list[Cap], width: int) -> list[Cap]:
    """All of the app's keys, and as many of the screen's own and then of the ways to other screens as fit.

    Of the ways, the one to a restore comes first, because it is what somebody in an incident looks for; but
    not where the screen's own keys can change something, for there one is on that way already. In a drill,
    whose keys take their room, it comes before the screen's own, so that it stands where it stands in an
    incident. What is left out stands in the help, and what is wanted next in the panel above.
    """
    screen_caps = [cap for cap in caps if not cap.is_way and not cap.is_common]
    app_caps = [cap for cap in caps if cap.is_common]
    ways = [cap for cap in caps if cap.is_way]
    first = [] if any(cap.is_dangerous for cap in screen_caps) else [cap for cap in ways if cap.is_dangerous]
    cells_left = width - sum(cap.cells for cap in app_caps)
    chosen: set[str] = set()
    is_drill = any(cap.is_of_drills for cap in caps)
    own_and_first = (*first, *screen_caps) if is_drill else (*screen_caps, *first)
    for cap in (*own_and_first, *(cap for cap in ways if cap not in first)):
        if cap.cells > cells_left:
            break
        cells_left -= cap.cells
        chosen.add(cap.id)
    shown = [cap for cap in (*screen_caps, *ways) if cap.id in chosen]
    return [*shown, *app_caps]


class KeyBar(Widget):
    """One widget. Textual's Footer makes one for each key, anew at every change."""

    ALLOW_SELECT = False
    DEFAULT_CSS: ClassVar[str] = """
    KeyBar {
        dock: bottom;
        height: 1;
        text-wrap: nowrap;
        color: $footer-foreground;
        background: $footer-background;
    }
    """
    shown: reactive[tuple[Cap, ...]] = reactive((), init=False)
    pointed: reactive[Cap | None] = reactive[Cap | None](None, init=False)

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def on_resize(self) -> None:
        if self.shown:
            self._read_bindings()

    def _bindings_changed(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            self._read_bindings()

    def _read_bindings(self) -> None:
        self.shown = tuple(fitting(self._caps(), self.app.size.width))

    def _caps(self) -> list[Cap]:
        """One cap for each binding that is shown, first the screen's, then the app's."""
        caps: dict[str, Cap] = {}
        for active_binding in self.screen.active_bindings.values():
            binding = active_binding.binding
            key = keys.by_id(binding.id or "")
            if binding.show and binding.action not in caps:
                caps[binding.action] = Cap(
                    binding.id or "",
                    binding.key,
                    key.name if key else self.app.get_key_display(binding),
                    binding.description,
                    binding.action,
                    active_binding.enabled,
                    active_binding.tooltip,
                )
        return sorted(caps.values(), key=lambda cap: keys.position(cap.id))

    def render(self) -> Content:
        return content.row(*(part for cap in self.shown for part in self._parts(cap)))

    def _parts(self, cap: Cap) -> Iterator[Content]:
        state = "" if cap.enabled else " dim"
        if cap == self.pointed:
            state += " on $block-hover-background"
        yield Content.styled(cap.display, "bold $footer-key-foreground" + state)
        yield Content.styled(f" {cap.label}", "$footer-description-foreground" + state)
        yield Content(" " * _GAP)

    def _cap_at(self, column: int) -> Cap | None:
        for cap in self.shown:
            if column < cap.cells:
                return cap if column < cap.cells - _GAP else None
            column -= cap.cells
        return None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.pointed = self._cap_at(event.x)
        self.tooltip = (self.pointed.tooltip or None) if self.pointed is not None else None

    def on_leave(self) -> None:
        self.pointed = None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        cap = self._cap_at(event.x)
        if cap is None:
            return
        if cap.enabled:
            self.app.simulate_key(cap.key)
        else:
            self.app.bell()
