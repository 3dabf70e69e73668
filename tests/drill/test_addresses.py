from __future__ import annotations

import pytest

from loomtui.drill.node.addresses import Address, AddressError, parse_address, split_list

_ID = "34750f98bd59fcfc946da45aaabe933be154a4b5"


@pytest.mark.parametrize("prefix", ["tcp://", ""])
def test_an_address(prefix: str) -> None:
    assert parse_address(f"{prefix}{_ID}@127.0.0.1:46656") == Address(_ID, "127.0.0.1", 46656)


def test_an_id_stays_as_it_was_typed() -> None:
    assert parse_address(f"{_ID.upper()}@127.0.0.1:46656").id == _ID.upper()


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("tcp://127.0.0.1:34016", "Address (tcp://127.0.0.1:34016) does not contain ID"),
        (
            "tcp://abcd@127.0.0.1:1",
            "Invalid address (abcd@127.0.0.1:1): invalid hex length - got 2, expected 20",
        ),
        (
            "tcp://10.99.0.35@10.99.0.32:46656",
            "Invalid address (10.99.0.35@10.99.0.32:46656): encoding/hex: invalid byte: U+002E '.'",
        ),
        (
            f"{_ID}@127.0.0.1",
            f"Invalid address ({_ID}@127.0.0.1): address 127.0.0.1: missing port in address",
        ),
        (
            f"{_ID}@no-such-host.invalid:1",
            "Error looking up host (no-such-host.invalid): lookup no-such-host.invalid: no such host",
        ),
    ],
)
def test_tendermints_words_for_what_is_none(entry: str, message: str) -> None:
    with pytest.raises(AddressError) as raised:
        parse_address(entry)
    assert str(raised.value) == message


def test_blanks_and_empty_entries_are_dropped() -> None:
    assert split_list(" a, b,,\n") == ["a", "b"]
