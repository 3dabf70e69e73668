"""The top line of every screen: the cluster, whether it is production, what the run does, and the time."""

from __future__ import annotations

from datetime import timedelta

from textual.app import RenderResult
from textual.content import Content
from textual.widget import Widget

from loomtui.wording.objectives import clock, grade_of
from loomtui.wording.quantities import stopwatch
from loomtui.wording.states import Grade
from screens.context import context_of
from screens.restore.run_controller import RunFollower
from screens.restore.run_view import STEPS
from screens.text import content
from screens.text.words import OUTCOME_MARKS, Tone, cut, tone_of


class ClusterBar(Widget):
    def on_mount(self) -> None:
        context = context_of(self)
        self.set_class(context.production, "-production")
        self.set_class(context.practice, "-practice")
        if context.controller is not None:
            context.controller.watchers.add(self)
        self.set_interval(1, self.refresh)

    def on_unmount(self) -> None:
        controller = context_of(self).controller
        if controller is not None:
            controller.watchers.discard(self)

    def on_run_follower_changed(self, event: RunFollower.Changed) -> None:
        self.refresh()

    def render(self) -> RenderResult:
        context = context_of(self)
        cannot_be_missed = context.production or context.practice
        mark = content.row(
            Content.styled(f" {context.mark} ", "bold reverse" if cannot_be_missed else ""),
            "" if context.writable else "  read-only",
        )
        time = Content.styled(context.now().strftime(" %H:%M:%S UTC "), Tone.DIM.value)
        needed = content.row(self._run_text(), self._drill_text())
        room = self.size.width - mark.cell_length - needed.cell_length - 2
        name = Content.styled(f" {cut(context.cluster, max(1, room))} ", "bold")
        left = content.row(name, mark)
        has_room = left.cell_length + needed.cell_length + time.cell_length <= self.size.width
        right = content.row(needed, time) if has_room else needed
        gap = max(1, self.size.width - left.cell_length - right.cell_length)
        return Content.assemble(left, " " * gap, right)

    def _run_text(self) -> Content:
        """What the run does, for those who look at another screen."""
        context = context_of(self)
        controller = context.controller
        if controller is None or controller.view is None:
            return Content("")
        view = controller.view
        clock = Content("") if view.finished else self._clock(view.downtime(context.now()))
        if controller.waits:
            return content.row(content.line(" run waits for you", Tone.ACCENT), clock, " ")
        if view.outcome is not None:
            return content.mark(OUTCOME_MARKS[view.outcome])
        step = STEPS.index(view.current) + 1 if view.current else 1
        return content.row("rolling back" if view.rolling_back else f"step {step} of 8", clock)

    def _drill_text(self) -> Content:
        """How long the drill lasts, against what was agreed; once it is judged, what it was worth."""
        context = context_of(self)
        drill = context.drill
        if drill is None:
            return Content("")
        if drill.debriefing is not None:
            return content.line(f"  {drill.debriefing.headline} ", Tone.ACCENT)
        words, grade = clock(context.now() - drill.began, drill.objectives.downtime_seconds)
        return content.row("  ", content.line(f"drill {words}", tone_of(grade)), " ")

    def _clock(self, downtime: timedelta | None) -> Content:
        """In the colour that what was agreed gives it; what is over that has a sign, too."""
        controller = context_of(self).controller
        if downtime is None or controller is None or controller.handle is None:
            return Content("")
        grade = grade_of(downtime, controller.handle.plan.objectives.downtime_seconds)
        sign = "▲ " if grade is Grade.BAD else ""
        tone = Tone.ACCENT if grade is Grade.OPEN and controller.waits else tone_of(grade)
        tone = Tone.PLAIN if tone is Tone.DIM else tone
        return content.line(f", down {sign}{stopwatch(downtime)}", tone)
