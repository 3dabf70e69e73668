"""Restores a practice cluster by keys alone, as the screens say them, and saves what is seen on the way.

    python scripts/record.py [FOLDER]           FOLDER: docs/session

The pictures are SVG, of a terminal of 100x30.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from textual.pilot import Pilot

from loomtui.drill.environment import surroundings
from loomtui.drill.practice import practice
from loomtui.engine.live import WritableLiveEngine
from loomtui.inventory import load
from loomtui.restore.events import Outcome, StepName
from loomtui.restore.running.operator import FailureQuestion
from screens.app import LoomApp
from screens.modals.confirm import ConfirmDialog
from screens.restore.plan_screen import PlanScreen
from screens.restore.screen_operator import Question, StepQuestion, UnitQuestion

_SIZE = (100, 30)
_SECONDS = 180.0  # for anything that the app does by itself
_FOLDER = Path(__file__).parents[1] / "docs/session"


class Recorder:
    """Presses keys and takes pictures, numbered in their order."""

    def __init__(self, app: LoomApp, pilot: Pilot[int], folder: Path) -> None:
        self._app = app
        self._pilot = pilot
        self._folder = folder
        self._count = 0

    async def picture(self, name: str) -> None:
        await self._pilot.wait_for_scheduled_animations()
        await self._pilot.pause(0.3)
        self._count += 1
        self._app.save_screenshot(f"{self._count:02d}-{name}.svg", str(self._folder))

    async def press(self, keys: Iterable[str]) -> None:
        for key in keys:
            await self._pilot.press({"-": "minus"}.get(key, key))
        await self._pilot.pause()

    async def until(self, what: str, holds: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise SystemExit(f"it did not come about: {what}")
            await self._pilot.pause(0.1)

    async def type_name(self) -> None:
        """The cluster's name, where it is asked for."""
        if isinstance(self._app.screen, ConfirmDialog):
            await self.press((*self._app.context.cluster, "enter"))

    async def plan(self) -> None:
        await self.press(("r", "enter"))
        await self.until("a plan", self._planned)
        await self.picture("plan")
        if "plan.reset" in self._possible():
            await self.press("z")
            await self.until("a plan with the reset", lambda: "plan.start" in self._possible())
            await self.picture("plan-with-reset")
        await self.press("x")

    def _planned(self) -> bool:
        screen = self._app.screen
        return isinstance(screen, PlanScreen) and screen.plan is not None

    def _possible(self) -> set[str | None]:
        active = self._app.screen.active_bindings.values()
        return {binding.binding.id for binding in active if binding.enabled}

    async def restore(self) -> None:
        """Answers what the run asks, until it has ended."""
        while not self._ended():
            await self.until("a question, or the end", lambda: self._question() is not None or self._ended())
            question = self._question()
            if isinstance(question, FailureQuestion):
                raise SystemExit(f"{question.step}: {'; '.join(map(str, question.failures.values()))}")
            if isinstance(question, StepQuestion | UnitQuestion):
                await self._answer(question)

    async def _answer(self, question: StepQuestion | UnitQuestion) -> None:
        if isinstance(question, UnitQuestion):
            name, long = "unit", False
        else:
            name, long = question.step.value, question.step in (StepName.DATA, StepName.VERIFY)
        await self._pilot.pause(0.9)  # a new question takes no key in its first moment
        await self.picture(name)
        await self.press("x")
        if isinstance(self._app.screen, ConfirmDialog):
            await self.picture(f"{name}-asked")
            await self.type_name()
        await self.until("what comes next", lambda: self._question() is not question)
        if long:
            await self.picture(f"{name}-at-work")

    def _question(self) -> Question | None:
        controller = self._app.context.controller
        return controller.pending if controller is not None else None

    def _ended(self) -> bool:
        controller = self._app.context.controller
        return (
            controller is not None
            and controller.view is not None
            and controller.view.outcome is Outcome.RESTORED
        )


async def record(app: LoomApp, folder: Path) -> None:
    async with app.run_test(size=_SIZE) as pilot:
        recorder = Recorder(app, pilot, folder)
        names = app.context.engine.inventory.names
        await recorder.until("a look at every node", lambda: len(app.context.watch.latest) == len(names))
        await recorder.picture("health")
        await recorder.plan()
        await recorder.restore()
        await recorder.picture("restored")
        await recorder.press(("escape",))
        await pilot.pause(6)  # so that the growth of the chain can be seen
        await recorder.picture("healthy-again")
        await recorder.press(("u", "enter"))
        await recorder.picture("record")


def main() -> None:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    with practice("moved-hosts", 4) as cluster, surroundings(cluster):
        path = cluster.inventory_path
        engine = WritableLiveEngine(load(path), path)
        asyncio.run(record(LoomApp(engine), folder))


if __name__ == "__main__":
    main()
