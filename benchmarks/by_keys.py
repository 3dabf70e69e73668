"""A whole restore by the keys of the screens at 80x24, each pressed as soon as it can be; a program.

    python -m benchmarks.by_keys INVENTORY

It takes the newest data, lets the run carry on, and ends when the chain moves; its exit status is 1 if not.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path

from textual.pilot import Pilot

from loomtui.engine.live import WritableLiveEngine
from loomtui.inventory.load import load
from loomtui.restore.events import Outcome
from screens.app import LoomApp
from screens.modals.confirm import ConfirmDialog
from screens.restore.choose_screen import ChooseScreen

_SIZE = (80, 24)
_SECONDS = 300.0  # for anything that the app does by itself
_LOOK_SECONDS = 0.05


async def _until(pilot: Pilot[int], what: str, holds: Callable[[], bool]) -> None:
    given_up = time.monotonic() + _SECONDS
    while not holds():
        if time.monotonic() > given_up:
            raise SystemExit(f"it did not come about: {what}")
        await pilot.pause(_LOOK_SECONDS)


def _possible(app: LoomApp) -> set[str | None]:
    return {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}


async def restore(app: LoomApp) -> bool:
    """Whether it ended as restored."""
    controller = app.context.controller
    assert controller is not None
    async with app.run_test(size=_SIZE) as pilot:
        await _until(pilot, "the choice of the data", lambda: isinstance(app.screen, ChooseScreen))
        await pilot.press("enter")
        await _until(pilot, "a plan", lambda: bool({"plan.carry_on", "plan.reset"} & _possible(app)))
        if "plan.reset" in _possible(app):
            await pilot.press("z")
            await _until(pilot, "a plan with the reset", lambda: "plan.carry_on" in _possible(app))
        await pilot.press("X")
        await _until(pilot, "the consent", lambda: isinstance(app.screen, ConfirmDialog))
        await pilot.press(*({"-": "minus"}.get(letter, letter) for letter in app.context.cluster), "enter")
        await _until(pilot, "the end, or a question", lambda: controller.over or controller.waits)
        await _until(pilot, "the end", lambda: controller.over and not controller.busy)
        return controller.view is not None and controller.view.outcome is Outcome.RESTORED


def main() -> None:
    path = Path(sys.argv[1])
    app = LoomApp(WritableLiveEngine(load(path), path), at_choice=True)
    sys.exit(0 if asyncio.run(restore(app)) else 1)


if __name__ == "__main__":
    main()
