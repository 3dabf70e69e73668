"""Throw-away keys and IDs that many tests share. A, B, C, X: seeds of 32 × 0x01, 0x02, 0x03, 0x2a."""

from __future__ import annotations

import base64
import json

A = "34750f98bd59fcfc946da45aaabe933be154a4b5"
B = "6a3803d5f059902a1c6dafbc9ba4729212f7caac"
C = "b62e867fa2f33afe62d5d6b1642e1621d5433078"
X = "b600306cfa76723fdec395e53a9b3d9fdb78b1e2"

#: `priv_key.value` -> node ID
NODE_KEYS = {
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQGKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgBtA9vXA==": A,
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgKBOXcOqH0XX1ajVGbDTH7My42KkbTuN6Jd9g9bj8mzlA==": B,
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwPtSSjGKNHCxurpAziQWZVhKVknOlxj+TY2wUYUrIc30Q==": C,
    "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKioZf2sj4WyFMsaryDj6zV6nib4MdrKSAzQDm/qLPTaNYQ==": X,
    "K5977KjwXfpmzWzmJ44CyghkN2NBN6bBwsdONftj/VDwhpL/xW0qNwWOlPsjeoO+lfGG+pBKezojQDnQzrC45Q==": (
        "6a0f7102ec672b40faba8adc68ada80bb00523c6"
    ),
    "HRZEUy5uGn6Ca20Bi9rbGE4eM5mCpoDEIbKn41ZH6bkS/Q9dOgehADwLKVvn9rtbs1SuLw7Wr3O9AAXopwpbDQ==": (
        "f07a958c5a15919b505f1509c62169c76a554eec"
    ),
    "E76UqS4fZLFqK6ST1UbSMYwP4hmS6TGH9RTnTR971EVaPDIXhLa1MO7abTycwwlvu6Nt+bPCS81mACuoJeZZCg==": (
        "41bcd3c35146f6b6e34321419488bc9b89cf98a2"
    ),
}
KEY_A = next(iter(NODE_KEYS))
PUBLIC_A = base64.b64encode(base64.b64decode(KEY_A)[32:]).decode()


def node_key(value: str, key_type: str = "tendermint/PrivKeyEd25519") -> str:
    return json.dumps({"priv_key": {"type": key_type, "value": value}})


def validator(**changes: object) -> str:
    """A priv_validator.json of key A; a change to None removes the field."""
    document: dict[str, object] = {
        "address": A.upper(),
        "pub_key": {"type": "tendermint/PubKeyEd25519", "value": PUBLIC_A},
        "last_height": "120455",
        "last_round": "0",
        "last_step": 3,
        "last_signature": "c2lnbmF0dXJl",
        "last_signbytes": "00FF",
        "priv_key": {"type": "tendermint/PrivKeyEd25519", "value": KEY_A},
    } | changes
    return json.dumps({name: value for name, value in document.items() if value is not None})
