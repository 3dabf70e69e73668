"""Sizes as they are typed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.cli.sizes import size_option
from loomtui.errors import CallError
from tests.cli.conftest import Run


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("0", 0),
        ("512000000", 512_000_000),
        ("512MB", 512_000_000),
        (" 2 GB ", 2_000_000_000),
        ("1.5kB", 1500),
        ("2GiB", 2 * 1024**3),
        ("3tib", 3 * 1024**4),
        ("7b", 7),
        ("1m", 1_000_000),
    ],
)
def test_a_size_is_read(typed: str, expected: int) -> None:
    assert size_option("--look-limit", typed) == expected


@pytest.mark.parametrize("typed", ["", "many", "-1", "1 PB", "1e9", "1,5MB", "9" * 40, "999999999999999TiB"])
def test_what_is_no_size_is_told(typed: str) -> None:
    with pytest.raises(CallError, match="--look-limit"):
        size_option("--look-limit", typed)


@given(st.integers(0, 2**49))
def test_a_plain_number_is_itself(number: int) -> None:
    assert size_option("--look-limit", str(number)) == number


def test_the_command_says_so(loomtui: Run, tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.yml"
    inventory.write_text("cluster: lab\nproduction: false\ns3: {bucket: abc}\nnodes: [{name: n1, host: h}]\n")
    done = loomtui("plan", "-i", str(inventory), "--look-limit", "many")
    assert done.status == 2
    assert "--look-limit: 'many' is not a size." in done.err
