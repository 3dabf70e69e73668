"""Which chain is restored: established from the data, whatever most files say."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loomtui.backups.model import Contents, Item
from loomtui.fleet.probes.node_status import NodeDetails
from loomtui.inventory.model import Role
from loomtui.loom.chainstate import Power
from loomtui.loom.databases import LOOM_GENESIS, NODE_KEY, TENDERMINT_GENESIS, VALIDATOR
from loomtui.loom.genesis import canonical_genesis
from loomtui.loom.nodekey import NodeKeyFacts
from loomtui.restore.findings import texts_of
from loomtui.restore.plan import FileAction, FileChoice, Plan, SigningAction
from loomtui.restore.planning.chain import Rank, establish
from loomtui.restore.planning.choosing import as_config
from tests.restore.material import (
    NOW,
    Key,
    backup,
    chain_state,
    node_details,
    node_key_of,
    node_status,
    tendermint_genesis,
    validator_key_of,
)
from tests.restore.test_planner import GENESIS, WITH_BACKUP, config, data, planned

KEYS = tuple(validator_key_of(number) for number in range(1, 5))
NEW_KEYS = tuple(Key(150 + number) for number in range(1, 5))
OLD_LOOM = json.dumps({"contracts": [{"name": "old"}]})
NEW_LOOM = json.dumps({"contracts": [{"name": "new"}]})


def begun(text: str, when: str) -> str:
    return json.dumps(json.loads(text) | {"genesis_time": when})


NEW_GENESIS = begun(tendermint_genesis(*NEW_KEYS), "2026-01-02T09:00:00Z")


def blank(number: int, **changes: Any) -> NodeDetails:
    """A freshly deployed machine: keys and genesis files of a new chain."""
    key = Key(170 + number)
    validator = NEW_KEYS[number - 1].facts(0) if number <= 4 else Key(155).facts(0)
    status = node_status(
        f"n{number}",
        number,
        role=Role.BACKUP if number == 5 else Role.VALIDATOR,
        node_key=NodeKeyFacts(key.node_id, key.public64),
        validator=validator,
    )
    texts = {TENDERMINT_GENESIS: NEW_GENESIS, LOOM_GENESIS: NEW_LOOM, "loom.yml": ""}
    made: dict[str, Any] = {"status": status, "texts": texts, "databases": {}} | changes
    return node_details(f"n{number}", number, **made)


def saved(number: int, **changes: Any) -> Contents:
    """A config backup of the old chain."""
    items = (
        Item("config/node_key.json", NODE_KEY),
        Item("config/priv_validator.json", VALIDATOR),
        Item("config/genesis.json", TENDERMINT_GENESIS),
        Item("genesis.json", LOOM_GENESIS),
    )
    made: dict[str, Any] = {
        "config_items": items,
        "texts": {TENDERMINT_GENESIS: GENESIS, LOOM_GENESIS: OLD_LOOM},
    }
    return config(number, **(made | changes))


def old_data(**changes: Any) -> Contents:
    """The backup node's data archive with its own config folder."""
    key = node_key_of(5)
    items = (
        Item("chaindata/config/node_key.json", NODE_KEY),
        Item("chaindata/config/genesis.json", TENDERMINT_GENESIS),
    )
    made: dict[str, Any] = {
        "backup": replace(backup("data-n5.tar.gz"), source="n5"),
        "own_items": items,
        "texts": {TENDERMINT_GENESIS: GENESIS},
        "node_key": NodeKeyFacts(key.node_id, key.public64),
    }
    return data(**(made | changes))


def on_blank_cluster(archive: Contents | None = None, **choices: Any) -> Plan:
    archive = archive or old_data()
    own = as_config(archive)
    configs = {f"n{number}": saved(number) for number in range(1, 5)} | ({"n5": own} if own else {})
    return planned(
        *(blank(number) for number in range(1, 6)),
        archive=archive,
        configs=configs,
        inventory=WITH_BACKUP,
        **choices,
    )


def file_of(plan: Plan, name: str, target: str) -> FileChoice:
    (choice,) = [choice for choice in plan.node(name).files if choice.target == target]
    return choice


# ── a blank cluster ─────────────────────────────────────────────────────────────────────────────────────────


def test_five_blank_machines_do_not_outvote_the_data() -> None:
    plan = on_blank_cluster()
    assert plan.refusals == ()
    assert plan.prediction.moves
    assert {validator.address for validator in plan.validators} == {key.address for key in KEYS}
    assert [node.node_id for node in plan.nodes] == [node_key_of(number).node_id for number in range(1, 6)]


def test_both_genesis_files_of_the_old_chain_come_to_every_node() -> None:
    plan = on_blank_cluster()
    for name in ("n1", "n2", "n3", "n4", "n5"):
        for target in (TENDERMINT_GENESIS, LOOM_GENESIS):
            assert file_of(plan, name, target).action is FileAction.RESTORE, (name, target)
    loom = file_of(plan, "n5", LOOM_GENESIS)
    assert loom.text == OLD_LOOM
    assert "config-n" in loom.reason
    assert file_of(plan, "n1", LOOM_GENESIS).text is None


