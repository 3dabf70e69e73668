"""Scenarios as files: those in the box, one's own, and every mistake in one with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.drill.backup_sets import heights_wanted
from loomtui.drill.scenarios import (
    MOST_NODES,
    Scenario,
    load_scenario,
    own_folder,
    scenario_named,
    scenarios,
    schema,
)
from loomtui.drill.scenarios.deeds import Action, Damage, Peers, State, StoreTrouble
from loomtui.drill.scenarios.expectations import Check, Decision, Ending
from loomtui.drill.scenarios.words import chosen_nodes
from loomtui.errors import CallError, ScenarioError
from tests.drill.mutations import MUTATIONS

DOCUMENTATION = Path(__file__).parents[2] / "docs/drills.md"
NAMES = ("val-1", "val-2", "val-3", "backup-1")

SMALL = """\
title: One node
story: Its database is gone.
teaches: Something.
rests_on: A fact.
state:
  - config: {nodes: all, signed: tip}
  - data: {nodes: all, height: data}
expected:
  ends: restored
  sentence: It runs.
solved:
  - moves: {nodes: all}
"""


def written(folder: Path, text: str = SMALL, name: str = "one-node.yml") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def problems(path: Path) -> list[tuple[int, str, str]]:
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return [(problem.line, problem.field, problem.expected) for problem in caught.value.problems]


def test_the_box_holds_eighteen_and_more_each_with_a_fact_and_a_check() -> None:
    found = scenarios()
    assert len(found) >= 18
    assert len({scenario.name for scenario in found}) == len(found)
    for scenario in found:
        assert scenario.teaches
        assert scenario.rests_on
        assert scenario.solved
        assert scenario.hints or not scenario.needs_restore


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_a_scenario_of_the_box_can_be_set_up_with_the_nodes_that_it_wants(scenario: Scenario) -> None:
    names = [*(f"val-{number}" for number in range(1, scenario.validators + 1)), "backup-1"]
    parts = [*scenario.state, *scenario.actions, *(do for fault in scenario.faults for do in fault.do)]
    for part in parts:
        told = getattr(part, part.verb)
        words = getattr(told, "nodes", "all")
        assert chosen_nodes(words, names) or words == "last"
    for check in (*scenario.solved, *(trap.unless for trap in scenario.traps)):
        assert chosen_nodes(check.nodes, names)
    assert max(heights_wanted(scenario)) <= scenario.tip_height
    assert scenario_named(scenario.name, scenario.validators) is scenario


def test_a_scenario_of_ones_own_is_named_by_its_file(home: Path) -> None:
    path = written(own_folder())
    assert scenario_named("one-node").title == "One node"
    assert [scenario.name for scenario in scenarios()][-1] == "one-node"
    assert scenario_named(str(path)).path == path


def test_a_scenario_in_any_file_is_found_by_its_path(home: Path, tmp_path: Path) -> None:
    assert scenario_named(str(written(tmp_path))).name == "one-node"
    with pytest.raises(CallError, match="cannot be read"):
        scenario_named(str(tmp_path / "missing.yml"))


def test_the_name_of_one_in_the_box_is_taken(home: Path) -> None:
    written(own_folder(), name="healthy.yml")
    with pytest.raises(CallError, match="has the name of one"):
        scenarios()


def test_a_typo_is_told_with_its_line_and_with_what_was_meant(tmp_path: Path) -> None:
    text = SMALL.replace("signed: tip", "sigend: tip").replace("height: data", "height: newest")
    text = text.replace("ends: restored", "ends: restord").replace("- moves:", "- move:")
    path = written(tmp_path, text)
    assert [(line, field) for line, field, _ in problems(path)] == [
        (6, "state[0].config.sigend"),
        (7, "state[1].data.height"),
        (9, "expected.ends"),
        (12, "solved[0].move"),
    ]
    with pytest.raises(ScenarioError, match=r"did you mean 'signed'\?"):
        load_scenario(path)


def test_all_that_is_missing_is_told_at_once(tmp_path: Path) -> None:
    path = written(tmp_path, "title: Nothing else\n")
    fields = [field for _, field, _ in problems(path)]
    assert fields == ["story", "teaches", "rests_on", "state", "expected", "solved"]


def test_a_state_is_one_thing_and_names_only_nodes_that_there_are(tmp_path: Path) -> None:
    two = written(tmp_path, SMALL.replace("  - data: {", "    data: {"))
    assert problems(two)[0][:2] == (6, "state[0]")
    far = written(tmp_path, SMALL.replace("moves: {nodes: all}", "moves: {nodes: val-3}"), "far.yml")
    assert "validators: 3" in problems(far)[0][2]
    with pytest.raises(ScenarioError, match="file name"):
        load_scenario(written(tmp_path, SMALL, "Odd Name.yml"))
    assert problems(written(tmp_path, SMALL.replace("  - moves: {nodes: all}", "  []"), "none.yml"))


def test_too_few_nodes_are_refused() -> None:
    with pytest.raises(CallError, match="needs 4 validators or more, not 3"):
        scenario_named("one-validator-lost", 3)
    with pytest.raises(CallError, match=f"1 to {MOST_NODES}"):
        scenario_named("healthy", MOST_NODES + 1)


def test_the_scenario_of_the_documentation_is_right(tmp_path: Path) -> None:
    (text,) = re.findall(r"```yaml\n(title:.*?)```", DOCUMENTATION.read_text(), re.DOTALL)
    scenario = load_scenario(written(tmp_path, text, "two-machines.yml"))
    assert scenario.faults[0].when.times == 2
    assert scenario.reset_signing


def test_the_documentation_tells_of_every_building_block() -> None:
    text = DOCUMENTATION.read_text()
    words = [*State.model_fields, *Action.model_fields, *Check.model_fields, *Damage, *Peers, *StoreTrouble]
    words += [*Decision, *Ending]
    assert [word for word in words if f"`{word}`" not in text] == []


def test_a_scenario_can_neither_run_a_command_nor_name_a_path() -> None:
    """Whatever text it holds is shown, is a word of a list, or names nodes."""
    known = {"config", "data", "damage", "fresh", "identity", "unit", "drop_in", "held"}
    assert set(State.model_fields) == known
    happens = {"stop", "start", "power_off", "power_on", "reboot", "cut", "mend", "no_s3", "backup_job"}
    assert set(Action.model_fields) == happens | {"room", "store"}
    free = {"title", "story", "pager", "teaches", "rests_on", "says", "sentence"}
    definitions = schema()["$defs"].values()
    texts = {
        name
        for model in [*definitions, schema()]
        for name, field in model.get("properties", {}).items()
        for one in [field, *field.get("anyOf", [])]
        if one.get("type") == "string" and not {"pattern", "enum", "const"} & one.keys()
    }
    assert texts <= free | {"free", "form"}


def test_escapes_in_a_story_do_not_reach_a_terminal(tmp_path: Path) -> None:
    text = SMALL.replace("story: Its database is gone.", 'story: "Its \\e[2Jdatabase"')
    assert load_scenario(written(tmp_path, text)).story == "Its database"


@given(st.lists(st.sampled_from(NAMES), min_size=1, max_size=6))
def test_nodes_are_named_once_and_in_order(names: list[str]) -> None:
    assert chosen_nodes(", ".join(names), NAMES) == tuple(dict.fromkeys(names))


def test_groups_of_nodes() -> None:
    assert chosen_nodes("all", NAMES) == NAMES
    assert chosen_nodes("validators", NAMES) == NAMES[:3]
    assert chosen_nodes("last, backup-1", NAMES) == ("val-3", "backup-1")
    assert chosen_nodes("last", ("val-1", "backup-1")) == ()
    with pytest.raises(ValueError, match="val-9"):
        chosen_nodes("val-9", NAMES)


def test_a_check_says_which_nodes_it_is_about() -> None:
    assert Check.model_validate({"down": {"nodes": "last"}}).nodes == "last"
    assert Check.model_validate({"moves": {}}).nodes == "all"


def test_every_scenario_of_the_box_has_a_mutation() -> None:
    """Whether the drills then fail is tried by `python -m tests.drill.mutations`."""
    assert set(MUTATIONS) == {scenario.name for scenario in scenarios()}
