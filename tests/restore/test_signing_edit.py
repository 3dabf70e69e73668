"""The guard of the edit of a validator's file: what the edited text must have, and must have kept."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from loomtui.fleet.scripts import piece_text

FIELDS: dict[str, Any] = {
    "address": "34750F98BD59FCFC946DA45AAABE933BE154A4B5",
    "pub_key": {"type": "tendermint/PubKeyEd25519", "value": "cHVibGlj"},
    "last_height": "7",
    "last_round": "0",
    "last_step": 0,
    "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": "cHJpdmF0ZQ=="},
    "key_id": "hsm",
}


def text(**changes: Any) -> str:
    """A field that is None is left out."""
    fields = {name: value for name, value in {**FIELDS, **changes}.items() if value is not None}
    return json.dumps(fields, separators=(",", ":"))


def fault(before: str, after: str) -> str:
    script = f'{piece_text("lib")}\n{piece_text("signing_edit")}\nedit_fault "$1" "$2" 7\n'
    command = ["sh", "-c", script, "loomtui", before, after]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def test_only_the_signing_state_may_differ() -> None:
    before = json.dumps({**FIELDS, "last_height": "120455", "last_round": "1", "last_step": 3}, indent=2)
    assert fault(before, text()) == ""


@pytest.mark.parametrize("field", ["address", "pub_key", "priv_key", "key_id"])
@pytest.mark.parametrize("other", ["another", {"type": "t", "value": "YW5vdGhlcg=="}, None])
def test_what_says_whose_file_it_is_stays(field: str, other: Any) -> None:
    assert fault(text(), text(**{field: other})) == "key-changed"


@pytest.mark.parametrize("field", ["address", "pub_key"])
def test_what_has_no_identity_is_no_validators_file(field: str) -> None:
    assert fault(text(**{field: None}), text(**{field: None})) == "unknown-form"


@pytest.mark.parametrize(
    ("after", "why"),
    [
        (text(last_height=None), "unknown-form"),
        (text(more={"last_step": 0}), "unknown-form"),
        (text(last_height="8"), "no-height"),
        (text(last_round="1"), "unknown-form"),
        (text(last_step=3), "unknown-form"),
        (text(last_signature="x"), "signature-left"),
    ],
)
def test_the_signing_state_is_the_new_one_and_nothing_else(after: str, why: str) -> None:
    assert fault(text(), after) == why
