"""Archives with files that keep every node from starting, because Tendermint cannot read their numbers."""

from __future__ import annotations

import json

import pytest

from tests.backups.making import LOOM_GENESIS_TEXT, TM_GENESIS_TEXT, UNIT_TEXT, node_key, priv_validator
from tests.backups.test_databases import Files, contents, node

IN_CONFIG: Files = {
    "config/genesis.json": TM_GENESIS_TEXT,
    "config/node_key.json": node_key(),
    "config/priv_validator.json": priv_validator(),
    "genesis.json": LOOM_GENESIS_TEXT,
    "loom.yml": "",
    "loom.service": UNIT_TEXT,
}
PLAIN_POWER = TM_GENESIS_TEXT.replace('"validators": []', '"validators": [{"power": 10}]')


def said(files: Files) -> list[str]:
    return [text for text in contents(files).warnings if "cannot start" in text]


def test_a_right_archive_has_no_such_warning() -> None:
    assert said(IN_CONFIG) == []
    found = said(node() | {"chaindata/config/genesis.json": TM_GENESIS_TEXT})
    assert not any("Tendermint wants" in text for text in found)


@pytest.mark.parametrize(
    ("name", "text", "warning"),
    [
        (
            "config/genesis.json",
            PLAIN_POWER,
            "a node cannot start with chaindata/config/genesis.json in it: validators[0].power is 10, and "
            'Tendermint wants "10"',
        ),
        (
            "config/priv_validator.json",
            json.dumps(json.loads(priv_validator()) | {"last_height": 100}),
            "a node cannot start with chaindata/config/priv_validator.json in it: last_height is 100, and "
            'Tendermint wants "100"',
        ),
        (
            "config/node_key.json",
            json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": 7}}),
            "a node cannot start with chaindata/config/node_key.json in it: the key is not base64 of 64 "
            "bytes",
        ),
    ],
)
def test_a_number_in_the_wrong_form_is_told(name: str, text: str, warning: str) -> None:
    assert said(IN_CONFIG | {name: text}) == [warning]


def test_a_data_archive_s_own_config_counts_too() -> None:
    assert any(
        "validators[0].power" in text
        for text in said(node() | {"chaindata/config/genesis.json": PLAIN_POWER})
    )
