"""In a browser: what acts on the operator's machine is not there, and nobody is asked anything."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loomtui.fleet.ssh.prompter import Refuse
from screens.input import keys
from screens.input.palette import ActionCommands
from tests.screens import basics, scenes
from tests.screens.fake import FakeEngine
from tests.screens.helping import press, running, screen_text

LOCAL = {"logs.save", "record.save", "app.suspend"}
#: A drill is never served.
LOCAL_IN_DRILLS = {"debriefing.save"}


def test_what_acts_on_the_machine_itself_is_known() -> None:
    assert {key.id for group in keys.GROUPS for key in group if key.local} == LOCAL | LOCAL_IN_DRILLS


@pytest.mark.parametrize("served", [True, False])
async def test_nothing_is_saved_or_suspended(served: bool) -> None:
    """By key, by name, by the palette or in the help."""
    scene = replace(scenes.healthy(), runs=basics.runs())
    offered = set()
    async with running(FakeEngine(scene), served=served) as (app, pilot):
        for place in ("o", "u", "enter"):
            await press(pilot, place)
            await pilot.pause()
            offered |= {str(active.binding.id) for active in app.screen.active_bindings.values()}
            offered |= {key.id for key, _ in ActionCommands(app.screen)._possible_actions()}
            if served:
                assert not app.screen.check_action("save", ())
                assert not app.check_action("suspend", ())
        await press(pilot, "question_mark")
        assert ("In a browser nothing is saved" in screen_text(app)) is served
    assert offered & LOCAL == (set() if served else LOCAL)


@pytest.mark.parametrize("served", [True, False])
async def test_nobody_is_asked(served: bool) -> None:
    engine = FakeEngine(scenes.healthy())
    async with running(engine, served=served):
        assert isinstance(engine.prompter, Refuse) is served
