"""The two genesis files."""

from __future__ import annotations

import json
from collections.abc import Sequence

from loomtui.drill.node.blocks import Validator, timestamp

CHAIN_ID = "default"


def tendermint_genesis(
    validators: Sequence[Validator], time: str | None = None, *, chain_id: str | None = None
) -> str:
    """chaindata/config/genesis.json."""
    entries = [
        {
            "address": entry.address,
            "pub_key": {"type": "tendermint/PubKeyEd25519", "value": entry.public_key},
            "power": str(entry.power),
            "name": "",
        }
        for entry in validators
    ]
    document = {
        "genesis_time": time or timestamp(),
        "chain_id": chain_id or CHAIN_ID,
        "consensus_params": {
            "block_size": {"max_bytes": "22020096", "max_gas": "-1"},
            "evidence": {"max_age": "100000"},
            "validator": {"pub_key_types": ["ed25519"]},
        },
        "validators": entries,
        "app_hash": "",
    }
    return json.dumps(document, indent=2)


def loom_genesis(validators: Sequence[Validator]) -> str:
    """genesis.json in the working directory."""
    keys = [{"pubKey": entry.public_key, "power": str(entry.power)} for entry in validators]
    contracts = [
        {"vm": "plugin", "format": "plugin", "name": "coin", "location": "coin:1.0.0", "init": None},
        {
            "vm": "plugin",
            "format": "plugin",
            "name": "dposV3",
            "location": "dposV3:3.0.0",
            "init": {"params": {"oracleAddress": None}, "validators": keys},
        },
        {
            "vm": "plugin",
            "format": "plugin",
            "name": "addressmapper",
            "location": "addressmapper:0.1.0",
            "init": None,
        },
        {
            "vm": "plugin",
            "format": "plugin",
            "name": "chainconfig",
            "location": "chainconfig:1.0.0",
            "init": None,
        },
    ]
    return json.dumps({"contracts": contracts}, indent=4)
