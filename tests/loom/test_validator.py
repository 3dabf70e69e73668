from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.validator import SigningState, read_validator

from .vectors import KEY_A, NODE_KEYS, PUBLIC_A, A, validator


def test_a_file_of_tendermint_0_27() -> None:
    facts = read_validator(validator())
    assert facts.address == A.upper()
    assert facts.public_key == PUBLIC_A
    assert facts.signing == SigningState(120455, 0, 3)
    assert (facts.hsm, facts.problem) == (False, None)


def test_a_file_of_tendermint_0_22_wraps_the_signature() -> None:
    wrapped = {"type": "tendermint/SignatureEd25519", "value": "c2ln"}
    assert read_validator(validator(last_signature=wrapped)) == read_validator(validator())


def test_before_the_first_signature() -> None:
    text = validator(last_height="0", last_step=0, last_signature=None, last_signbytes=None)
    assert read_validator(text).signing == SigningState(0, 0, 0)


def test_absent_numbers_count_as_zero() -> None:
    text = validator(last_height=None, last_round=None, last_step=None)
    assert read_validator(text).signing == SigningState(0, 0, 0)


def test_with_an_hsm_the_key_is_elsewhere() -> None:
    facts = read_validator(validator(priv_key=None, key_id="7"))
    assert (facts.hsm, facts.problem, facts.address) == (True, None, A.upper())


OTHER_KEY = list(NODE_KEYS)[1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        (validator(pub_key=None), "pub_key is not base64"),
        (validator(pub_key="x"), "pub_key is not base64"),
        (validator(last_height="many"), "whole numbers"),
        (validator(last_height="-1"), "whole numbers"),
        (validator(last_height=True), "whole numbers"),
        (validator(last_step=2**70), "whole numbers"),
        (validator(address="00" * 20), "address is not"),
        (validator(address=None), "address is not"),
        (validator(priv_key=None), "priv_key is not base64"),
        (validator(priv_key={"value": "AQEB"}), "priv_key is not base64"),
        (validator(priv_key={"value": OTHER_KEY}), "not a pair"),
    ],
)
def test_what_is_wrong_is_said(text: str, problem: str) -> None:
    assert problem in (read_validator(text).problem or "")


def test_signing_states_have_an_order() -> None:
    assert SigningState(9, 9, 3) < SigningState(10, 0, 1) < SigningState(10, 0, 2) < SigningState(10, 1, 0)


def test_the_private_part_is_dropped() -> None:
    assert base64.b64encode(base64.b64decode(KEY_A)[:32]).decode()[:40] not in repr(
        read_validator(validator())
    )


@given(st.one_of(st.text(), st.binary()))
def test_nothing_in_a_file_raises(text: str | bytes) -> None:
    assert read_validator(text).problem


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["address", "pub_key", "last_height", "last_step", "priv_key"]), json_values
    )
)
def test_no_value_in_a_field_raises(changes: dict[str, object]) -> None:
    read_validator(validator(**changes))
