"""From what was seen to a plan. Pure; test_plans_of_nodes.py makes plans over the real scripts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from loomtui.backups.model import Contents, Item
from loomtui.cli.plan_text import show_plan
from loomtui.errors import LoomtuiError, NodeUnreachable
from loomtui.fleet.probes.backup_jobs import BackupJob, BackupJobs, JobKind
from loomtui.fleet.probes.node_status import Active, NodeDetails
from loomtui.fleet.probes.places import Places
from loomtui.fleet.probes.room import Room
from loomtui.inventory.model import Inventory, Node, Role, S3Settings
from loomtui.loom.databases import (
    ADDRBOOK,
    EVM_DB,
    LOOM_CONFIG,
    NODE_KEY,
    TENDERMINT_CONFIG,
    TENDERMINT_GENESIS,
    UNIT,
    VALIDATOR,
)
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.loom.units import read_cat, read_unit
from loomtui.loom.validator import ValidatorFacts
from loomtui.restore.choices import Choices
from loomtui.restore.findings import Finding, FindingCode, texts_of
from loomtui.restore.plan import FileAction, Plan, RemedyKind, Scope, SigningAction
from loomtui.restore.planning.choosing import Chosen
from loomtui.restore.planning.observations import Observations
from loomtui.restore.planning.planner import assemble
from tests.restore.material import (
    CONFIG_TOML,
    ITEMS,
    LOOM_YML,
    backup,
    chain_facts,
    chain_state,
    contents,
    node_details,
    node_key_of,
    node_status,
    tendermint_genesis,
    validator_key_of,
)

GENESIS = tendermint_genesis(*(validator_key_of(number) for number in range(1, 5)))
INVENTORY = Inventory(
    cluster="lab",
    production=True,
    s3=S3Settings(bucket="backups"),
    nodes=tuple(Node(name=f"n{number}", host=f"10.0.0.{number}") for number in range(1, 5)),
)
WITH_BACKUP = INVENTORY.model_copy(
    update={"nodes": (*INVENTORY.nodes, Node(name="n5", host="10.0.0.5", role=Role.BACKUP))}
)


def details(number: int, signed: int = 130, **changes: Any) -> NodeDetails:
    name = f"n{number}"
    status = changes.pop("status", None) or node_status(
        name, number, validator=validator_key_of(number).facts(signed)
    )
    texts = {TENDERMINT_GENESIS: GENESIS, LOOM_CONFIG: LOOM_YML, "genesis.json": "{}"}
    return node_details(name, number, status=status, **({"texts": texts} | changes))


def data(height: int | None = 100, **changes: Any) -> Contents:
    keys = tuple(validator_key_of(number) for number in range(1, 5))
    made = {
        "store_height": height,
        "app_height": height,
        "data_items": ITEMS,
        "chain": chain_state(height, *keys) if height else None,
    }
    return contents(**(made | changes))


def config(number: int, signed: int = 100, **changes: Any) -> Contents:
    key = node_key_of(number)
    made = {
        "backup": replace(backup(f"config-n{number}.tar.gz"), source=f"n{number}"),
        "config_items": (Item("config/node_key.json", NODE_KEY), Item("loom.yml", LOOM_CONFIG)),
        "texts": {LOOM_CONFIG: LOOM_YML},
        "node_key": NodeKeyFacts(key.node_id, key.public64),
        "validator": validator_key_of(number).facts(signed),
    }
    return contents(**(made | changes))


def planned(
    *observations: NodeDetails,
    archive: Contents | None = None,
    configs: Mapping[str, Contents] | None = None,
    left_out: Mapping[str, NodeDetails | LoomtuiError] | None = None,
    inventory: Inventory = INVENTORY,
    warnings: tuple[Finding, ...] = (),
    needs_evm: bool = False,
    scope: Scope | None = None,
    places: Mapping[str, Places] | None = None,
    rooms: Mapping[str, Room] | None = None,
    unpacked: frozenset[str] = frozenset(),
    **choices: Any,
) -> Plan:
    found = {look.name: look for look in (observations or tuple(details(number) for number in range(1, 5)))}
    validators = {node.name for node in inventory.nodes if node.role is Role.VALIDATOR}
    return assemble(
        Observations(
            inventory=inventory,
            selected=tuple(node for node in inventory.nodes if node.name in found),
            details=found,
            left_out=left_out or {},
            chosen=Chosen(archive or data(), configs or {}, warnings),
            choices=Choices(**choices),
            scope=scope or (Scope.CLUSTER if validators <= set(found) else Scope.NODES),
            places=places or {},
            is_staged=bool(unpacked),
            unpacked=unpacked,
            rooms=rooms or {},
        ),
        needs_evm=needs_evm,
    )


def all_four(signed: tuple[int, ...] = (130, 130, 130, 130), **changes: Any) -> Plan:
    return planned(*(details(number, height) for number, height in enumerate(signed, 1)), **changes)


# ── can the chain move? ─────────────────────────────────────────────────────────────────────────────────────


def test_c1_older_data_with_newer_states_is_refused_and_says_the_way() -> None:
    plan = all_four()
    assert not plan.prediction.moves
    (refusal,) = texts_of(plan.refusals)
    assert "stand still at 101" in refusal
    assert "Reset the signing state" in refusal


def test_c2_the_confirmed_reset_makes_it_move() -> None:
    plan = all_four(reset_signing=True)
    assert plan.refusals == ()
    assert plan.prediction.moves
    assert plan.reset_confirmed
    assert {node.signing.action for node in plan.nodes} == {SigningAction.RESET}


def test_k8_one_ahead_needs_no_reset_and_gets_none() -> None:
    plan = all_four((100, 100, 100, 130), reset_signing=True)
    assert plan.refusals == ()
    assert {node.signing.action for node in plan.nodes} == {SigningAction.KEEP}
    assert plan.prediction.stuck == ("n4",)


def test_k7_two_ahead_are_refused() -> None:
    assert "stand still" in all_four((100, 100, 130, 130)).refusals[0].text


def test_a_reset_is_refused_where_a_validator_is_nobody_s() -> None:
    plan = planned(
        *(details(number) for number in range(1, 4)),
        details(4, status=node_status("n4", 4, validator=None)),
        reset_signing=True,
    )
    assert plan.refusals[0].text.startswith("the signing states may not be reset.")
    assert SigningAction.RESET not in {node.signing.action for node in plan.nodes}


def test_a_key_outside_the_set_is_not_reset() -> None:
    """Who is no validator now may be one of the chain that lives on elsewhere."""
    stranger = details(5, status=node_status("n5", 5, validator=validator_key_of(9).facts(130)))
    five = (*(details(number) for number in range(1, 5)), stranger)
    plan = planned(*five, inventory=WITH_BACKUP, reset_signing=True)
    assert plan.node("n1").signing.action is SigningAction.RESET
    assert plan.node("n5").signing.action is SigningAction.KEEP


def test_an_unknown_height_is_refused() -> None:
    plan = all_four(archive=data(None))
    assert plan.prediction.height is None
    assert [refusal.code for refusal in plan.refusals] == [FindingCode.CHAIN_STANDS]


def test_where_other_data_is_the_way_out_no_reset_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    plan = all_four(archive=data(None))
    assert plan.prediction.remedy_kind is RemedyKind.OTHER_DATA
    assert plan.offer is RemedyKind.NONE
    show_plan(plan)
    output = capsys.readouterr().out
    assert "Choose another data backup" in output
    assert "--reset-signing-state" not in output


def test_a_node_that_nobody_restores_offers_no_reset() -> None:
    torn_set = (
        *(details(number) for number in range(1, 4)),
        details(4, status=node_status("n4", 4, validator=None)),
    )
    plan = planned(*torn_set)
    assert plan.prediction.remedy_kind is RemedyKind.FIND_KEYS
    assert plan.offer is RemedyKind.NONE


@pytest.mark.parametrize(("store", "app", "height"), [(100, 90, 100), (None, 90, 90), (100, None, 100)])
def test_the_block_stores_height_counts(store: int | None, app: int | None, height: int) -> None:
    keys = tuple(validator_key_of(number) for number in range(1, 5))
    chain = chain_state(height, *keys)
    plan = all_four((90,) * 4, archive=data(store_height=store, app_height=app, chain=chain))
    assert plan.prediction.height == height
    assert plan.refusals == ()


# ── what must not be restored ───────────────────────────────────────────────────────────────────────────────

REST = (100, 100, 100, 100)


def test_an_app_above_the_block_store_is_refused() -> None:
    (refusal,) = texts_of(all_four(REST, archive=data(store_height=100, app_height=101)).refusals)
    assert "torn" in refusal


def test_missing_evm_is_refused_where_it_is_needed() -> None:
    assert all_four(REST).refusals == ()
    (refusal,) = texts_of(all_four(REST, needs_evm=True).refusals)
    assert "no evm.db" in refusal
    with_evm = data(data_items=(*ITEMS, Item("evm.db", EVM_DB)))
    assert all_four(REST, needs_evm=True, archive=with_evm).refusals == ()


def test_keys_that_cannot_be_read_are_refused() -> None:
    status = node_status(
        "n1",
        node_key=NodeKeyFacts(None, None, closed=True),
        validator=ValidatorFacts(None, None, None, closed=True),
    )
    plan = planned(details(1, status=status), *(details(number, 100) for number in range(2, 5)))
    assert any(
        NODE_KEY in text and VALIDATOR in text and "cannot be read" in text
        for text in texts_of(plan.refusals)
    )


def test_keys_outside_the_plan_that_were_not_seen_are_a_warning() -> None:
    """The same key may be there as on a node of the plan."""
    unseen = ValidatorFacts(None, None, None, closed=True)
    other = details(2, status=node_status("n2", 2, validator=unseen, chain=chain_facts(140)))
    plan = planned(details(1, 130), left_out={"n2": other})
    assert any("n2 is not in the plan, and its keys" in text for text in texts_of(plan.warnings))


def test_different_chains_are_refused() -> None:
    other = GENESIS.replace('"default"', '"plasma"')
    keys = tuple(validator_key_of(number) for number in range(1, 5))
    foreign = all_four(REST, archive=data(chain=chain_state(100, *keys, chain_id="extdev")))
    assert any("extdev" in text for text in texts_of(foreign.refusals))
    mended = planned(
        details(1, 100, texts={TENDERMINT_GENESIS: other, "genesis.json": "{}"}),
        *(details(number, 100) for number in range(2, 5)),
    )
    assert mended.refusals == ()
    (file,) = [file for file in mended.node("n1").files if file.target == TENDERMINT_GENESIS]
    assert (file.action, file.text) == (FileAction.RESTORE, GENESIS)


def test_one_key_on_two_nodes_is_refused() -> None:
    twin = details(2, status=node_status("n2", 1, validator=validator_key_of(1).facts(100)))
    plan = planned(details(1, 100), twin, details(3, 100), details(4, 100))
    assert any("n1 and n2 would have the same node key" in text for text in texts_of(plan.refusals))
    assert any("n1 and n2 would have the same validator key" in text for text in texts_of(plan.refusals))


def test_a_key_that_a_node_outside_the_plan_holds_is_refused_too() -> None:
    twin = details(
        2, status=node_status("n2", 1, validator=validator_key_of(1).facts(140), chain=chain_facts(140))
    )
    plan = planned(details(1, 130), left_out={"n2": twin})
    assert plan.scope is Scope.NODES
    assert any("same validator key" in text for text in texts_of(plan.refusals))
    assert any("same node key" in text for text in texts_of(plan.refusals))


def test_a_backup_node_that_runs_and_is_left_out_is_refused() -> None:
    stopped = node_status().service
    assert stopped is not None
    service = replace(stopped, active=Active.ACTIVE)
    running = details(5, status=node_status("n5", 5, service=service))
    (refusal,) = texts_of(all_four(REST, inventory=WITH_BACKUP, left_out={"n5": running}).refusals)
    assert refusal.startswith("n5 is not in the plan and runs")
    for look in (details(5), details(5, status=node_status("n5", 5, service=None))):
        assert all_four(REST, inventory=WITH_BACKUP, left_out={"n5": look}).refusals == ()


def test_a_node_that_could_not_be_looked_at_is_a_warning() -> None:
    plan = all_four(REST, inventory=WITH_BACKUP, left_out={"n5": NodeUnreachable("gone", node="n5")})
    assert plan.refusals == ()
    assert any(
        text.startswith("n5 is not in the plan and could not be looked at")
        for text in texts_of(plan.warnings)
    )
    assert plan.left_out == ("n5",)


# ── one node of a living cluster ────────────────────────────────────────────────────────────────────────────

LIVING = {
    f"n{number}": details(number, status=node_status(f"n{number}", number, chain=chain_facts(140)))
    for number in (2, 3, 4)
}


def test_one_node_keeps_its_own_newest_state() -> None:
    plan = planned(details(1, 130), left_out=LIVING)
    assert plan.scope is Scope.NODES
    assert plan.refusals == ()
    assert plan.prediction.height == 140
    assert plan.node("n1").signing.action is SigningAction.KEEP


def test_a_lost_state_is_raised_only_when_that_is_confirmed() -> None:
    lost = details(1, status=node_status("n1", 1, validator=None))
    asked = planned(lost, left_out=LIVING, configs={"n1": config(1)})
    assert any(text.startswith("n1 lost its signing state") for text in texts_of(asked.refusals))
    assert asked.offer is RemedyKind.RAISE
    confirmed = planned(lost, left_out=LIVING, configs={"n1": config(1)}, reset_signing=True)
    assert confirmed.refusals == ()
    assert confirmed.node("n1").signing.result_height == 140


def test_a_chain_that_nobody_sees_living_is_refused() -> None:
    plan = planned(details(1), left_out={"n2": NodeUnreachable("gone"), "n3": details(3)})
    assert not plan.prediction.moves
    assert any("tells a height" in text for text in texts_of(plan.refusals))


# ── what the plan says of each node ─────────────────────────────────────────────────────────────────────────


def test_a_node_plan_holds_what_a_run_needs() -> None:
    plan = planned(*(details(number, 100) for number in range(1, 5)), configs={"n1": config(1)})
    node = plan.node("n1")
    assert node.unit_path == "/etc/systemd/system/loom.service"
    assert (node.working_directory, node.user, node.address, node.port) == (
        "/home/ubuntu",
        "ubuntu",
        "10.0.0.1",
        46656,
    )
    assert node.node_id == node_key_of(1).node_id
    assert node.data is not None
    assert node.data.items == ITEMS
    assert node.config is not None
    assert node.config.key == "config-n1.tar.gz"
    assert plan.node("n2").config is None
    assert (plan.cluster, plan.production, plan.verify_deadline_seconds) == ("lab", True, 180)
    assert [power.node for power in plan.validators] == ["n1", "n2", "n3", "n4"]


def test_where_systemd_told_no_path_the_inventorys_is_taken() -> None:
    for unit in (None, read_unit("", "[Service]\n"), read_cat("")):
        status = node_status("n1", 1, unit=unit, validator=validator_key_of(1).facts(100))
        assert planned(details(1, status=status)).node("n1").unit_path == "/etc/systemd/system/loom.service"


def test_the_port_is_the_one_that_the_restored_config_will_have() -> None:
    other = CONFIG_TOML.replace("46656", "26656")
    texts = {TENDERMINT_GENESIS: GENESIS, TENDERMINT_CONFIG: other, "genesis.json": "{}"}
    assert planned(details(1, texts=texts)).node("n1").port == 26656
    restored = config(1, texts={TENDERMINT_CONFIG: CONFIG_TOML})
    assert planned(details(1, texts=texts), configs={"n1": restored}).node("n1").port == 46656


def test_the_backups_identity_is_what_it_will_be_unless_keys_are_kept() -> None:
    other = node_key_of(9)
    changed = config(1, node_key=NodeKeyFacts(other.node_id, other.public64))
    node = planned(details(1), configs={"n1": changed}).node("n1")
    assert node.node_id == other.node_id
    assert set(node.former_ids) == {other.node_id, node_key_of(1).node_id}
    kept = planned(details(1), configs={"n1": changed}, keep_keys=True).node("n1")
    assert kept.node_id == node_key_of(1).node_id


def test_without_any_key_there_is_no_identity() -> None:
    bare = details(1, status=node_status("n1", 1, node_key=None))
    assert planned(bare, configs={"n1": config(1, node_key=None)}).node("n1").node_id is None


def test_former_addresses_come_from_the_backups_units_by_identity() -> None:
    """Never by position: what names a node in a list is its ID."""
    peers = (
        f"tcp://{node_key_of(2).node_id.upper()}@10.9.9.2:46656,tcp://{node_key_of(1).node_id}@10.9.9.1:46656,"
        f"tcp://{node_key_of(42).node_id}@10.9.9.9:46656"
    )
    unit = f"[Service]\nExecStart=/usr/bin/loom run --peers {peers}\n"
    toml = CONFIG_TOML + 'external_address = "tcp://203.0.113.7:46656"\n'
    configs = {"n3": config(3, texts={UNIT: unit, TENDERMINT_CONFIG: toml})}
    plan = planned(*(details(number) for number in range(1, 5)), configs=configs)
    assert plan.node("n1").former_addresses == ("10.9.9.1",)
    assert plan.node("n2").former_addresses == ("10.9.9.2",)
    assert plan.node("n3").former_addresses == ("203.0.113.7",)
    assert plan.node("n4").former_addresses == ()


def test_an_address_book_of_the_right_nodes_stays() -> None:
    right = tuple((node_key_of(number).node_id, f"10.0.0.{number}:46656") for number in (2, 3))
    book: dict[str, Any] = {"addrbook": right, "digests": {ADDRBOOK: "1" * 64}}
    for plan in (
        planned(details(1, **book), *(details(number) for number in range(2, 5))),
        planned(details(1, **book), left_out=LIVING),
    ):
        (choice,) = [file for file in plan.node("n1").files if file.target == ADDRBOOK]
        assert choice.action is FileAction.KEEP
    moved = planned(details(1, addrbook=((node_key_of(2).node_id, "10.9.9.9:46656"),)), details(2))
    assert moved.node("n1").files[-1].action is FileAction.SET_ASIDE


def test_what_an_operator_should_know_is_a_warning() -> None:
    odd = details(
        1,
        100,
        status=node_status("n1", 1, clock_offset_seconds=-9.0, validator=validator_key_of(1).facts(100)),
        backups=BackupJobs((BackupJob(JobKind.CRONTAB, "/etc/cron.d/loom", "55 * * * * u /opt/backup.sh"),)),
        texts={TENDERMINT_GENESIS: GENESIS, LOOM_CONFIG: LOOM_YML, "genesis.json": "{}"},
    )
    plan = planned(
        odd,
        *(details(number, 100) for number in range(2, 5)),
        archive=data(warnings=("a leftover",)),
        configs={"n2": config(2, warnings=("it has no priv_validator.json",))},
        warnings=(Finding(FindingCode.PASSED_OVER, None, "passed over x"),),
    )
    warnings = "\n".join(texts_of(plan.warnings))
    for part in (
        "n1: a backup job is there: /etc/cron.d/loom: 55 * * * * u /opt/backup.sh",
        "-9 s",
        f"{data().backup.key}: a leftover",
        f"n2: {config(2).backup.key}: it has no priv_validator",
        "passed over x",
    ):
        assert part in warnings
    assert "n1: there is no config backup" in warnings


def test_a_validator_that_no_node_holds_is_a_warning() -> None:
    plan = planned(*(details(number, 100) for number in range(1, 4)), left_out={"n4": details(4)})
    assert any(validator_key_of(4).address[:12] in text for text in texts_of(plan.warnings))


def test_a_genesis_that_nobody_can_read_is_refused() -> None:
    broken = {TENDERMINT_GENESIS: "{", "genesis.json": "{}"}
    nobody = planned(*(details(number, 100, texts=broken) for number in range(1, 5)))
    assert any("no genesis of the data's chain" in text for text in texts_of(nobody.refusals))
