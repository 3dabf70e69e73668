from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.nodekey import (
    from_public_key,
    node_id,
    read_node_key,
    read_nodekey_output,
    validator_address,
)

from .vectors import KEY_A, NODE_KEYS, PUBLIC_A, A, node_key


@pytest.mark.parametrize(("value", "expected"), NODE_KEYS.items())
def test_the_id_of_every_known_key(value: str, expected: str) -> None:
    facts = read_node_key(node_key(value))
    assert (facts.node_id, facts.problem) == (expected, None)
    assert from_public_key(facts.public_key or "") == facts


@pytest.mark.parametrize(
    ("public", "address"),
    [
        ("AT/+aaL1eB0477Mud9JMm8Sh8BIvOYlPGC9KkIUmFaE=", "A3258DCBF45DCA0DF052981870F2D1441A36D145"),
        ("2MysikRZ8Yzk3KPDVEl/g2tHSyX0i3DGrAMwtDcYH10=", "825F1AE812A4395EFF0F88A032AAB2CE42F120EE"),
    ],
)
def test_addresses_from_independent_sources(public: str, address: str) -> None:
    raw = base64.b64decode(public)
    assert validator_address(raw) == address
    assert node_id(raw) == address.lower()


def test_extra_fields_and_pretty_printing_do_no_harm() -> None:
    text = node_key(KEY_A).replace("{", '{ "more": 1,\n', 1)
    assert read_node_key(text.encode()).node_id == A


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("{", "not JSON"),
        ("garbage", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        pytest.param("[" * 50_000, "not JSON", id="deep"),
        ("[]", "not a JSON object"),
        pytest.param(" " * 70_000, "larger than", id="large"),
        ("{}", "no priv_key"),
        ('{"priv_key":null}', "no priv_key"),
        (node_key("AQEB"), "base64 of 64 bytes"),
        (node_key("!!!"), "base64 of 64 bytes"),
        ('{"priv_key":{"type":"tendermint/PrivKeyEd25519","value":7}}', "base64 of 64 bytes"),
        (node_key(KEY_A, "tendermint/PrivKeySecp256k1"), "another type"),
        (node_key(base64.b64encode(b"\1" * 32 + bytes(32)).decode()), "all zero"),
    ],
)
def test_what_is_no_key_has_a_problem_and_no_id(text: str | bytes, problem: str) -> None:
    facts = read_node_key(text)
    assert facts.node_id is None
    assert facts.public_key is None
    assert problem in (facts.problem or "")


def test_the_private_part_is_dropped() -> None:
    assert KEY_A[:40] not in repr(read_node_key(node_key(KEY_A)))


def test_a_public_key_of_another_length() -> None:
    assert "32 bytes" in (from_public_key("AQEB").problem or "")
    assert from_public_key(f" {PUBLIC_A}\n").node_id == A


@pytest.mark.parametrize("output", [f"{A}\n", A])
@pytest.mark.parametrize("status", [0, 1])
def test_the_output_of_loom_nodekey_is_judged_by_its_form(output: str, status: int) -> None:
    assert read_nodekey_output(output.encode(), status) == A


@pytest.mark.parametrize(
    ("output", "status", "sentence"),
    [
        (b"Error in determining Node Key", 0, "could not read chaindata/config/node_key.json"),
        (b"", 2, "printed nothing and ended with status 2"),
        (A.upper().encode(), 0, "no node ID"),
        (f"{A}\n\n".encode(), 0, "no node ID"),
        (f"{A}{A}\n".encode(), 0, "no node ID"),
        (b"unknown flag: --home\n", 1, "unknown flag"),
        (b"\x1b]52;c;aGk=\x07\xff", 0, "no node ID"),
    ],
)
def test_ready_case_an_error_is_one_whatever_the_status(output: bytes, status: int, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        read_nodekey_output(output, status)
    assert "\x1b" not in str(caught.value)


@given(st.one_of(st.text(), st.binary(), st.text('{}[]":,privkeytypevalue \\u0123456789')))
def test_nothing_in_a_file_raises(text: str | bytes) -> None:
    facts = read_node_key(text)
    assert (facts.node_id is None) == (facts.problem is not None)


@given(st.text())
def test_no_public_key_raises(text: str) -> None:
    from_public_key(text)


@given(st.binary(), st.integers(-15, 255))
def test_no_output_but_an_id_is_accepted(output: bytes, status: int) -> None:
    with pytest.raises(ValueError):
        read_nodekey_output(output, status)
