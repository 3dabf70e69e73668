"""Numbers that Tendermint wants in quotes, and those that it wants without."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.amino_json import first_of, genesis_faults, validator_faults
from loomtui.loom.validator import SigningState, read_validator

from .vectors import PUBLIC_A, validator


def genesis(**changes: Any) -> str:
    document = {
        "genesis_time": "2018-09-06T12:00:00.123456789Z",
        "chain_id": "default",
        "consensus_params": {
            "block_size": {"max_bytes": "22020096", "max_gas": "-1"},
            "evidence": {"max_age": "100000"},
            "validator": {"pub_key_types": ["ed25519"]},
        },
        "validators": [
            {
                "address": "",
                "pub_key": {"type": "tendermint/PubKeyEd25519", "value": PUBLIC_A},
                "power": "10",
                "name": "",
            }
        ],
        "app_hash": "",
    }
    return json.dumps(document | changes)


def one_validator(**changes: Any) -> str:
    document = json.loads(genesis())
    document["validators"][0] |= changes
    return json.dumps(document)


def params(block: str, **values: Any) -> str:
    return genesis(consensus_params={block: values})


def test_the_files_that_tendermint_writes_have_no_fault() -> None:
    assert genesis_faults(genesis()) == ()
    assert validator_faults(json.loads(validator())) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (one_validator(power=10), 'validators[0].power is 10, and Tendermint wants "10"'),
        (
            one_validator(power=10.5),
            "validators[0].power is 10.5, and Tendermint wants a whole number in quotes",
        ),
        (
            one_validator(power=True),
            "validators[0].power is true, and Tendermint wants a whole number in quotes",
        ),
        (
            one_validator(power=[1]),
            "validators[0].power is a list, and Tendermint wants a whole number in quotes",
        ),
        (one_validator(power="ten"), 'power is "ten", and Tendermint wants a whole number in quotes'),
        (one_validator(power=""), 'power is "", and Tendermint wants a whole number in quotes'),
        (one_validator(power="010"), 'power is "010", and Tendermint wants a whole number in quotes'),
        (one_validator(power=str(2**63)), "a whole number in quotes"),
        (one_validator(name=1), "validators[0].name is a number, and Tendermint wants text in quotes"),
        (genesis(chain_id=1), "chain_id is a number, and Tendermint wants text in quotes"),
        (genesis(validators={}), "validators is an object, and Tendermint wants a list"),
        (genesis(validators=["x"]), "validators[0] is text, and Tendermint wants an object"),
        (genesis(genesis_time="2018-09-06T12:00:00+02:00"), "wants a time in UTC that ends with Z"),
        (genesis(genesis_time=1536235200), "genesis_time is 1536235200, and Tendermint wants a time in UTC"),
        (
            params("block_size", max_bytes=22020096),
            'block_size.max_bytes is 22020096, and Tendermint wants "22020096"',
        ),
        (
            params("block_size", max_gas=-1),
            'consensus_params.block_size.max_gas is -1, and Tendermint wants "-1"',
        ),
        (params("evidence", max_age=100000), 'evidence.max_age is 100000, and Tendermint wants "100000"'),
        (params("block_size_params", max_txs=1), 'block_size_params.max_txs is 1, and Tendermint wants "1"'),
        (params("tx_size_params", max_gas=-1), "tx_size_params.max_gas is -1"),
        (params("block_gossip_params", block_part_size_bytes=65536), "block_part_size_bytes is 65536"),
        (params("evidence_params", max_age=5), "evidence_params.max_age is 5"),
    ],
)
def test_a_genesis_that_tendermint_cannot_read(text: str, said: str) -> None:
    (fault,) = genesis_faults(text)
    assert said in fault.text


@pytest.mark.parametrize(
    "text",
    [
        genesis(app_state={"power": 10}),  # left as it is
        genesis(validators=None, consensus_params=None),
        one_validator(Power=10, power="1"),  # a name in another case is another field
        one_validator(power="-0"),
        "",
        "{",
        "[]",
    ],
)
def test_what_is_no_fault_of_form(text: str) -> None:
    assert genesis_faults(text) == ()


def test_every_fault_is_counted_and_the_first_is_told() -> None:
    document = json.loads(genesis())
    document["validators"] = [{"power": 10}, {"power": 20}, {"power": "30"}]
    faults = genesis_faults(json.dumps(document))
    assert [fault.field for fault in faults] == ["validators[0].power", "validators[1].power"]
    assert first_of(faults).endswith('wants "10" (and 1 more of this kind)')
    document["validators"] *= 1000
    assert len(genesis_faults(json.dumps(document))) == 100


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"last_height": 120455}, 'last_height is 120455, and Tendermint wants "120455"'),
        ({"last_round": 0}, 'last_round is 0, and Tendermint wants "0"'),
        ({"last_step": "3"}, 'last_step is "3", and Tendermint wants 3'),
        ({"last_step": 1.5}, "last_step is 1.5, and Tendermint wants a whole number without quotes"),
    ],
)
def test_a_signing_state_that_tendermint_cannot_read(changes: dict[str, Any], said: str) -> None:
    facts = read_validator(validator(**changes))
    assert [fault.text for fault in facts.form_faults] == [said]
    assert facts.problem
    assert facts.address, "whose key it is can be told all the same"


def test_the_numbers_are_told_all_the_same() -> None:
    facts = read_validator(validator(last_height=120455, last_round=0, last_step="3"))
    assert facts.signing == SigningState(120455, 0, 3)
    assert len(facts.form_faults) == 3


def test_no_key_is_in_a_fault() -> None:
    secret = [1, 2, 3]
    document = {"address": secret, "last_signbytes": {"priv_key": "AQEB"}, "last_height": {"x": "AQEB"}}
    said = " ".join(fault.text for fault in validator_faults(document))
    assert "AQEB" not in said
    assert "1, 2" not in said


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values, json_values)
def test_nothing_raises(one: Any, other: Any) -> None:
    genesis_faults(json.dumps({"validators": [{"power": one}], "consensus_params": other, "chain_id": one}))
    validator_faults({"last_height": one, "last_step": other})
