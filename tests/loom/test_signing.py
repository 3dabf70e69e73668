from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loomtui.loom.signing import Signer, forecast
from loomtui.loom.validator import SigningState


def signers(*heights: int | None, power: int = 10) -> list[Signer]:
    return [
        Signer(f"val-{at}", f"{at:040X}", power, None if height is None else SigningState(height, 0, 3))
        for at, height in enumerate(heights, 1)
    ]


def test_ready_case_three_of_four_go_on() -> None:
    outlook = forecast(100, signers(100, 100, 100, 130))
    assert (outlook.moves, outlook.signing_power, outlook.total_power) == (True, 30, 40)
    assert outlook.stuck == ("val-4",)
    assert outlook.sentence == (
        "The chain can go on from 100 without a quarter of the voting power: "
        "val-4 signs again after block 130."
    )


def test_ready_case_half_of_the_power_halts_the_chain() -> None:
    outlook = forecast(100, signers(100, 100, 130, 130))
    assert (outlook.moves, outlook.stuck) == (False, ("val-3", "val-4"))
    assert outlook.sentence == (
        "The chain would stand still at 101: val-3, val-4 (half of the voting power) have already signed "
        "up to 130, and a block needs more than two thirds of the voting power."
    )


@pytest.mark.parametrize(
    ("heights", "wal", "moves"),
    [
        ((19, 19, 19, 19), False, True),  # B1
        ((45, 45, 45, 45), False, False),  # C1
        ((20, 20, 20, 20), True, True),  # K1b: one step ahead, with the WAL of the same data
        ((20, 20, 20, 20), False, False),  # K1c: the same without it
        ((21, 21, 21, 21), True, False),
        ((45, 45, 19, 19), True, False),  # K7
        ((45, 19, 19, 19), True, True),  # K8
        ((0, 0, 0, 0), False, True),  # C2: signing state reset
    ],
)
def test_what_real_clusters_did_at_19(heights: tuple[int, ...], wal: bool, moves: bool) -> None:
    assert forecast(19, signers(*heights), wal_of_same_state=wal).moves is moves


def test_exactly_two_thirds_are_not_enough() -> None:
    assert not forecast(100, signers(100, 100, 130)).moves
    assert forecast(100, [*signers(100, 100, 130), Signer("one", "F", 1, SigningState(100, 0, 3))]).moves


def test_nobody_stuck() -> None:
    outlook = forecast(100, signers(7, 100, 100))
    assert outlook.sentence == "The chain can go on from 100: every validator can sign block 101."


def test_keys_that_are_nowhere() -> None:
    assert forecast(9, signers(9, 9, 9, None)).sentence == (
        "The chain can go on from 9 without a quarter of the voting power: val-4 does not sign."
    )
    halted = forecast(9, signers(9, 20, 30, None))
    assert not halted.moves
    assert (
        "val-2, val-3 (half of the voting power) have already signed up to heights between 20 and 30"
        in halted.sentence
    )
    assert "and val-4 (a quarter of the voting power) cannot sign at all" in halted.sentence


def test_one_that_is_stuck_and_an_odd_share() -> None:
    unequal = [*signers(100, power=3), *signers(130, power=4)]
    assert (
        "val-1 (57.1 % of the voting power) has already signed up to 130" in forecast(100, unequal).sentence
    )


def test_no_validators() -> None:
    outlook = forecast(5, [])
    assert (outlook.moves, outlook.sentence) == (
        False,
        "The chain would stand still at 6: no validator with voting power is known.",
    )


@given(
    st.integers(0, 10_000),
    st.lists(st.tuples(st.integers(0, 1000), st.one_of(st.none(), st.integers(0, 20_000))), max_size=8),
    st.booleans(),
)
def test_property_power_strictly_above_two_thirds(
    height: int, states: list[tuple[int, int | None]], wal: bool
) -> None:
    some = [
        Signer(f"n{at}", f"{at}", power, None if last is None else SigningState(last, 0, 0))
        for at, (power, last) in enumerate(states)
    ]
    outlook = forecast(height, some, wal_of_same_state=wal)
    able = sum(power for power, last in states if last is not None and last <= height + wal)
    assert outlook.moves == (3 * able > 2 * sum(power for power, _ in states))
    assert outlook.signing_power == able
    assert outlook.sentence.endswith(".")