def test_every_live_file_of_another_chain_is_named() -> None:
    plan = on_blank_cluster()
    assert plan.chain is not None
    assert len(plan.chain.foreign_files) == 10
    assert any(
        "n3: chaindata/config/genesis.json is of another chain" in text for text in texts_of(plan.warnings)
    )
    assert any(
        "n3 holds the validator key" in text and "set aside" in text for text in texts_of(plan.warnings)
    )


def test_keys_of_a_blank_cluster_may_not_be_kept() -> None:
    plan = on_blank_cluster(keep_keys=True)
    assert any(
        "n1, n2, n3, n4 are of no validator of the data's chain" in text for text in texts_of(plan.refusals)
    )


def test_the_backup_node_gets_its_identity_from_its_own_data() -> None:
    plan = on_blank_cluster()
    node = plan.node("n5")
    assert node.node_id == node_key_of(5).node_id
    assert node.config is not None
    assert {item.target for item in node.config.items} == {NODE_KEY, TENDERMINT_GENESIS}
    assert node.data is not None
    assert node.config.key == node.data.key


def test_a_cluster_that_made_blocks_of_its_own_is_the_same_case() -> None:
    ahead = [blank(number) for number in range(1, 6)]
    looks = [
        replace(look, status=replace(look.status, validator=NEW_KEYS[min(number, 3)].facts(900)))
        for number, look in enumerate(ahead[:4])
    ]
    plan = planned(
        *looks,
        ahead[4],
        archive=old_data(),
        configs={f"n{number}": saved(number) for number in range(1, 5)},
        inventory=WITH_BACKUP,
    )
    assert plan.refusals == ()
    assert plan.prediction.moves
    assert {node.signing.action for node in plan.nodes[:4]} == {SigningAction.RESTORE}


# ── who decides ─────────────────────────────────────────────────────────────────────────────────────────────


def signed_up_to(*heights: int) -> list[NodeDetails]:
    """The chain's own nodes, with these last signed heights."""
    return [
        node_details(
            f"n{number}",
            number,
            status=node_status(f"n{number}", number, validator=KEYS[number - 1].facts(height)),
            texts={TENDERMINT_GENESIS: GENESIS, LOOM_GENESIS: "{}"},
        )
        for number, height in enumerate(heights, 1)
    ]


def test_the_set_of_the_data_decides_not_the_genesis() -> None:
    """n4 was elected out; of the three who sit one is ahead of the data, and two thirds are not enough."""
    looks = signed_up_to(130, 100, 100, 100)
    by_genesis = planned(*looks, archive=data(chain=chain_state(100, *KEYS)))
    assert by_genesis.prediction.moves
    elected = planned(*looks, archive=data(chain=chain_state(100, *KEYS[:3])))
    assert not elected.prediction.moves
    assert elected.prediction.total_power == 30


def test_powers_are_those_of_the_height() -> None:
    powers = tuple(
        Power(key.address, key.public64, power) for key, power in zip(KEYS, (1, 1, 1, 97), strict=True)
    )
    looks = signed_up_to(100, 100, 100, 130)
    plan = planned(*looks, archive=data(chain=chain_state(100, validators=powers)))
    assert not plan.prediction.moves
    assert plan.prediction.total_power == 100


@pytest.mark.parametrize(("store", "who"), [(100, KEYS[:1]), (101, KEYS[1:2]), (102, ())])
def test_a_block_store_that_is_ahead_is_decided_by_the_next_set(store: int, who: tuple[Key, ...]) -> None:
    def power(key: Key) -> tuple[Power, ...]:
        return (Power(key.address, key.public64, 10),)

    state = chain_state(100, validators=power(KEYS[0]), next_validators=power(KEYS[1]))
    chain = establish(data(store_height=store, chain=state), {}, {})
    assert tuple(power.address for power in chain.deciders) == tuple(key.address for key in who)


def test_a_chain_without_blocks_is_decided_by_its_genesis() -> None:
    chain = establish(
        data(store_height=0, app_height=0, chain=None, texts={TENDERMINT_GENESIS: GENESIS}), {}, {}
    )
    assert {power.address for power in chain.deciders} == {key.address for key in KEYS}


def test_without_a_state_nobody_says_that_the_chain_can_move() -> None:
    plan = on_blank_cluster(old_data(chain=None))
    assert not plan.prediction.moves
    assert any("Choose another data backup" in text for text in texts_of(plan.refusals))


# ── which genesis ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_database_comes_first_then_the_data_then_the_configs_then_nodes() -> None:
    others = [tendermint_genesis(*KEYS, power=power) for power in (11, 12, 13, 14)]
    look = {"n1": node_details("n1", 1, texts={TENDERMINT_GENESIS: others[3]})}
    archive = old_data(genesis_doc=others[0], texts={TENDERMINT_GENESIS: others[1]})
    configs = {"n1": saved(1, texts={TENDERMINT_GENESIS: others[2]})}
    for rank, expected in zip(Rank, others, strict=True):
        chain = establish(archive, configs, look)
        assert chain.tendermint is not None
        assert (chain.tendermint.rank, chain.tendermint.text) == (rank, expected)
        if rank is Rank.DATABASE:
            archive = replace(archive, genesis_doc=None)
        elif rank is Rank.DATA:
            archive = replace(archive, texts={})
        else:
            configs = {}


