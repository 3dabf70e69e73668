"""One drill, played by keys on a real practice cluster: from the briefing to the debriefing."""

from __future__ import annotations

from pathlib import Path

import pytest

from loomtui.drill.logbook import Logbook
from loomtui.drill.people import USUAL, held
from loomtui.drill.practice import practice
from loomtui.drill.result import PlayedBy
from loomtui.engine.live import WritableLiveEngine
from loomtui.inventory import load
from screens.app import LoomApp
from screens.drill.debriefing_screen import DebriefingScreen
from screens.modals.confirm import ConfirmDialog
from screens.restore.plan_screen import PlanScreen
from tests.screens.helping import SMALL, press, screen_text, type_text, until, until_shown


@pytest.mark.slow
@pytest.mark.usefixtures("home")
async def test_a_drill_is_played_by_keys_from_its_briefing_to_its_debriefing(tmp_path: Path) -> None:
    book = Logbook(tmp_path / "history.jsonl")
    with (
        practice("clean-restore", 1, tmp_path, block_seconds=0.3, objectives=USUAL) as cluster,
        held(cluster, book) as drill,
    ):
        path = cluster.inventory_path
        app = LoomApp(WritableLiveEngine(load(path), path), settle_seconds=0, drill=drill)
        async with app.run_test(size=SMALL, notifications=True) as pilot:
            await until_shown(pilot, "Pager")
            await press(pilot, "enter", "H", "down", "enter", "escape", "r", "enter")
            await until_shown(pilot, "reset the signing states")
            await press(pilot, "z")
            await until_shown(pilot, "carry out all of it")
            assert isinstance(app.screen, PlanScreen)
            await press(pilot, "X")
            assert isinstance(app.screen, ConfirmDialog)
            await type_text(pilot, app.context.cluster)
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(app.screen, DebriefingScreen), "the debriefing")
            await until_shown(pilot, "✓ solved: 95 of 100 points")
            assert "It was not lost." in screen_text(app)
    (entry,) = book.entries()
    assert (entry.by, entry.passed, entry.score.hints) == (PlayedBy.PEOPLE, True, 1)
    assert entry.score.recovered_seconds is not None
    assert entry.score.objectives == USUAL
