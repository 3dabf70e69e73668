"""The command that a message tells: with every choice that was made, so that no consent gets lost."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loomtui.cli import planning
from loomtui.cli.settings import Settings
from loomtui.errors import CallError
from loomtui.inventory import Inventory
from loomtui.restore.choices import BackupPolicy, Choices
from loomtui.restore.plan import RemedyKind
from loomtui.restore.planning.command_line import command_for, plan_command
from tests.restore.material import make_plan_of
from tests.restore.test_planner import INVENTORY

_names = st.from_regex(r"[a-z0-9][a-z0-9.-]{0,8}", fullmatch=True)
_lists = st.lists(_names, min_size=1, max_size=3, unique=True).map(tuple)
_choices = st.builds(
    Choices,
    data_key=st.none() | st.just("latest") | st.from_regex(r"[a-z'\"$ ;&]{1,12}x", fullmatch=True),
    before=st.none() | st.datetimes(datetime(2018, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    nodes=st.none() | _lists,
    stage_first=st.booleans(),
    reset_signing=st.booleans(),
    keep_keys=st.booleans(),
    sources=st.dictionaries(_names, _names, max_size=2),
    gone=st.just(()) | _lists,
    backup_policy=st.sampled_from(BackupPolicy),
    redis=st.sampled_from([None, "keep", "10.2.0.9:6379"]),
    look=st.booleans(),
    look_limit_bytes=st.none() | st.integers(0, 2**50),
    give_up_old_data=st.booleans(),
    delta=st.booleans(),
)


def chosen_by(command: str, inventory: Inventory) -> Choices:
    """What `loomtui plan` makes of a command line."""
    found: list[Choices] = []

    def note(_inventory: Inventory, choices: Choices, *, batch: bool) -> None:
        found.append(choices)
        raise CallError("enough")

    program, verb, *words = shlex.split(command)
    assert (program, verb) == ("loomtui", "plan")
    with (
        patch.object(planning, "_plan", note),
        patch.object(Settings, "inventory", lambda _self: inventory),
        pytest.raises(CallError, match="enough"),
    ):
        planning.plan.main(words, standalone_mode=False, obj=Settings())
    return found[0]


@pytest.mark.parametrize("option", ["--reset-signing-state", "--give-up-old-data"])
def test_a_consent_names_this_cluster(option: str) -> None:
    with (
        patch.object(Settings, "inventory", lambda _self: INVENTORY),
        pytest.raises(CallError, match=f"{option} names 'other', but the inventory describes 'lab'"),
    ):
        planning.plan.main([option, "other"], standalone_mode=False, obj=Settings())


@pytest.mark.slow
@settings(max_examples=60)
@given(_choices)
def test_the_command_makes_the_same_choices_again(choices: Choices) -> None:
    assert chosen_by(command_for(choices, INVENTORY.cluster), INVENTORY) == choices
    plan = make_plan_of(choices=choices, cluster=INVENTORY.cluster)
    assert chosen_by(plan_command(plan), INVENTORY) == choices


def test_the_command_says_where_inventory_and_plan_are() -> None:
    plan = make_plan_of(choices=Choices(keep_keys=True, backup_policy=BackupPolicy.STOP), cluster="lab")
    told = plan_command(plan, offer=RemedyKind.RESET, inventory=Path("my lab.yml"), output=Path("p.yml"))
    assert told == (
        "loomtui plan -i 'my lab.yml' --reset-signing-state lab --keep-keys --backup-jobs stop -o p.yml"
    )


def test_the_reset_is_not_told_twice() -> None:
    plan = make_plan_of(choices=Choices(reset_signing=True), cluster="lab")
    assert plan_command(plan, offer=RemedyKind.RESET) == "loomtui plan --reset-signing-state lab"