def test_live_nodes_never_win_by_their_number() -> None:
    looks = {f"n{number}": blank(number) for number in range(1, 6)}
    chain = establish(data(), {"n1": saved(1)}, looks)
    assert chain.owns(TENDERMINT_GENESIS, GENESIS)


def test_a_genesis_that_is_younger_than_the_last_block_is_of_another_chain() -> None:
    young = begun(tendermint_genesis(*KEYS), (NOW + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"))
    chain = establish(data(), {"n1": saved(1, texts={TENDERMINT_GENESIS: young}), "n2": saved(2)}, {})
    assert chain.owns(TENDERMINT_GENESIS, GENESIS)
    assert chain.owns(TENDERMINT_GENESIS, young) is False


def test_sources_that_disagree_are_shown_and_refused() -> None:
    one, other = (tendermint_genesis(*KEYS, power=power) for power in (10, 20))
    looks = [
        node_details(
            f"n{number}",
            number,
            status=node_status(f"n{number}", number, validator=KEYS[number - 1].facts(100)),
        )
        for number in range(1, 5)
    ]
    plan = planned(
        *looks,
        configs={
            "n1": saved(1, texts={TENDERMINT_GENESIS: one}),
            "n2": saved(2, texts={TENDERMINT_GENESIS: other}),
        },
    )
    (refusal,) = [text for text in texts_of(plan.refusals) if "cannot be told" in text]
    assert "config-n1.tar.gz" in refusal
    assert "config-n2.tar.gz" in refusal


def test_of_two_the_one_whose_validators_sit_in_the_data_is_the_chains() -> None:
    old = begun(tendermint_genesis(*NEW_KEYS), "2018-09-06T00:00:00Z")
    chain = establish(data(), {"n1": saved(1, texts={TENDERMINT_GENESIS: old}), "n2": saved(2)}, {})
    assert chain.owns(TENDERMINT_GENESIS, GENESIS)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"app_hash": ""}, True),
        ({"consensus_params": None}, True),
        ({"chain_id": "other"}, False),
        ({"genesis_time": "2018-09-06T00:00:01Z"}, False),
        ({"app_state": {"a": 1}}, False),
        ({"validators": []}, False),
    ],
)
def test_the_whole_document_counts(change: dict[str, object], same: bool) -> None:
    document = json.loads(GENESIS)
    spelled = json.dumps(dict(reversed(list(document.items()))) | change, indent=3)
    assert (canonical_genesis(spelled) == canonical_genesis(GENESIS)) is same


def test_numbers_in_quotes_and_addresses_do_not_count() -> None:
    document = json.loads(GENESIS)
    for entry in document["validators"]:
        entry["power"] = int(entry["power"])
        del entry["address"]
    assert canonical_genesis(json.dumps(document)) == canonical_genesis(GENESIS)


# ── the moment of the data ──────────────────────────────────────────────────────────────────────────────────


def test_the_last_blocks_time_is_the_datas_moment_and_a_difference_is_told() -> None:
    when = datetime(2026, 1, 1, 0, 30, 12, tzinfo=UTC)
    plan = on_blank_cluster(old_data(chain=chain_state(100, *KEYS, block_time=when)))
    assert plan.data_time == when
    assert any("the block's time counts" in text for text in texts_of(plan.warnings))
    near = on_blank_cluster(old_data(chain=chain_state(100, *KEYS, block_time=NOW - timedelta(minutes=3))))
    assert not any("the block's time counts" in text for text in texts_of(near.warnings))


# ── a part of a chain that lives ────────────────────────────────────────────────────────────────────────────


def living(number: int, **changes: Any) -> NodeDetails:
    from tests.restore.material import chain_facts

    status = node_status(f"n{number}", number, chain=chain_facts(200), validator=KEYS[number - 1].facts(200))
    made: dict[str, Any] = {"status": status, "texts": {TENDERMINT_GENESIS: GENESIS, LOOM_GENESIS: OLD_LOOM}}
    return node_details(f"n{number}", number, **(made | changes))


def test_a_blank_machine_joins_the_chain_that_lives() -> None:
    plan = planned(
        blank(1),
        archive=old_data(),
        configs={"n1": saved(1)},
        left_out={f"n{number}": living(number) for number in range(2, 5)},
        reset_signing=True,
    )
    assert not [text for text in texts_of(plan.refusals) if "chain" in text and "made no block" not in text]
    assert plan.prediction.moves
    assert file_of(plan, "n1", TENDERMINT_GENESIS).action is FileAction.RESTORE


def test_nodes_of_another_chain_are_not_the_living_one() -> None:
    strangers = {
        f"n{number}": living(number, texts={TENDERMINT_GENESIS: NEW_GENESIS}) for number in range(2, 5)
    }
    plan = planned(blank(1), archive=old_data(), configs={"n1": saved(1)}, left_out=strangers)
    assert not plan.prediction.moves
    assert any("are of another chain than the data" in text for text in texts_of(plan.refusals))
