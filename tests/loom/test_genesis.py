from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.genesis import (
    GenesisKind,
    GenesisValidator,
    TendermintGenesis,
    classify_genesis,
    read_tendermint_genesis,
)

from .vectors import PUBLIC_A, A

VALIDATOR = {
    "address": "",
    "pub_key": {"type": "tendermint/PubKeyEd25519", "value": PUBLIC_A},
    "power": "10",
    "name": "n1",
}


def tendermint(**changes: object) -> str:
    document = {
        "genesis_time": "2018-09-06T12:34:56.123456789Z",
        "chain_id": "default",
        "validators": [VALIDATOR],
        "app_hash": "",
    }
    return json.dumps(document | changes)


def test_the_genesis_file_of_tendermint() -> None:
    assert read_tendermint_genesis(tendermint()) == TendermintGenesis(
        "default",
        datetime(2018, 9, 6, 12, 34, 56, 123456, UTC),
        (GenesisValidator(A.upper(), 10, "n1", PUBLIC_A),),
    )
    assert read_tendermint_genesis(tendermint(validators=None, genesis_time=1)).validators == ()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (tendermint(), GenesisKind.TENDERMINT),
        ('{"contracts":[{"vm":"plugin"}]}', GenesisKind.LOOM),
        ("{}", GenesisKind.UNKNOWN),
        ('{"contracts":7}', GenesisKind.UNKNOWN),
        ("garbage", GenesisKind.UNKNOWN),
    ],
)
def test_the_two_kinds_are_told_apart_by_content(text: str, kind: GenesisKind) -> None:
    assert classify_genesis(text) is kind


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("x", "is not JSON"),
        ('{"contracts":[]}', "names no chain_id"),
        (tendermint(validators=[7]), "without a public key or a power"),
        (tendermint(validators=[VALIDATOR | {"power": "-1"}]), "without a public key or a power"),
        (
            tendermint(validators=[VALIDATOR | {"pub_key": {"value": "AQEB"}}]),
            "without a public key or a power",
        ),
    ],
)
def test_what_is_no_genesis_is_told(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_tendermint_genesis(text)


@given(st.text())
def test_no_text_raises(text: str) -> None:
    assert classify_genesis(text) is GenesisKind.UNKNOWN
