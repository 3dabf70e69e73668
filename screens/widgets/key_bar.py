"""The last line: the keys that are possible now. If room is short, ways to other screens are left out."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from screens.input import keys


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
        return cell_len(self.display) + cell_len(self.label) + 2

    @property
    def is_way(self) -> bool:
        """Whether it leads to another screen."""
        return self.id in keys.WAYS


def fitting(caps: list[Cap], width: int) -> list[Cap]:
    """The screen's own keys, as many ways to other screens as there is room for, and the app's keys."""
    cells_left = width - sum(cap.cells for cap in caps if not cap.is_way)
    ways: list[Cap] = []
    for cap in (cap for cap in caps if cap.is_way):
        if cap.cells > cells_left:
            break
        cells_left -= cap.cells
        ways.append(cap)
    screen_caps = [cap for cap in caps if not cap.is_way and not cap.id.startswith("app.")]
    app_caps = [cap for cap in caps if not cap.is_way and cap.id.startswith("app.")]
    return [*screen_caps, *ways, *app_caps]


class KeyBar(Footer):
    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._width = 0
        self._shown_caps: list[Cap] = []

    def compose(self) -> ComposeResult:
        if not self._bindings_ready:
            return
        self._width = self.app.size.width
        self._shown_caps = self._fitting()
        for cap in self._shown_caps:
            yield FooterKey(
                cap.key, cap.display, cap.label, cap.action, disabled=not cap.enabled, tooltip=cap.tooltip
            )

    async def recompose(self) -> None:
        """Textual asks for it at every change of focus. Mostly the keys are the same as before."""
        if not self.is_attached:  # its screen went while this was waiting for its turn
            return
        if not self._bindings_ready or self._fitting() != self._shown_caps:
            await super().recompose()

    def on_resize(self, event: events.Resize) -> None:
        if self._bindings_ready and self.app.size.width != self._width:
            self.call_after_refresh(self.recompose)

    def _fitting(self) -> list[Cap]:
        return fitting(self._caps(), self.app.size.width)

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
