"""The top line of every screen: which cluster, production or not, what the run does, the time."""

from __future__ import annotations

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from screens.context import desk_of
from screens.restore.run_controller import RunFollower
from screens.restore.run_view import STEPS
from screens.text import content
from screens.text.words import OUTCOME_MARKS, Tone, stopwatch


class ClusterBar(Widget):
    def on_mount(self) -> None:
        desk = desk_of(self)
        self.set_class(desk.engine.inventory.production, "-production")
        if desk.keeper is not None:
            desk.keeper.watchers.add(self)
        self.set_interval(1, self.refresh)

    def on_unmount(self) -> None:
        keeper = desk_of(self).keeper
        if keeper is not None:
            keeper.watchers.discard(self)

    def on_run_follower_changed(self, event: RunFollower.Changed) -> None:
        self.refresh()

    def render(self) -> RenderResult:
        desk = desk_of(self)
        left = content.row(
            Content.styled(f" {desk.cluster} ", "bold"),
            Content.styled(f" {desk.mark} ", "bold reverse" if desk.engine.inventory.production else ""),
            "" if desk.writable else "  read-only",
        )
        clock = Content.styled(desk.now().strftime(" %H:%M:%S UTC "), Tone.DIM.value)
        right = content.row(self._run(), clock)
        if left.cell_length + right.cell_length > self.size.width:
            right = self._run()
        room = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * room, right)

    def _run(self) -> Content:
        """What the run does, for those who look at another screen."""
        desk = desk_of(self)
        keeper = desk.keeper
        if keeper is None or keeper.view is None:
            return Content("")
        view = keeper.view
        down = view.downtime(desk.now())
        clock = f", down {stopwatch(down)}" if down is not None and not view.finished else ""
        if keeper.waits:
            return Content.styled(f" run waits for you{clock} ", Tone.ACCENT.value)
        if view.outcome is not None:
            return content.mark(OUTCOME_MARKS[view.outcome])
        step = STEPS.index(view.current) + 1 if view.current else 1
        return content.line(f"{'rolling back' if view.rolling_back else f'step {step} of 8'}{clock}")
