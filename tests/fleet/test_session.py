from __future__ import annotations

from loomtui.fleet.facts import read_facts
from loomtui.fleet.fleet import Fleet
from loomtui.fleet.scripts import InspectScript


async def test_a_script_runs_and_its_facts_come_back(fleet: Fleet) -> None:
    output = await fleet.session("n1").inspect(InspectScript("rights"))
    assert read_facts(output.stdout).number("uid") is not None
    assert [(ran.node, ran.kind, ran.name) for ran in fleet.ran] == [("n1", "inspect", "rights")] * 2
