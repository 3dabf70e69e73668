"""Some nodes only, other hosts, nodes added or gone: what each case must not do, and what is said then."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loomtui.errors import CallError, NodeUnreachable
from loomtui.fleet.probes.node_status import Active, NodeDetails
from loomtui.inventory.model import Node
from loomtui.loom.databases import NODE_KEY, TENDERMINT_GENESIS
from loomtui.loom.units import read_unit
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, texts_of
from loomtui.restore.plan import Plan, RemedyKind, Scope, SigningAction
from loomtui.restore.planning.membership import scope_of, select
from tests.restore.material import NOW, Key, chain_facts, node_key_of, node_status, validator_key_of
from tests.restore.test_planner import INVENTORY, WITH_BACKUP, config, details, planned

AWAY = NodeUnreachable("no route to it")


def three(signed: int = 100, **changes: Any) -> Plan:
    """Three of four validators."""
    return planned(*(details(number, signed) for number in (1, 2, 3)), **changes)


def first_text_with(findings: tuple[Finding, ...], part: str) -> str:
    texts = [text for text in texts_of(findings) if part in text]
    assert texts, f"{part!r} is in none of {texts_of(findings)}"
    return texts[0]


# ── which nodes ─────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("choices", "selected", "scope"),
    [
        (Choices(), "n1 n2 n3 n4 n5", Scope.CLUSTER),
        (Choices(nodes=("n1", "n2", "n3", "n4")), "n1 n2 n3 n4", Scope.CLUSTER),  # without the backup node
        (Choices(nodes=("n3",)), "n3", Scope.NODES),
        (Choices(nodes=("n1", "n2", "n3")), "n1 n2 n3", Scope.NODES),
        (Choices(gone=("n4",)), "n1 n2 n3 n5", Scope.CLUSTER),
        (Choices(nodes=("n1",), gone=("n4",)), "n1", Scope.NODES),
    ],
)
def test_who_is_in_the_plan_and_whether_the_cluster_goes_back(
    choices: Choices, selected: str, scope: Scope
) -> None:
    nodes = select(WITH_BACKUP, choices)
    assert " ".join(node.name for node in nodes) == selected
    assert scope_of(WITH_BACKUP, nodes, choices) is scope


@pytest.mark.parametrize(
    ("choices", "why"),
    [
        (Choices(gone=("n9",)), "no such node: n9"),
        (Choices(sources={"n9": "x"}), "no such node: n9"),
        (Choices(nodes=("n1", "n2"), gone=("n2",)), "n2 cannot be restored and gone at once"),
        (Choices(nodes=("n1",), sources={"n2": "x"}), "mapped to n2, which is not in the plan"),
        (Choices(sources={"n2": "x"}, gone=("n2",)), "mapped to n2, which is not in the plan"),
        (Choices(gone=("n1", "n2", "n3", "n4")), "every node is gone"),
    ],
)
def test_contradictions_are_wrong_calls(choices: Choices, why: str) -> None:
    with pytest.raises(CallError, match=why):
        select(INVENTORY, choices)


# ── a validator that is dead for good ───────────────────────────────────────────────────────────────────────


def test_without_a_word_about_it_a_missing_validator_may_be_alive() -> None:
    plan = three(left_out={"n4": AWAY})
    assert not plan.prediction.moves
    assert "--gone" in first_text_with(plan.refusals, "does the chain live on")


def gone(plan_of: int = 100, **changes: Any) -> Plan:
    texts = {f"n{number}": details(number, plan_of) for number in (1, 2, 3)}
    return planned(*texts.values(), left_out={"n4": AWAY}, gone=("n4",), scope=Scope.CLUSTER, **changes)


def test_the_others_are_set_back_together_when_it_is_gone() -> None:
    plan = gone()
    assert plan.refusals == ()
    assert plan.scope is Scope.CLUSTER
    assert plan.prediction.moves
    assert "must never run again" in first_text_with(plan.warnings, "n4 is said to be gone")


def test_signing_states_may_be_reset_when_who_is_missing_is_gone() -> None:
    refused = gone(130)
    assert "Reset the signing state" in first_text_with(refused.refusals, "stand still at 101")
    assert refused.offer is RemedyKind.RESET
    plan = gone(130, reset_signing=True)
    assert plan.refusals == ()
    assert {node.signing.action for node in plan.nodes} == {SigningAction.RESET}


def test_one_gone_does_not_stand_for_two_that_are_missing() -> None:
    plan = planned(
        *(details(number, 130) for number in (1, 2)),
        details(3, status=node_status("n3", 3, validator=None)),
        left_out={"n4": AWAY},
        gone=("n4",),
        scope=Scope.CLUSTER,
        reset_signing=True,
    )
    first_text_with(plan.refusals, "the signing states may not be reset")


def test_who_answers_is_not_gone() -> None:
    plan = planned(
        *(details(number, 100) for number in (1, 2, 3)),
        left_out={"n4": details(4)},
        gone=("n4",),
        scope=Scope.CLUSTER,
    )
    assert "Switch it off for good" in first_text_with(plan.refusals, "n4 is said to be gone, but it answers")


# ── the backup node, and others that keep abandoned blocks ──────────────────────────────────────────────────


def four(**changes: Any) -> Plan:
    return planned(*(details(number, 100) for number in range(1, 5)), inventory=WITH_BACKUP, **changes)


def test_a_stopped_node_outside_the_plan_still_holds_the_abandoned_blocks() -> None:
    plan = four(left_out={"n5": details(5)}, redis="keep", sources={"n1": "ip-1"})
    assert plan.refusals == ()
    assert "loomtui plan --redis keep --nodes n5" in first_text_with(
        plan.warnings, "n5 is not in the plan and stopped"
    )


def test_in_a_living_cluster_nobody_holds_abandoned_blocks() -> None:
    plan = planned(details(1, 130), left_out={**living(), "n5": details(5)}, inventory=WITH_BACKUP)
    assert plan.refusals == ()
    assert not [text for text in texts_of(plan.warnings) if "abandoned" in text]


# ── a lost signing state on a living chain ──────────────────────────────────────────────────────────────────


def living(age: timedelta | None = timedelta(0), **changes: Any) -> dict[str, NodeDetails]:
    chain = replace(chain_facts(140), block_time=None if age is None else NOW - age)
    return {
        f"n{number}": details(number, status=node_status(f"n{number}", number, chain=chain, **changes))
        for number in (2, 3, 4)
    }


def lost(left_out: dict[str, NodeDetails]) -> Plan:
    empty = details(1, status=node_status("n1", 1, validator=None))
    return planned(empty, left_out=left_out, configs={"n1": config(1)}, reset_signing=True)


def test_it_is_raised_to_the_height_of_a_chain_that_moves() -> None:
    plan = lost(living(timedelta(seconds=20)))
    assert plan.refusals == ()
    assert plan.node("n1").signing.action is SigningAction.RAISE


@pytest.mark.parametrize("age", [timedelta(hours=1), None])
def test_where_the_chain_stands_it_may_have_signed_the_next_height_already(age: timedelta | None) -> None:
    refusal = first_text_with(lost(living(age)).refusals, "the chain has made no block lately")
    assert "height 141" in refusal
    assert "Make the chain move without it first" in refusal


def test_the_age_of_a_block_is_by_the_nodes_own_clock() -> None:
    assert lost(living(timedelta(hours=1), clock_offset_seconds=-3600.0)).refusals == ()


# ── keys ────────────────────────────────────────────────────────────────────────────────────────────────────


def others_config(number: int, key: Key, signed: int = 100) -> Any:
    return config(number, validator=key.facts(signed))


def all_with(first: NodeDetails, configs: Any, **changes: Any) -> Plan:
    rest = (details(number, 100) for number in (2, 3, 4))
    return planned(first, *rest, configs=configs, **changes)


def test_a_validator_is_not_turned_into_another_one_by_a_wrong_backup() -> None:
    wrong = {"n1": others_config(1, Key(77))}
    refusal = first_text_with(
        all_with(details(1, 100), wrong).refusals, "n1 holds the key of the chain's validator"
    )
    assert "--map n1=HOST" in refusal
    assert "--keep-keys" in refusal
    kept = all_with(details(1, 100), wrong, keep_keys=True)
    assert kept.refusals == ()
    assert kept.node("n1").signing.action is SigningAction.KEEP
    assert kept.node("n1").signing.address == validator_key_of(1).address


def fresh(number: int = 1) -> NodeDetails:
    """A new machine, with keys of its own that the chain does not know."""
    return details(number, status=node_status(f"n{number}", 60 + number, validator=Key(80 + number).facts(0)))


def test_a_new_machine_keeps_its_node_key_and_becomes_the_validator_of_the_backup() -> None:
    plan = all_with(fresh(), {"n1": config(1)}, keep_keys=True)
    assert plan.refusals == ()
    node = plan.node("n1")
    assert node.node_id == node_key_of(61).node_id
    assert node.signing.action is SigningAction.RESTORE
    assert node.signing.address == validator_key_of(1).address
    assert "no other machine" in first_text_with(plan.warnings, "the validator keys of n1 come from backups")


def test_keys_that_the_chain_does_not_know_stay_where_they_are_kept() -> None:
    """A full node: neither its own key nor the backup's is a validator's."""
    stranger = details(5, status=node_status("n5", 5, validator=Key(90).facts(0)))
    plan = planned(
        *(details(number, 100) for number in range(1, 5)),
        stranger,
        inventory=WITH_BACKUP,
        configs={"n5": others_config(5, Key(91))},
        keep_keys=True,
    )
    assert plan.node("n5").signing.address == Key(90).address


def test_keys_that_stay_are_no_reason_to_warn() -> None:
    plan = all_with(details(1, 100), {"n1": config(1)})
    assert not [text for text in texts_of(plan.warnings) if "come from backups" in text]


def test_two_nodes_with_one_key_are_told_what_to_do() -> None:
    twice = {"n1": others_config(1, validator_key_of(2))}
    lonely = details(1, status=node_status("n1", 1, validator=None))
    refusal = first_text_with(all_with(lonely, twice).refusals, "would have the same validator key")
    assert "--map" in refusal


MAPPED = INVENTORY.model_copy(
    update={"nodes": (*INVENTORY.nodes[:3], Node(name="n4", host="10.0.0.4", backup_host="ip-4"))}
)


def test_who_takes_the_place_of_a_node_that_may_be_alive_is_refused() -> None:
    """n1 is restored from the backups of n4, of which nothing is known."""
    taken: dict[str, Any] = {
        "inventory": MAPPED,
        "configs": {"n1": config(4)},
        "sources": {"n1": "ip-4"},
        "left_out": {**living(), "n4": AWAY},
    }
    refusals = planned(fresh(), keep_keys=True, **taken).refusals
    refusal = first_text_with(refusals, "n1 takes the place of n4")
    assert refusal.endswith("dead for certain: loomtui plan --map n1=ip-4 --gone n4 --keep-keys")
    confirmed = planned(fresh(), **taken, gone=("n4",))
    assert not [text for text in texts_of(confirmed.refusals) if "takes the place" in text]


# ── peers outside the plan ──────────────────────────────────────────────────────────────────────────────────


def test_a_node_outside_the_plan_that_dials_the_old_identity_is_told() -> None:
    old, new = node_key_of(61).node_id, node_key_of(1).node_id
    command = f"/usr/bin/loom run --persistent-peers tcp://{old}@10.0.0.1:46656"
    unit = read_unit("/etc/systemd/system/loom.service", f"[Service]\nExecStart={command}\n")
    plan = planned(fresh(), left_out=living(unit=unit), configs={"n1": config(1)}, reset_signing=True)
    warning = first_text_with(plan.warnings, f"n2 has {old} for n1")
    assert warning.startswith("n2 is not in the plan, so its unit stays")
    assert new in warning
    assert "loomtui services" in warning


# ── nodes added ─────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_machine_is_refused_with_what_it_lacks_and_where_to_get_it() -> None:
    empty = details(5, status=node_status("n5", 5, node_key=None, validator=None), texts={}, digests={})
    plan = planned(*(details(number, 100) for number in range(1, 5)), empty, inventory=WITH_BACKUP)
    assert "loom nodekey" in first_text_with(plan.refusals, f"n5: {NODE_KEY} is neither on the node")
    (genesis,) = [file for file in plan.node("n5").files if file.target == TENDERMINT_GENESIS]
    assert genesis.text is not None
    assert "the file on n1" in genesis.reason


def test_a_machine_with_keys_of_its_own_and_the_chains_genesis_is_added() -> None:
    added = details(5, status=node_status("n5", 5, validator=Key(90).facts(0)))
    plan = planned(*(details(number, 100) for number in range(1, 5)), added, inventory=WITH_BACKUP)
    assert plan.refusals == ()
    assert plan.node("n5").node_id == node_key_of(5).node_id
    assert plan.node("n5").data is not None
    assert plan.node("n5").signing.action is SigningAction.KEEP


def test_an_added_machine_that_runs_already_is_stopped_with_the_others() -> None:
    """It is in the inventory, so leaving it out while it runs is refused as for any other."""
    stopped = node_status().service
    assert stopped is not None
    service = replace(stopped, active=Active.ACTIVE)
    running = details(5, status=node_status("n5", 5, service=service))
    first_text_with(four(left_out={"n5": running}).refusals, "n5 is not in the plan and runs")
