"""What can be practised: each scenario is a YAML file in this folder, or in one of the operator's own."""

from loomtui.drill.scenarios.model import Past, Scenario
from loomtui.drill.scenarios.reading import load_scenario, own_folder, scenario_named, scenarios, schema
from loomtui.drill.scenarios.words import MOST_NODES

__all__ = [
    "MOST_NODES",
    "Past",
    "Scenario",
    "load_scenario",
    "own_folder",
    "scenario_named",
    "scenarios",
    "schema",
]
