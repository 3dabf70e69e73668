"""The engine of a real cluster, as far as it goes without one."""

from __future__ import annotations

import pytest

from loomtui.engine.live import LiveEngine, WritableLiveEngine, opened
from loomtui.errors import CallError
from loomtui.fleet.fleet import WritableFleet
from loomtui.fleet.ssh.prompter import Refuse
from tests.screens import basics


async def test_nothing_can_be_asked_of_a_node_before_it_is_open() -> None:
    engine = LiveEngine(basics.inventory())
    with pytest.raises(CallError, match="not open"):
        await engine.look("db1", None)
    await engine.close()


async def test_the_one_that_looks_has_a_fleet_without_a_way_to_change() -> None:
    async with opened(LiveEngine(basics.inventory()), Refuse()) as engine:
        assert not isinstance(engine.fleet, WritableFleet)
    async with opened(WritableLiveEngine(basics.inventory(), basics.PATH), Refuse()) as engine:
        assert isinstance(engine.fleet, WritableFleet)


async def test_it_is_closed_however_its_block_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[LiveEngine] = []

    async def close(engine: LiveEngine) -> None:
        closed.append(engine)

    monkeypatch.setattr(LiveEngine, "close", close)
    engine = LiveEngine(basics.inventory())
    with pytest.raises(CallError, match="gone"):
        async with opened(engine, Refuse()):
            raise CallError("gone")
    assert closed == [engine]
